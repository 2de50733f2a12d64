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
from sqcodec.fast.layers import FastConvUnit, FastLastUnit, FastTConvUnit, FastUpLayer
from sqcodec.layers import ConvUnit, LastUnit, UpLayer
from sqcodec.local_transformer import LocalTransformer
from sqcodec.model import SQCodecNetwork
from sqcodec.tconv import TConvUnit


@torch.no_grad()
def rewrite(network: SQCodecNetwork) -> SQCodecNetwork:
    """Swap the modules of a network for fast ones, in place; it can no longer be trained.

    Args:
        network: without weight normalisation (`sqcodec.inference.fold_weight_norm`).
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            fast = _fast(child)
            if fast is not None:
                setattr(parent, name, fast)
    return network


def _fast(module: nn.Module) -> nn.Module | None:
    """Return the fast module that computes the same, or None where there is none."""
    match module:
        case ConvUnit():
            return FastConvUnit(module)
        case UpLayer():
            return FastUpLayer(module)
        case LastUnit():
            return FastLastUnit(module)
        case TConvUnit():
            return FastTConvUnit(module)
        case LocalTransformer():
            return FastTransformer(module)
    return None
