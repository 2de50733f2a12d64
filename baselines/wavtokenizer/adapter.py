"""WavTokenizer's two published large models behind the benchmark's contract.

`wavtokenizer-480` sends 40 codes of 12 bits a second, `wavtokenizer-900` 75. Attention and group
norm see the whole clip, so the clips of a batch go through one by one. T samples come back of
the ceil(T / hop) frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from baselines import weights
from baselines.tokens import TokenCodec
from baselines.wavtokenizer.backbone import Attention
from baselines.wavtokenizer.checkpoint import CheckpointError, convert, read
from baselines.wavtokenizer.network import SAMPLE_RATE, WavTokenizer, WavTokenizerConfig
from baselines.weights import Weights
from bench.architecture import Architecture, AsCounted
from bench.codec import CodecCard, CodecInfo, CodecUnavailableError, Facts, KnownAnswer

_LICENCE = "MIT"
_CITATION = (
    "Ji et al., WavTokenizer: an Efficient Acoustic Discrete Codec Tokenizer for Audio Language "
    "Modeling, arXiv:2408.16532"
)


@dataclass(frozen=True)
class _Model:
    """One of the published models."""

    weights: Weights
    config: WavTokenizerConfig

    @property
    def frame_rate_hz(self) -> float:
        return SAMPLE_RATE / self.config.hop

    @property
    def bitrate_bps(self) -> float:
        return self.frame_rate_hz * math.log2(self.config.codebook_size)


_MODELS = {
    "wavtokenizer-480": _Model(
        Weights(
            "novateur/WavTokenizer-large-unify-40token",
            ("wavtokenizer_large_unify_600_24k.ckpt",),
        ),
        WavTokenizerConfig(strides=(4, 5, 5, 6)),
    ),
    "wavtokenizer-900": _Model(
        Weights(
            "novateur/WavTokenizer-large-speech-75token",
            ("wavtokenizer_large_speech_320_v2.ckpt",),
        ),
        WavTokenizerConfig(strides=(2, 4, 5, 8)),
    ),
}
NAMES = tuple(_MODELS)

_KNOWN_ANSWERS = {
    "wavtokenizer-480": KnownAnswer(
        frequency_hz=440.0,
        amplitude=0.5,
        duration_s=0.5,
        sample_rate=SAMPLE_RATE,
        codes=(1323, 1442, 3524, 2056, 3229, 1723, 2785, 1389, 3144, 1723),
    )
}


class WavTokenizerCodec(TokenCodec):
    """WavTokenizer with its weights."""

    network: WavTokenizer

    @property
    def facts(self) -> Facts:
        """The known answer of the published weights, where one is known."""
        return Facts(known_answer=_KNOWN_ANSWERS.get(self.info.name))

    def codes_of(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio [B, T] -> codes [B, 1, F]."""
        return torch.stack([self.network.encode(clip[None]) for clip in audio])

    def audio_of(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, 1, F] -> audio [B, F hop]."""
        return torch.cat([self.network.decode(of_clip) for of_clip in codes])


def network(name: str) -> WavTokenizer:
    """The network of `name`, one of `NAMES`, without its weights."""
    return WavTokenizer(_MODELS[name].config)


def load(name: str, device: str = "cpu") -> WavTokenizerCodec:
    """The model called `name`, one of `NAMES`, computing on `device`.

    A published checkpoint is converted at the first time, into the folder of local weights.

    Raises:
        CodecUnavailableError: the weights are missing, or not of this model.
    """
    model = _MODELS[name]
    try:
        loaded, sha256 = _read_or_convert(model)
    except CheckpointError as error:
        raise CodecUnavailableError(str(error)) from error
    except OSError as error:
        raise CodecUnavailableError(
            f"cannot write the converted checkpoint into {model.weights.local_folder} ({error}): "
            f"{weights.FOLDER_VARIABLE} names another place"
        ) from error
    info = CodecInfo(
        name=name,
        sample_rate=SAMPLE_RATE,
        bitrate_bps=model.bitrate_bps,
        n_codebooks=1,
        codebook_size=model.config.codebook_size,
        frame_rate_hz=model.frame_rate_hz,
        revision=weights.revision(sha256, model.config, version("torch"), device),
        weights=f"{model.weights.files[0]} of {model.weights.repository}, SHA-256 {sha256[:12]}",
        licence=_LICENCE,
        citation=_CITATION,
        weights_sha256=sha256,
    )
    return WavTokenizerCodec(info, loaded, device)


def _converted(model: _Model) -> Path:
    """Where the converted checkpoint is, or will be."""
    return (model.weights.local_folder / model.weights.files[0]).with_suffix(".safetensors")


def _read_or_convert(model: _Model) -> tuple[WavTokenizer, str]:
    """The network and the SHA-256 of its published checkpoint."""
    converted = _converted(model)
    beside = converted.with_suffix(".ckpt")  # somebody may have put another one there
    outdated = (
        converted.is_file()
        and beside.is_file()
        and beside.stat().st_mtime > converted.stat().st_mtime
    )
    if outdated or not converted.is_file():
        source = weights.find(model.weights) / model.weights.files[0]
        convert(source, converted, model.config, weights.checked_sha256(source))
    return read(converted, model.config)


def card(name: str) -> CodecCard:
    """What the model called `name` is, and what it lacks here."""
    model = _MODELS[name]
    lacks = "" if _converted(model).is_file() else weights.missing(model.weights)
    return CodecCard(
        name,
        f"WavTokenizer large, one codebook of {model.config.codebook_size:,}",
        SAMPLE_RATE,
        model.bitrate_bps,
        "" if lacks else model.weights.repository,
        lacks,
    )


def architecture(name: str) -> Architecture:
    """The network of `name`, one of `NAMES`, without weights."""
    model = network(name).eval()

    def encode(audio: torch.Tensor) -> torch.Tensor:
        return model.encoder(audio[:, None])  # [B, D, F]

    def decode(latent: torch.Tensor) -> torch.Tensor:
        return model.head(model.backbone(latent))

    return Architecture(
        name,
        SAMPLE_RATE,
        pad_to=1,  # the convolutions pad by themselves
        network=model,
        encode=encode,
        quantize=model.nearest,
        dequantize=model.entries,
        decode=decode,
        as_counted=AsCounted(rules={Attention: _attention_as_counted}),
        hop_length=_MODELS[name].config.hop,
    )


def _attention_as_counted(module: nn.Module, x: torch.Tensor, y: torch.Tensor) -> int:
    """The published code multiplies queries, keys and values itself, which their counter sees."""
    _, width, n_frames = x.shape
    projections = 4 * (width + 1) * width * n_frames
    products = 2 * width * n_frames**2
    return projections + products + n_frames**2 + 2 * width * n_frames  # softmax, group norm
