"""The codec as it is used: audio in, codes out, audio back.

Conventions: audio is float, [B, T], in [-1, 1], at the codec's own sample rate; codes are
int64, [B, F].

Padding decides what is sent. "hop" fills the last frame up with zeros, F = ceil(T / hop).
"window" is the authors': zeros up to a whole number of attention windows, all of them coded;
weights that they trained expect it, and instance normalisation makes the audio depend on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import SQCodecConfig, get_config
from sqcodec.weights import WeightsCard, file_hash, find_weights, load_weights

PADDINGS = ("hop", "window")


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
        revision: hash of what decides the output: weights, padding, torch's version.
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
    ) -> None:
        self.padding = card.padding if padding is None else padding
        if self.padding not in PADDINGS:
            raise ValueError(f"padding must be one of {PADDINGS}, got {self.padding!r}")
        self.config = network.config
        self.device = torch.device(device)
        self._network = fold_weight_norm(network).eval().requires_grad_(False).to(self.device)
        decisive = f"{weights_sha256} {self.padding} torch {torch.__version__}"
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

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T] or [T] -> codes, int64 [B, F] or [F].

        Raises:
            ValueError: the audio is empty, not floating point, not finite, or of more axes.
        """
        if not isinstance(audio, Tensor) or not audio.is_floating_point():
            kind = audio.dtype if isinstance(audio, Tensor) else type(audio).__name__
            raise ValueError(f"audio must be a floating-point tensor, got {kind}")
        if audio.ndim == 1:
            return self.encode(audio[None])[0]
        if audio.ndim != 2 or not audio.shape[1]:
            raise ValueError(
                f"audio must have shape [B, T] with T >= 1, one channel a clip, "
                f"got {tuple(audio.shape)}"
            )
        if not torch.isfinite(audio).all():
            raise ValueError("audio must be finite, got NaN or infinity")
        length = audio.shape[1]
        with torch.inference_mode():
            audio = audio.to(self.device, torch.float32)
            audio = torch.nn.functional.pad(audio, (0, self._padded(length) - length))
            return self._network.encode(audio)

    def decode(self, codes: Tensor, length: int | None = None) -> Tensor:
        """Codes, int64 [B, F] or [F] -> audio, float32 [B, T] or [T].

        Args:
            codes: what `encode` returned.
            length: T, samples to return; all that the codes stand for if None.

        Raises:
            ValueError: codes of another type or shape, out of the codebook, or too few or
                too many for the length.
        """
        if not isinstance(codes, Tensor) or codes.dtype != torch.int64:
            kind = codes.dtype if isinstance(codes, Tensor) else type(codes).__name__
            raise ValueError(f"codes must be an int64 tensor, got {kind}")
        if codes.ndim == 1:
            return self.decode(codes[None], length)[0]
        if codes.ndim != 2 or not codes.numel():
            raise ValueError(f"codes must have shape [B, F] with F >= 1, got {tuple(codes.shape)}")
        if length is not None and (length < 1 or self.n_frames(length) != codes.shape[1]):
            raise ValueError(
                f"{codes.shape[1]} codes do not stand for {length} samples"
                + (f", which take {self.n_frames(length)}" if length >= 1 else "")
            )
        size = self.config.codebook_size
        low, high = (int(value) for value in codes.aminmax())
        if low < 0 or high >= size:
            raise ValueError(f"codes must lie in 0..{size - 1}, got {low}..{high}")
        with torch.inference_mode():
            return self._network.decode(codes.to(self.device))[:, :length]

    def _padded(self, length: int) -> int:
        unit = self.config.hop_length if self.padding == "hop" else self.config.window_length
        return -(-length // unit) * unit


def fold_weight_norm(network: SQCodecNetwork) -> SQCodecNetwork:
    """Replace every weight-normalised weight by its value, in place; for inference only."""
    for module in network.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    return network


def load(
    name: str | Path, *, device: str | torch.device = "cpu", padding: str | None = None
) -> SQCodec:
    """Load a preset by name, or a weights file by its path.

    Args:
        name: a preset such as ``sqcodec-3k`` (see `sqcodec.known_names`), or the path of a
            ``.safetensors`` file.
        device: where to compute.
        padding: "hop" or "window"; what the weights were trained with if None.

    Raises:
        ValueError: there is no such preset, or no such padding.
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
    )


def preset_info(name: str) -> SQCodecInfo:
    """Describe a preset, whether its weights are here or not.

    Raises:
        ValueError: no preset is called `name`.
    """
    return describe(get_config(name))
