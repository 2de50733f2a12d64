"""DAC over `transformers.DacModel`: the 16 kHz and the 24 kHz model, at seven bitrates.

Frames of 320 samples, 10 bits a code: at 16 kHz 50 frames a second and 2, 3, 6 or 12 of 12
codebooks, at 24 kHz 75 and 8, 16 or 32 of 32. Clips are filled up to whole frames, encoded and
decoded in one piece, as by the authors' preprocess, encode and decode; their compress would
chunk and change the loudness.

The model's odd stride makes its output 8 samples shorter than its frames; what is then missing
at the end of a clip is filled with zeros. The published weights return the audio 8 samples
early, which stays as it is: `bench.delay` measures it.

Source: Kumar et al., High-Fidelity Audio Compression with Improved RVQGAN, arXiv:2306.06546.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional

from baselines.originals import dac_weights, load_original, original_in
from baselines.pretrained import load_pretrained
from baselines.tokens import TokenCodec
from baselines.weights import (
    Weights,
    check_installed,
    checked_sha256,
    described,
    find,
    missing,
    revision,
)
from bench.architecture import Architecture, AsCounted
from bench.codec import CodecCard, CodecInfo, CodecUnavailableError, Facts

if TYPE_CHECKING:
    from transformers import DacModel

HOP = 320
_DOWNSAMPLING = (2, 4, 5, 8)
_CODEBOOK_SIZE = 1024
_BITS_PER_CODE = 10
_LICENCE = "MIT"
_CITATION = "Kumar et al., High-Fidelity Audio Compression with Improved RVQGAN, arXiv:2306.06546"


@dataclass(frozen=True)
class _Model:
    """One of the published models."""

    weights: Weights
    sample_rate: int
    n_codebooks: int


def _model(sample_rate: int, n_codebooks: int) -> _Model:
    repository = f"descript/dac_{sample_rate // 1000}khz"
    return _Model(
        Weights(repository, ("config.json", "model.safetensors")), sample_rate, n_codebooks
    )


_16K = _model(16_000, 12)
_24K = _model(24_000, 32)
_SETTINGS = {  # the model and how many of its codebooks are sent
    "dac-16k-1k": (_16K, 2),
    "dac-16k-1.5k": (_16K, 3),
    "dac-16k-3k": (_16K, 6),
    "dac-16k-6k": (_16K, 12),
    "dac-24k-6k": (_24K, 8),
    "dac-24k-12k": (_24K, 16),
    "dac-24k-24k": (_24K, 32),
}
NAMES = tuple(_SETTINGS)


class DAC(TokenCodec):
    """DAC at one of its bitrates."""

    network: DacModel
    facts = Facts(delay_samples=-8)

    def codes_of(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio [B, T] -> codes [B, K, F], F = ceil(T / 320)."""
        audio = functional.pad(audio, (0, -audio.shape[1] % HOP))
        encoded = self.network.encode(
            audio[:, None], n_quantizers=self.info.n_codebooks, return_dict=True
        )
        return cast(Any, encoded).audio_codes

    def audio_of(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, K, F] -> audio [B, 320 F - 8]."""
        return cast(Any, self.network.decode(audio_codes=codes, return_dict=True)).audio_values


def network(name: str) -> DacModel:
    """The model of `name`, one of `NAMES`, without its weights.

    Raises:
        CodecUnavailableError: transformers is not installed.
    """
    check_installed("transformers")
    from transformers import DacConfig, DacModel

    model, _ = _SETTINGS[name]
    return DacModel(
        DacConfig(
            n_codebooks=model.n_codebooks,
            downsampling_ratios=_DOWNSAMPLING,
            sampling_rate=model.sample_rate,
        )
    )


def load(name: str, device: str = "cpu") -> DAC:
    """DAC at the bitrate of `name`, one of `NAMES`, computing on `device`.

    Raises:
        CodecUnavailableError: transformers or the weights are missing, or are not this model's.
    """
    check_installed("transformers")
    model, n_codebooks = _SETTINGS[name]
    file = original_in(model.weights.local_folder)
    loaded: nn.Module
    if file is not None:
        loaded = network(name)
        load_original(loaded, file, dac_weights)
    else:
        file = find(model.weights) / model.weights.files[-1]
        from transformers import DacModel

        loaded = load_pretrained(
            DacModel,
            file.parent,
            sampling_rate=model.sample_rate,
            hop_length=HOP,
            n_codebooks=model.n_codebooks,
            codebook_size=_CODEBOOK_SIZE,
        )
    sha256 = checked_sha256(file)
    frame_rate_hz = model.sample_rate / HOP
    info = CodecInfo(
        name=name,
        sample_rate=model.sample_rate,
        bitrate_bps=n_codebooks * _BITS_PER_CODE * frame_rate_hz,
        n_codebooks=n_codebooks,
        codebook_size=_CODEBOOK_SIZE,
        frame_rate_hz=frame_rate_hz,
        revision=revision(sha256, n_codebooks, version("transformers"), version("torch"), device),
        weights=described(model.weights, file.parent, sha256),
        licence=_LICENCE,
        citation=_CITATION,
        weights_sha256=sha256,
    )
    return DAC(info, loaded, device)


def card(name: str) -> CodecCard:
    """What the codec called `name` is, and what it lacks here."""
    model, n_codebooks = _SETTINGS[name]
    try:
        check_installed("transformers")
        lacks = "" if original_in(model.weights.local_folder) else missing(model.weights)
    except CodecUnavailableError as error:
        lacks = str(error)
    return CodecCard(
        name,
        f"DAC {model.sample_rate // 1000} kHz, {n_codebooks} codebooks of {_CODEBOOK_SIZE:,}",
        model.sample_rate,
        n_codebooks * _BITS_PER_CODE * model.sample_rate / HOP,
        "" if lacks else model.weights.repository,
        lacks,
    )


def architecture(name: str) -> Architecture:
    """The networks of `name`, one of `NAMES`, without weights.

    Raises:
        CodecUnavailableError: transformers is not installed.
    """
    settings, n_codebooks = _SETTINGS[name]
    model: Any = network(name).eval()

    def encode(audio: torch.Tensor) -> torch.Tensor:
        return model.encoder(audio[:, None])

    def quantize(latent: torch.Tensor) -> torch.Tensor:
        return model.quantizer(latent, n_codebooks)[1]

    def dequantize(codes: torch.Tensor) -> torch.Tensor:
        return model.quantizer.from_codes(codes)[0]

    def decode(latent: torch.Tensor) -> torch.Tensor:
        return model.decoder(latent)[:, 0]

    return Architecture(
        name,
        settings.sample_rate,
        pad_to=HOP,
        network=model,
        encode=encode,
        quantize=quantize,
        dequantize=dequantize,
        decode=decode,
        as_counted=AsCounted(pad_to=HOP),
    )
