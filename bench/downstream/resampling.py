"""Bootstrap over groups, for scores that are ratios of sums and for their paired differences.

Whole groups (speakers) are drawn with replacement, as in `bench.stats`, and the score is taken
again of the clips drawn: for a corpus's WER the sum of edits over the sum of words. Two codecs
are compared on the same draws, so that a clip that is hard for both does not widen the interval
of their difference.

Source: A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application", 1997, sections
3.8 (clusters) and 5.3 (percentile intervals); M. Bisani, H. Ney, "Bootstrap Estimates for
Confidence Intervals in ASR Performance Evaluation", ICASSP 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.downstream.score import Estimate
from bench.stats import CONFIDENCE, N_RESAMPLES, SEED

PERCENT = 100.0
_TAIL = 100 * (1 - CONFIDENCE) / 2
_ROUNDING = 1e-9  # per cent, by which equal ratios of sums may differ


def draws(n_groups: int) -> NDArray[np.int64]:
    """How often each group is drawn, the same at each call: [resamples, groups]."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(n_groups, np.full(n_groups, 1 / n_groups), N_RESAMPLES)


def numbered(groups: Sequence[str]) -> tuple[NDArray[np.int64], int, str]:
    """The number of each item's group, how many there are, and what is drawn.

    Items of a single group are drawn one by one instead.
    """
    names, numbers = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) > 1:
        return numbers, len(names), f"{len(names)} speakers or recordings"
    return np.arange(len(groups)), len(groups), f"{len(groups)} clips of one speaker or recording"


def bounded(value: float, resampled: NDArray[np.float64], drawn: str) -> Estimate:
    """An estimate with the percentile interval of its resamples; NaN among them is left out.

    Resamples that are all the same have none, but for 0: too few speakers, or clips that all fail
    alike, do not make a score certain, and an interval without width would say so. A difference
    that is 0 however it is drawn is one of equals.
    """
    finite = resampled[np.isfinite(resampled)]
    if len(finite) == 0:
        return Estimate(value, method=f"no interval: {drawn} leave nothing to draw")
    if np.ptp(finite) <= _ROUNDING < np.abs(finite).max():
        return Estimate(value, method=f"no interval: whatever is drawn of {drawn}, it is the same")
    low, high = np.percentile(finite, [_TAIL, 100 - _TAIL])
    return Estimate(value, float(low), float(high), f"bootstrap over {drawn}")


def ratio(above: ArrayLike, below: ArrayLike, groups: Sequence[str]) -> Estimate:
    """100 times the sum of `above` over that of `below`, a number a clip each, in groups."""
    return ratio_difference(above, below, np.zeros(len(groups)), np.ones(len(groups)), groups)


def ratio_difference(
    above: ArrayLike,
    below: ArrayLike,
    other_above: ArrayLike,
    other_below: ArrayLike,
    groups: Sequence[str],
) -> Estimate:
    """100 times the difference of two such ratios on the same clips, drawn together."""
    if len(groups) == 0:
        return Estimate(None, method="no clip has both")
    numbers, n_groups, drawn = numbered(groups)
    sums = [
        np.bincount(numbers, np.asarray(values, float), n_groups)
        for values in (above, below, other_above, other_below)
    ]  # [G] each
    if sums[1].sum() == 0 or sums[3].sum() == 0:
        return Estimate(None, method="there is nothing to divide by")
    value = PERCENT * (sums[0].sum() / sums[1].sum() - sums[2].sum() / sums[3].sum())
    if n_groups < 2:
        return Estimate(float(value), method="no interval: a single clip")
    weights = draws(n_groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c, d = (weights @ one for one in sums)  # [R] each
        return bounded(float(value), PERCENT * (a / b - c / d), drawn)
