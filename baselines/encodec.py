"""EnCodec 24 kHz over `transformers.EncodecModel`, at each of its five bitrates.

75 frames of 320 samples a second; 2, 4, 8, 16 or 32 of the model's 32 codebooks of 1,024. The
bitrate is always passed: the model's default is its lowest. It decodes whole frames, which are
cut to T. Sent are the codes, 10 bits each; the entropy coder that the paper has on top is not
used, as in all published comparisons.

Source: Défossez et al., High Fidelity Neural Audio Compression, arXiv:2210.13438.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from baselines.originals import encodec_weights, load_original, original_in
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
from bench.codec import CodecCard, CodecInfo, CodecUnavailableError

if TYPE_CHECKING:
    from transformers import EncodecModel

WEIGHTS = Weights("facebook/encodec_24khz", ("config.json", "model.safetensors"))
SAMPLE_RATE = 24_000

# kbit/s, as the model wants to be told
_BANDWIDTHS = {
    "encodec-1.5k": 1.5,
    "encodec-3k": 3.0,
    "encodec-6k": 6.0,
    "encodec-12k": 12.0,
    "encodec-24k": 24.0,
}
NAMES = tuple(_BANDWIDTHS)

_CODEBOOK_SIZE = 1024
_FRAME_RATE_HZ = 75
_BPS_PER_CODEBOOK = _FRAME_RATE_HZ * 10
_EXPECTED = {
    "sampling_rate": SAMPLE_RATE,
    "codebook_size": _CODEBOOK_SIZE,
    "frame_rate": _FRAME_RATE_HZ,
    "audio_channels": 1,
    "normalize": False,  # else it scales by what its padding weighs, as the 48 kHz model does
    "chunk_length_s": None,
}
_LICENCE = "CC-BY-NC-4.0"
_CITATION = "Défossez et al., High Fidelity Neural Audio Compression, arXiv:2210.13438"


class EnCodec(TokenCodec):
    """EnCodec at one of its bitrates.

    Args:
        info: what it is.
        network: the model.
        device: where it computes.
        bandwidth_kbps: its bitrate, kbit/s.
    """

    network: EncodecModel

    def __init__(
        self, info: CodecInfo, network: EncodecModel, device: str, bandwidth_kbps: float
    ) -> None:
        super().__init__(info, network, device)
        self._bandwidth_kbps = bandwidth_kbps

    def codes_of(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio [B, T] -> codes [B, K, F]."""
        encoded = self.network.encode(
            audio[:, None], bandwidth=self._bandwidth_kbps, return_dict=True
        )
        return cast(Any, encoded).audio_codes[0]  # of the only chunk

    def audio_of(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, K, F] -> audio [B, 320 F]."""
        # One chunk, without a scale; the annotations upstream are narrower than the code.
        decoded = cast(Any, self.network).decode(codes[None], [None], return_dict=True)
        return decoded.audio_values[:, 0]


def network(name: str) -> EncodecModel:
    """The model without its weights, which is one for all bitrates.

    Raises:
        CodecUnavailableError: transformers is not installed.
    """
    check_installed("transformers")
    from transformers import EncodecConfig, EncodecModel

    return EncodecModel(EncodecConfig())


def load(name: str, device: str = "cpu") -> EnCodec:
    """EnCodec at the bitrate of `name`, one of `NAMES`, computing on `device`.

    Raises:
        CodecUnavailableError: transformers or the weights are missing, or are not EnCodec's.
    """
    check_installed("transformers")
    bandwidth_kbps = _BANDWIDTHS[name]
    file = original_in(WEIGHTS.local_folder)
    if file is not None:
        model = network(name)
        load_original(model, file, encodec_weights)
    else:
        file = find(WEIGHTS) / WEIGHTS.files[-1]
        from transformers import EncodecModel

        model = cast("EncodecModel", load_pretrained(EncodecModel, file.parent, **_EXPECTED))
    if bandwidth_kbps not in model.config.target_bandwidths:
        raise CodecUnavailableError(
            f"{file.parent} has no {bandwidth_kbps:g} kbit/s, only {model.config.target_bandwidths}"
        )
    sha256 = checked_sha256(file)
    info = CodecInfo(
        name=name,
        sample_rate=SAMPLE_RATE,
        bitrate_bps=1000 * bandwidth_kbps,
        n_codebooks=round(1000 * bandwidth_kbps / _BPS_PER_CODEBOOK),
        codebook_size=_CODEBOOK_SIZE,
        frame_rate_hz=float(_FRAME_RATE_HZ),
        revision=revision(
            sha256, bandwidth_kbps, version("transformers"), version("torch"), device
        ),
        weights=described(WEIGHTS, file.parent, sha256),
        licence=_LICENCE,
        citation=_CITATION,
        weights_sha256=sha256,
    )
    return EnCodec(info, model, device, bandwidth_kbps)


def card(name: str) -> CodecCard:
    """What the codec called `name` is, and what it lacks here."""
    bandwidth_kbps = _BANDWIDTHS[name]
    try:
        check_installed("transformers")
        lacks = "" if original_in(WEIGHTS.local_folder) else missing(WEIGHTS)
    except CodecUnavailableError as error:
        lacks = str(error)
    n_codebooks = round(1000 * bandwidth_kbps / _BPS_PER_CODEBOOK)
    return CodecCard(
        name,
        f"EnCodec 24 kHz, {n_codebooks} codebooks of {_CODEBOOK_SIZE:,}",
        SAMPLE_RATE,
        1000 * bandwidth_kbps,
        "" if lacks else WEIGHTS.repository,
        lacks,
    )


def architecture(name: str) -> Architecture:
    """The networks of `name`, one of `NAMES`, without weights.

    Raises:
        CodecUnavailableError: transformers is not installed.
    """
    model: Any = network(name).eval()

    def encode(audio: Tensor) -> Tensor:
        return model.encoder(audio[:, None])

    def quantize(latent: Tensor) -> Tensor:
        return model.quantizer.encode(latent, _BANDWIDTHS[name])

    def decode(latent: Tensor) -> Tensor:
        return model.decoder(latent)[:, 0]

    # The authors' own package, by which the paper counted it, pads and decodes alike.
    return Architecture(
        name,
        SAMPLE_RATE,
        pad_to=1,
        network=model,
        encode=encode,
        quantize=quantize,
        dequantize=model.quantizer.decode,
        decode=decode,
        as_counted=AsCounted(),
        hop_length=model.config.hop_length,
    )
