"""A codec's networks without its weights, for counting and timing: what `bench complexity` takes.

An adapter with networks has ``architecture(name) -> Architecture``. Nothing in it is a figure:
parameters, multiplications, times and look-ahead are all taken from the modules as they run. How
the paper's authors counted the same codec, with other code around the same layers, is told by
`AsCounted`. Like the contract in `bench.codec`, this imports no other room.

Letters: B batch, T samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    Rule = Callable[[nn.Module, Tensor, Tensor], int]
    """(module, its input, its output) -> multiply-accumulates."""


@dataclass(frozen=True)
class AsCounted:
    """What differs where the paper's authors counted a codec.

    Attributes:
        pad_to: samples; they fill clips up to a multiple of it. 1 for no padding.
        sees_weight_norm: their counter sees weight-normalised layers. It looks layers up by their
            class, which torch's parametrizations change and its older weight norm keeps.
        rules: by classes of our modules, what their counter counts in the form that the module
            has in their code; of what is inside the module nothing else is counted.
        more: by classes of our modules, multiplications that their code does beyond ours.
    """

    pad_to: int = 1
    sees_weight_norm: bool = True
    rules: Mapping[type[nn.Module], Rule] = field(default_factory=dict)
    more: Mapping[type[nn.Module], Rule] = field(default_factory=dict)


@dataclass(frozen=True)
class Architecture:
    """Networks with random weights, and the four steps from audio to audio.

    Attributes:
        name: of the codec.
        sample_rate: Hz.
        pad_to: samples; the codec fills clips up to a multiple of it.
        network: holds all modules that the steps run; in evaluation mode, on the CPU.
        encode: audio [B, T] -> latent.
        quantize: latent -> codes.
        dequantize: codes -> latent.
        decode: latent -> audio [B, T].
        as_counted: how the paper's authors counted it.
        hop_length: samples of a frame; `pad_to` if None.
    """

    name: str
    sample_rate: int
    pad_to: int
    network: nn.Module
    encode: Callable[[Tensor], Tensor]
    quantize: Callable[[Tensor], Tensor]
    dequantize: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]
    as_counted: AsCounted
    hop_length: int | None = None
