"""Algorithmic look-ahead: how far past a frame's start the audio must be known to decode it.

Found by following gradients from one decoded sample, the first of a frame in the middle of a clip,
back to the samples that it depends on; a gradient that is not zero is a dependence, however small.
Encoder and decoder are joined without the quantizer, which sees one frame at a time and has no
gradient. Normalisation over a clip and attention to all of it depend on its last sample.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from bench.architecture import Architecture

DURATION_S = 1.0


def look_ahead_s(architecture: Architecture, duration_s: float = DURATION_S) -> float | None:
    """Seconds from the start of a frame to the last sample that its first sample depends on.

    Args:
        architecture: the codec; its network is left in float64.
        duration_s: of the clip that is tried. A look-ahead of half of it is not found.

    Returns:
        The look-ahead; None where it reaches the end of the clip, however long.
    """
    # The sample looked at must begin a frame: a later one of it has less ahead.
    unit = math.lcm(architecture.pad_to, architecture.hop_length or 1)
    n_units = max(2, round(duration_s * architecture.sample_rate / unit))
    generator = torch.Generator().manual_seed(0)
    audio = 0.1 * torch.randn(1, n_units * unit, generator=generator, dtype=torch.float64)
    audio.requires_grad_()
    # float64, because the ends of a long chain of kernels weigh too little for float32.
    architecture.network.double().requires_grad_(False)
    decoded = architecture.decode(architecture.encode(audio))
    start = n_units // 2 * unit
    (gradient,) = torch.autograd.grad(decoded[0, start], audio)
    last = int(gradient[0].nonzero().max())
    if last == audio.shape[1] - 1:
        return None
    return (last - start) / architecture.sample_rate
