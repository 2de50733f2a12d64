"""Mean and variance over time of features that come piece by piece.

Sums are kept in float64, in which those of hours of features lose nothing that matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Sums over time of features [B, T, C]; those of two pieces add up to those of both.

    Attributes:
        count: T, frames that were summed.
        total: their sum, float64 [B, C].
        squares: the sum of their squares, float64 [B, C].
    """

    count: int
    total: Tensor
    squares: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Moments:
        """Sum up features [B, T, C]."""
        x = x.double()
        return cls(x.shape[1], x.sum(1), x.square().sum(1))

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.count + other.count, self.total + other.total, self.squares + other.squares
        )

    @property
    def mean(self) -> Tensor:
        """Mean over time, [B, C]."""
        return self.total / self.count

    @property
    def variance(self) -> Tensor:
        """Variance over time, divided by the count, [B, C]."""
        return _variance(self.mean, self.squares / self.count)


def running(x: Tensor, before: Moments | None) -> tuple[Tensor, Tensor, Moments]:
    """Return, for each frame, mean and variance of all frames so far, itself included.

    Args:
        x: features [B, T, C].
        before: the moments of the frames before; None for none.

    Returns:
        Means and variances, float64 [B, T, C], and the moments of all frames.
    """
    totals = x.double().cumsum(1)
    square_totals = x.double().square().cumsum(1)
    count = 0
    if before is not None:
        count = before.count
        totals += before.total[:, None]
        square_totals += before.squares[:, None]
    counts = torch.arange(count + 1, count + x.shape[1] + 1, device=x.device)[:, None]  # [T, 1]
    mean = totals / counts
    after = Moments(count + x.shape[1], totals[:, -1], square_totals[:, -1])
    return mean, _variance(mean, square_totals / counts), after


def _variance(mean: Tensor, mean_square: Tensor) -> Tensor:
    # Rounding may take that of a constant a little below zero.
    return (mean_square - mean.square()).clamp_min(0)
