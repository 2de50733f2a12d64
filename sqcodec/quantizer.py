"""Finite scalar quantization (FSQ): one quantizer, a product codebook, nothing learned.

Each of a latent's few dimensions is squashed to a bounded range and rounded to an odd
number of levels; the code is the mixed-radix number of the rounded digits, the first
dimension being the least significant.

Sources: Mentzer et al., "Finite Scalar Quantization: VQ-VAE Made Simple" (2023); SQCodec
paper, section 3.1.2, for the hybrid of rounding and uniform noise in training.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

# Widens the range by a part in a thousand so that tanh can reach the outermost level.
_MARGIN = 1e-3


class FSQ(nn.Module):
    """Project to `len(levels)` dimensions, quantize, project back.

    Args:
        width: D, channels of the latent.
        levels: odd number of levels of each dimension.
    """

    basis: Tensor
    levels: Tensor
    radius: Tensor

    def __init__(self, width: int, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.project_in = nn.Linear(width, len(levels))
        self.project_out = nn.Linear(len(levels), width)
        basis = [math.prod(levels[:i]) for i in range(len(levels))]
        self.register_buffer("basis", torch.tensor(basis), persistent=False)
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self.register_buffer("radius", torch.tensor([n // 2 for n in levels]), persistent=False)

    def bound(self, z: Tensor) -> Tensor:
        """Squash [..., L] so that rounding gives integers in [-(L // 2), L // 2]."""
        return torch.tanh(z) * ((self.levels - 1) * (1 + _MARGIN) / 2).to(z.dtype)

    def digits_to_codes(self, digits: Tensor) -> Tensor:
        """Integers in [-(L // 2), L // 2], [..., L] -> codes, int64 [...]."""
        return ((digits.to(torch.int64) + self.radius) * self.basis).sum(-1)

    def codes_to_digits(self, codes: Tensor) -> Tensor:
        """Codes, int64 [...] -> integers in [-(L // 2), L // 2], [..., L]."""
        return codes[..., None] // self.basis % self.levels - self.radius

    def encode(self, latent: Tensor) -> Tensor:
        """Latent [B, F, D] -> codes, int64 [B, F]."""
        return self.digits_to_codes(torch.round(self.bound(self.project_in(latent))))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes, int64 [B, F] -> quantized latent [B, F, D]."""
        dtype = self.project_out.weight.dtype
        return self.project_out(self.codes_to_digits(codes).to(dtype) / self.radius)

    def forward(self, latent: Tensor) -> Tensor:
        """Quantize [B, F, D] with a straight-through gradient.

        In training mode each element is, with probability one half, left unrounded and given
        uniform noise in [-0.5, 0.5) instead.
        """
        bounded = self.bound(self.project_in(latent))
        quantized = bounded + (torch.round(bounded) - bounded).detach()
        if self.training:
            noisy = bounded + (torch.rand_like(bounded) - 0.5)
            quantized = torch.where(torch.rand_like(bounded) < 0.5, noisy, quantized)
        return self.project_out(quantized / self.radius)
