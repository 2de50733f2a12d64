"""What `benchmarks.inference` compares: ways to compute the same codec.

A row is a name and two callables, so that another runtime is one entry more in `BUILDERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.authors import AuthorsCodec
from sqcodec.inference import SQCodec
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import get_config
from sqcodec.training.initial import initialise
from sqcodec.weights import WeightsCard, load_weights, local_file

PUBLISHED, FOLDED = "sq_codec", "sq_codec, folded"
PLAIN, FAST, BF16 = "plain", "fast", "fast bf16"
ONNX = "ONNX Runtime"
COMPILED, COMPILED_BF16 = "fast, compiled", "fast bf16, compiled"


@dataclass(frozen=True)
class Row:
    """A way to compute the codec.

    Attributes:
        encode: audio [B, T] -> codes [B, F], both padded as this way does.
        decode: codes [B, F] -> audio [B, F * hop].
    """

    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]


def network_of(preset: str) -> SQCodecNetwork:
    """A new copy of the network, with the weights that are here or random ones."""
    path = local_file(preset)
    if path is not None:
        return load_weights(path)[0]
    network = SQCodecNetwork(get_config(preset))
    initialise(network, seed=0)
    return network


def _authors(folded: bool) -> Callable[[str], Row]:
    def build(preset: str) -> Row:
        codec = AuthorsCodec(network_of(preset), folded=folded)
        return Row(codec.encode, codec.decode)

    return build


def ours(preset: str, *, fast: bool, precision: str = "fp32", compile: bool = False) -> SQCodec:
    """Our codec, which pads to whole frames."""
    return SQCodec(
        network_of(preset),
        WeightsCard(preset, "for a benchmark"),
        name=preset,
        weights_sha256="",
        fast=fast,
        precision=precision,
        compile=compile,
    )


def _ours(fast: bool, precision: str = "fp32", compile: bool = False) -> Callable[[str], Row]:
    def build(preset: str) -> Row:
        codec = ours(preset, fast=fast, precision=precision, compile=compile)
        return Row(codec.encode, codec.decode)

    return build


def _onnx(preset: str) -> Row:
    from benchmarks.onnx_row import onnx_runtime  # the extra `onnx`

    return Row(*onnx_runtime(network_of, preset))


BUILDERS: dict[str, Callable[[str], Row]] = {
    PUBLISHED: _authors(folded=False),
    FOLDED: _authors(folded=True),
    PLAIN: _ours(fast=False),
    FAST: _ours(fast=True),
    BF16: _ours(fast=True, precision="bf16"),
    ONNX: _onnx,
    COMPILED: _ours(fast=True, compile=True),
    COMPILED_BF16: _ours(fast=True, precision="bf16", compile=True),
}
"""Name of a row -> preset -> the row."""

REFERENCES = (PUBLISHED, FOLDED)
ROWS = (PUBLISHED, FOLDED, PLAIN, FAST, BF16)
ROWS_COMPILED = (COMPILED, COMPILED_BF16)

FIGURES = {"fp32": (FAST, COMPILED), "bf16": (BF16, COMPILED_BF16)}
"""Which rows count for a precision: the fastest of them in each case."""


@torch.inference_mode()
def exact(preset: str, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute in float64 what the quantizer rounds [B, F, L], codes [B, F] and audio [B, T]."""
    network = network_of(preset).eval().double()
    quantizer = network.quantizer
    bounded = quantizer.bound(quantizer.project_in(network.encoder(audio.double())))
    codes = quantizer.digits_to_codes(bounded.round())
    return bounded, codes, network.decode(codes)
