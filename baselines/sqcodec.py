"""SQCodec behind the benchmark's contract, over the public API of the `sqcodec` package.

One codebook (K = 1); the package evaluates without gradients. A clip of F codes is sent as one
packed stream: ceil(F * log2(codebook size)) bits.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import sqcodec
from bench.architecture import Architecture, AsCounted
from bench.codec import CodecCard, CodecInfo, CodecUnavailableError, Encoded, Facts
from sqcodec import presets, weights
from sqcodec.layers import ConvUnit, DownLayer, UpLayer
from sqcodec.local_transformer import HEAD_WIDTH, N_HEADS, LocalAttention
from sqcodec.model import SQCodecNetwork
from sqcodec.tconv import TCONV_KERNELS, TECONV_KERNELS, TConvUnit, TEConvGate

NAMES = sqcodec.known_names()

_CITATION = (
    "Zhai et al., One Quantizer is Enough: Toward a Lightweight Audio Codec, arXiv:2504.04949"
)


class SQCodecAdapter:
    """An SQCodec with its weights.

    Args:
        codec: a loaded codec.
        name: what the benchmark calls it.
    """

    def __init__(self, codec: sqcodec.SQCodec, name: str) -> None:
        self._codec = codec
        self.facts = Facts(levels=codec.config.fsq_levels)
        info = codec.info
        self._info = CodecInfo(
            name=name,
            sample_rate=info.sample_rate,
            bitrate_bps=info.bitrate_bps,
            n_codebooks=1,
            codebook_size=info.codebook_size,
            frame_rate_hz=info.frame_rate_hz,
            # Another device rounds differently, which may change codes.
            revision=info.revision if codec.device.type == "cpu" else f"{info.revision}-cuda",
            weights=info.weights,
            licence=info.licence,
            citation=_CITATION,
            weights_sha256=info.weights_sha256,
        )

    @property
    def info(self) -> CodecInfo:
        """Name, rates, codebook, weights."""
        return self._info

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Encode clips [B, T] at the codec's own rate to codes [B, 1, F]."""
        if sample_rate != self._info.sample_rate:
            raise ValueError(
                f"{self._info.name} takes audio at {self._info.sample_rate} Hz, got {sample_rate}"
            )
        codes = self._codec.encode(torch.from_numpy(audio))  # [B, F]
        n_clips, n_frames = codes.shape
        bits = float(math.ceil(n_frames * math.log2(self._info.codebook_size)))
        return Encoded(
            bits=(bits,) * n_clips,
            length=audio.shape[1],
            sample_rate=sample_rate,
            codes=codes.cpu().numpy()[:, None],  # [B, F] -> [B, 1, F]
        )

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Codes [B, 1, F] -> audio [B, T]."""
        if encoded.codes is None:
            raise ValueError("SQCodec decodes codes [B, 1, F], got none")
        codes = torch.from_numpy(encoded.codes[:, 0])  # [B, 1, F] -> [B, F]
        return self._codec.decode(codes, encoded.length).cpu().numpy()


def load(name: str, device: str = "cpu") -> SQCodecAdapter:
    """The preset called `name`, or the checkpoint at that path, computing on `device`.

    Raises:
        CodecUnavailableError: its weights are not here, or the file is no checkpoint of ours;
            one line says what to do.
    """
    try:
        codec = sqcodec.load(name, device=device)
    except (sqcodec.WeightsNotFoundError, sqcodec.CheckpointError) as error:
        raise CodecUnavailableError(str(error)) from error
    if name in NAMES:
        return SQCodecAdapter(codec, name)
    # A checkpoint's name carries its hash, so that it never passes for a preset or another one.
    return SQCodecAdapter(codec, f"{codec.info.name}-{codec.info.weights_sha256[:8]}")


def card(name: str) -> CodecCard:
    """What the preset called `name` is, and where its weights are."""
    config = presets.get_config(name)
    path = weights.local_file(name)
    if path is None:
        where, missing = "", f"no weights: {weights.ways_to_get(name)}"
    else:
        where = "bundled" if path.parent == weights.bundled_folder() else str(path)
        missing = ""
    variant = " (a variant of the paper's ablations)" if name in presets.ABLATIONS else ""
    description = f"SQCodec, one codebook of {config.codebook_size:,}{variant}"
    return CodecCard(name, description, config.sample_rate, config.bitrate_bps, where, missing)


def architecture(name: str) -> Architecture:
    """The network of the preset or variant called `name`, without weights."""
    config = presets.get_config(name)
    model = SQCodecNetwork(config).eval()
    return Architecture(
        name,
        config.sample_rate,
        pad_to=config.hop_length,
        network=model,
        encode=model.encoder,
        quantize=model.quantizer.encode,
        dequantize=model.quantizer.decode,
        decode=model.decoder,
        as_counted=AsCounted(
            pad_to=config.window_length,
            sees_weight_norm=False,
            rules={
                TConvUnit: _first_as_counted,
                ConvUnit: _nothing,
                DownLayer: _nothing,
                TEConvGate: _gate_as_counted,
                UpLayer: _up_as_counted,
            },
            more={LocalAttention: _empty_look_back},
        ),
    )


# What the authors' counter sees of modules as their code writes them. Weight-normalised layers
# and norms of their own it does not know; pools and activations count an element each, twice
# where a module of torch calls the function that is counted as well.


def _nothing(module: nn.Module, x: Tensor, y: Tensor) -> int:
    return 0


def _first_as_counted(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """[B, T] -> [B, T, C]: two pools a branch, GELU."""
    assert isinstance(module, TConvUnit)
    n_samples = x.shape[-1]
    return n_samples * (2 * _n_pooled(TCONV_KERNELS) + 2 * module.expand.out_channels)


def _gate_as_counted(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """[B, T, C] -> [B, T, C]: two pools a branch, instance norm, the merging layer."""
    assert isinstance(module, TEConvGate)
    n_branches = module.norm.num_features
    merge = module.merge.out_channels * (n_branches + 1)
    return x.shape[-2] * (2 * _n_pooled(TECONV_KERNELS) + 2 * n_branches + merge)


def _up_as_counted(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """[B, T, C] -> [B, T', C']: linear interpolation."""
    return 2 * y.numel()


def _n_pooled(kernels: tuple[int, ...]) -> int:
    return sum(kernel > 1 for kernel in kernels)


def _empty_look_back(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """The authors' first window attends to a window of padding before it; ours does not."""
    assert isinstance(module, LocalAttention)
    return 2 * module.window**2 * N_HEADS * HEAD_WIDTH
