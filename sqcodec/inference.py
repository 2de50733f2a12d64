"""The codec as it is used: audio in, codes out, audio back.

Conventions: audio is float, [B, T], in [-1, 1], at the codec's own sample rate; codes are
int64, [B, F].

Padding decides what is sent. "hop" fills the last frame up with zeros, F = ceil(T / hop).
"window" is the authors': zeros up to a whole number of attention windows, all of them coded;
weights that they trained expect it, and instance normalisation makes the audio depend on it.

The network is rewritten for speed (`sqcodec.fast`) unless told otherwise: the same up to
rounding, so that a code may differ where two were equally near.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from sqcodec import long_audio
from sqcodec.arguments import check_audio, check_codes
from sqcodec.compiler import require_compiler
from sqcodec.fast import PRECISIONS, rewrite
from sqcodec.long_audio import Progress
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import SQCodecConfig, get_config
from sqcodec.streaming import (
    Latency,
    Statistics,
    StreamDecoder,
    StreamEncoder,
    latency,
    through,
)
from sqcodec.weights import WeightsCard, file_hash, find_weights, load_weights

PADDINGS = ("hop", "window")


def _unheard(done: float) -> None:
    """Progress that nobody listens to."""


@dataclass(frozen=True)
class SQCodecInfo:
    """What an SQCodec is, computed from its network and its weights file.

    Attributes:
        name: of the preset, or of the weights file it was loaded from.
        sample_rate: Hz.
        hop_length: samples per code.
        frame_rate_hz: codes per second.
        codebook_size: number of distinct codes.
        bits_per_frame: log2 of the codebook size.
        bitrate_bps: nominal bits per second.
        window_length: samples per window of the inner transformer.
        n_parameters: learned values, scales of weight normalisation included.
        padding: "hop" or "window".
        revision: hash of what decides the output: weights, padding, torch's version, the path
            and the precision that it is computed in.
        weights: where the weights come from, in a line; "" for a preset without weights.
        weights_sha256: of the weights file; "" for a preset without weights.
        licence: of the weights.
    """

    name: str
    sample_rate: int
    hop_length: int
    frame_rate_hz: float
    codebook_size: int
    bits_per_frame: float
    bitrate_bps: float
    window_length: int
    n_parameters: int
    padding: str = ""
    revision: str = ""
    weights: str = ""
    weights_sha256: str = ""
    licence: str = ""


def describe(config: SQCodecConfig) -> SQCodecInfo:
    """Instantiate a configuration, without weights, and report what it is."""
    with torch.device("meta"):
        network = SQCodecNetwork(config)
    return SQCodecInfo(
        name=config.name,
        sample_rate=config.sample_rate,
        hop_length=config.hop_length,
        frame_rate_hz=config.frame_rate_hz,
        codebook_size=config.codebook_size,
        bits_per_frame=config.bits_per_frame,
        bitrate_bps=config.bitrate_bps,
        window_length=config.window_length,
        n_parameters=network.n_parameters(),
    )


class SQCodec:
    """A network with trained weights, ready to encode and decode.

    Attributes:
        config: the preset.
        info: rates, sizes, revision and provenance.
        padding: "hop" or "window".
        fast: the network is rewritten for speed.
        precision: "fp32" or "bf16".
    """

    def __init__(
        self,
        network: SQCodecNetwork,
        card: WeightsCard,
        *,
        name: str,
        weights_sha256: str,
        device: str | torch.device = "cpu",
        padding: str | None = None,
        fast: bool = True,
        precision: str = "fp32",
        compile: bool = False,
    ) -> None:
        self.padding = card.padding if padding is None else padding
        if self.padding not in PADDINGS:
            raise ValueError(f"padding must be one of {PADDINGS}, got {self.padding!r}")
        self.config = network.config
        self.device = torch.device(device)
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {PRECISIONS}, got {precision!r}")
        if not fast and (compile or precision != "fp32"):
            raise ValueError("fast=False computes in fp32 and is not compiled")
        if compile and self.device.type == "cpu":
            require_compiler()
        self.fast, self.precision = fast, precision
        network = fold_weight_norm(network).requires_grad_(False)
        if fast:
            network = rewrite(network, precision, compile=compile)
        self._network = network.eval().requires_grad_(False).to(self.device)
        path = f"{'fast' if fast else 'plain'} {precision}{' compiled' if compile else ''}"
        decisive = f"{weights_sha256} {self.padding} torch {torch.__version__} {path}"
        self.info = SQCodecInfo(
            **asdict(describe(self.config))
            | {
                "name": name,
                "padding": self.padding,
                "revision": hashlib.sha256(decisive.encode()).hexdigest()[:12],
                "weights": card.description,
                "weights_sha256": weights_sha256,
                "licence": card.licence,
            }
        )

    def n_frames(self, length: int) -> int:
        """Return F, the number of codes of a clip of `length` samples."""
        return self._padded(length) // self.config.hop_length

    @property
    def latency(self) -> Latency:
        """What streams are delayed by."""
        return latency(self.config)

    def encode(self, audio: Tensor, *, on_progress: Progress = _unheard) -> Tensor:
        """Audio [B, T] or [T] -> codes, int64 [B, F] or [F]; in bounded memory.

        Args:
            audio: in [-1, 1], at the codec's sample rate.
            on_progress: told what part is done, 0 to 1, of clips longer than a minute.

        Raises:
            ValueError: the audio is empty, not floating point, not finite, or of more axes.
        """
        check_audio(audio)
        if audio.ndim == 1:
            return self.encode(audio[None], on_progress=on_progress)[0]
        length = audio.shape[1]
        if long_audio.is_long(self.config, length):
            return long_audio.encode(self._network, audio, self._unit, self.device, on_progress)
        if len(audio) > (at_once := long_audio.clips_at_once(self.config, length)):
            return torch.cat([self.encode(clips) for clips in audio.split(at_once)])
        with torch.inference_mode():
            audio = audio.to(self.device, torch.float32)
            audio = torch.nn.functional.pad(audio, (0, self._padded(length) - length))
            return self._network.encode(audio)

    def decode(
        self,
        codes: Tensor,
        length: int | None = None,
        *,
        statistics: Statistics | None = None,
        on_progress: Progress = _unheard,
    ) -> Tensor:
        """Codes, int64 [B, F] or [F] -> audio, float32 [B, T] or [T]; in bounded memory.

        Args:
            codes: what `encode` returned.
            length: T, samples to return; all that the codes stand for if None.
            statistics: what the TEConv gates normalise by, of the same weights; the clip's
                own if None, which clips longer than a minute take several passes for.
            on_progress: told what part is done, 0 to 1, of clips longer than a minute.

        Raises:
            ValueError: codes of another type or shape, out of the codebook, or too few or
                too many for the length; statistics of another number of gates.
        """
        check_codes(codes, self.config.codebook_size)
        if codes.ndim == 1:
            batch = codes[None]
            return self.decode(batch, length, statistics=statistics, on_progress=on_progress)[0]
        if length is not None and (length < 1 or self.n_frames(length) != codes.shape[1]):
            raise ValueError(
                f"{codes.shape[1]} codes do not stand for {length} samples"
                + (f", which take {self.n_frames(length)}" if length >= 1 else "")
            )
        n_samples = codes.shape[1] * self.config.hop_length
        if statistics is not None or long_audio.is_long(self.config, n_samples):
            audio = long_audio.decode(self._network, codes, self.device, statistics, on_progress)
            return audio[:, :length]
        if len(codes) > (at_once := long_audio.clips_at_once(self.config, n_samples)):
            return torch.cat([self.decode(clips, length) for clips in codes.split(at_once)])
        with torch.inference_mode():
            return self._network.decode(codes.to(self.device))[:, :length]

    def statistics(self, codes: Tensor, *, on_progress: Progress = _unheard) -> Statistics:
        """Return what the decoder's gates normalise by when they see all of codes [B, F].

        With them, a stream's decoder gives what `decode` gives.

        Raises:
            ValueError: codes of another type or shape, or out of the codebook.
        """
        check_codes(codes, self.config.codebook_size)
        codes = codes if codes.ndim == 2 else codes[None]
        return long_audio.collect(self._network, codes, self.device, on_progress)

    def stream_encoder(self) -> StreamEncoder:
        """Begin a stream: audio in pieces of any size in, the codes of the whole clip out."""
        return StreamEncoder(self._network, self._unit, self.device)

    def stream_decoder(self, *, statistics: Statistics | None = None) -> StreamDecoder:
        """Begin a stream: codes in pieces of any size in, audio out.

        Args:
            statistics: what the TEConv gates normalise by, of the same weights. With those of
                `statistics(codes)`, which take all codes, the audio is that of `decode`. With
                None it is what came so far, and the audio another one: 6 to 17 dB SDR against
                that of `decode` on speech (docs/streaming.md).

        Raises:
            ValueError: statistics of another number of gates.
        """
        return StreamDecoder(self._network, statistics, self.device)

    def encode_stream(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield codes, [B, n] or [n], as chunks of audio, [B, n] or [n], settle them."""
        return through(self.stream_encoder(), chunks)

    def decode_stream(
        self, chunks: Iterable[Tensor], *, statistics: Statistics | None = None
    ) -> Iterator[Tensor]:
        """Yield audio, [B, n] or [n], as chunks of codes, [B, n] or [n], settle it.

        Without the clip's statistics it is other audio than that of `decode`: see
        `stream_decoder`.
        """
        return through(self.stream_decoder(statistics=statistics), chunks)

    @property
    def _unit(self) -> int:
        config = self.config
        return config.hop_length if self.padding == "hop" else config.window_length

    def _padded(self, length: int) -> int:
        return -(-length // self._unit) * self._unit


def fold_weight_norm(network: SQCodecNetwork) -> SQCodecNetwork:
    """Replace every weight-normalised weight by its value, in place; for inference only."""
    for module in network.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    return network


def load(
    name: str | Path,
    *,
    device: str | torch.device = "cpu",
    padding: str | None = None,
    fast: bool = True,
    precision: str = "fp32",
    compile: bool = False,
) -> SQCodec:
    """Load a preset by name, or a weights file by its path.

    Args:
        name: a preset such as ``sqcodec-3k`` (see `sqcodec.known_names`), or the path of a
            ``.safetensors`` file.
        device: where to compute.
        padding: "hop" or "window"; what the weights were trained with if None.
        fast: rewrite the network for speed; False computes with the layers as they are trained.
        precision: "fp32", or "bf16" for most matrix products, which is faster where the
            hardware has it; of six clips of speech 0.8 to 2.4 % of the codes differed.
        compile: compile the fast network with `torch.compile` at the first clip.

    Raises:
        ValueError: there is no such preset, padding or precision, or one without `fast`.
        CompilerNotFoundError: there is no C++ compiler to compile with.
        WeightsNotFoundError: there are no weights for the preset; the message says how to
            get them.
        CheckpointError: the file is unreadable or not an SQCodec weights file.
    """
    path = Path(name)
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise FileNotFoundError(f"no weights file at {path}")
    else:
        path = find_weights(str(name))
    network, card = load_weights(path)
    return SQCodec(
        network,
        card,
        name=path.stem,
        weights_sha256=file_hash(path),
        device=device,
        padding=padding,
        fast=fast,
        precision=precision,
        compile=compile,
    )


def preset_info(name: str) -> SQCodecInfo:
    """Describe a preset, whether its weights are here or not.

    Raises:
        ValueError: no preset is called `name`.
    """
    return describe(get_config(name))
