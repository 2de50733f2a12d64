"""sqcodec.moments: sums of pieces against mean and variance of the whole."""

from __future__ import annotations

import torch

from checks import assert_same
from sqcodec.moments import Moments, running


def _features() -> torch.Tensor:
    torch.manual_seed(0)
    return 3 + torch.randn(2, 50, 4, dtype=torch.float64)


def test_pieces_add_up_to_the_whole() -> None:
    x = _features()
    first, *others = (Moments.of(piece) for piece in x.split(13, dim=1))
    moments = sum(others, start=first)
    assert moments.count == 50
    assert_same(moments.mean, x.mean(1))
    assert_same(moments.variance, x.var(1, correction=0))


def test_running_ones_are_those_of_each_beginning() -> None:
    x = _features()
    mean, variance, after = running(x[:, :20], None)
    more_mean, more_variance, after = running(x[:, 20:], after)
    mean, variance = torch.cat([mean, more_mean], 1), torch.cat([variance, more_variance], 1)
    for end in (1, 2, 20, 21, 50):
        assert_same(mean[:, end - 1], x[:, :end].mean(1))
        assert_same(variance[:, end - 1], x[:, :end].var(1, correction=0))
    assert after.count == 50
    assert_same(after.mean, x.mean(1))


def test_a_constant_has_no_variance() -> None:
    moments = Moments.of(torch.full((1, 1000, 1), 1e3 / 3))
    assert 0 <= moments.variance.item() < 1e-6


def test_single_precision_is_summed_in_double() -> None:
    x = (1e4 + torch.randn(1, 100_000, 1, generator=torch.Generator().manual_seed(0))).float()
    moments = Moments.of(x)
    assert_same(moments.variance, x.double().var(1, correction=0), tolerance=1e-6)
