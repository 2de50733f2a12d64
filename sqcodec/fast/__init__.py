"""A network rewritten for inference: the same numbers up to rounding, in less time.

`rewrite` swaps a network's modules for ones that compute the same with fewer passes over
memory; encoder, quantizer and decoder keep their interface and the names of their parts:

- `layers`: the convolutional layers, folded and cut into tiles of time that stay in cache;
- `attention`: the local transformers without padded windows and most of the causal mask.

The plain modules stay the reference, and what is trained.
"""

from __future__ import annotations

import torch
from torch import nn

from sqcodec.fast.attention import FastTransformer
from sqcodec.fast.layers import FastConvUnit, FastLastUnit, FastTConvUnit, FastUpLayer, Tiled
from sqcodec.layers import ConvUnit, LastUnit, UpLayer
from sqcodec.local_transformer import LocalTransformer
from sqcodec.model import SQCodecNetwork
from sqcodec.tconv import TConvUnit

PRECISIONS = ("fp32", "bf16")


@torch.no_grad()
def rewrite(
    network: SQCodecNetwork, precision: str = "fp32", *, compile: bool = False
) -> SQCodecNetwork:
    """Swap the modules of a network for fast ones, in place; it can no longer be trained.

    Args:
        network: without weight normalisation (`sqcodec.inference.fold_weight_norm`).
        precision: "fp32", or "bf16" for the matrix products of transformers and Conv units, but
            for those behind the decoder's first Up layer: there the waveform is a small part
            of large features, and bf16 costs 0.1 of PESQ. Attention, quantizer, last unit,
            norms and residuals are in float32, too.
        compile: compile the Conv units and the last unit with `torch.compile`, which needs a C++
            compiler and some minutes at the first call.
    """
    dtype = torch.bfloat16 if precision == "bf16" else None
    exact = {module for stage in network.decoder.stages[1:] for module in stage.modules()}
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            fast = _fast(child, None if child in exact else dtype)
            if fast is not None:
                setattr(parent, name, fast)
    if compile:
        for module in network.modules():
            if isinstance(module, Tiled):
                module.compile_tile()
    return network


def _fast(module: nn.Module, dtype: torch.dtype | None) -> nn.Module | None:
    """Return the fast module that computes the same, or None where there is none."""
    match module:
        case ConvUnit():
            return FastConvUnit(module, dtype)
        case UpLayer():
            return FastUpLayer(module)
        case LastUnit():
            return FastLastUnit(module)
        case TConvUnit():
            return FastTConvUnit(module)
        case LocalTransformer():
            return FastTransformer(module, dtype)
    return None
