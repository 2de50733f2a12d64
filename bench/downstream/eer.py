"""Equal error rate of scored trials: where as many impostors pass as speakers are refused.

A threshold refuses scores up to it. Of all thresholds at a score, the one is taken at which
false acceptances and false refusals are nearest, the lowest of several, and the rate is the
mean of the two, as in speechbrain.

The interval draws speakers, not trials: trials share clips and speakers, so that one by one
they are far from independent. A trial of two speakers counts as often as both are drawn, one of
a single speaker as often as this one is.

Source: N. Poh, S. Bengio, "Estimating the Confidence Interval of Expected Performance Curve in
Biometric Authentication Using Joint Bootstrap", ICASSP 2007, for drawing users and not trials.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.downstream.resampling import PERCENT, bounded, draws, numbered
from bench.downstream.score import Estimate
from bench.downstream.trials import Trial

_AT_ONCE = 100  # resamples, which bounds memory


def eer(scores: ArrayLike, target: ArrayLike) -> float:
    """The equal error rate, 0 to 1.

    Args:
        scores: of trials [N], higher for one speaker.
        target: whether each is of one speaker, [N].

    Raises:
        ValueError: the two differ in length, or trials of either kind are missing.
    """
    values, labels = np.asarray(scores, float), np.asarray(target, bool)
    if values.shape != labels.shape or values.ndim != 1:
        raise ValueError(f"expected a label a score, got {values.shape} and {labels.shape}")
    if labels.all() or not labels.any():
        raise ValueError("expected trials of one speaker and of two")
    return float(_weighted(_Sorted(values, labels), np.ones((1, len(values))))[0])


def estimate(scores: ArrayLike, trials: Sequence[Trial]) -> Estimate:
    """The equal error rate of scored trials with its interval, per cent."""
    return difference(scores, None, trials)


def difference(scores: ArrayLike, others: ArrayLike | None, trials: Sequence[Trial]) -> Estimate:
    """EER of `scores` less that of `others` on the same trials, with an interval of pairs, %.

    Without others it is the EER of `scores` itself.
    """
    target = np.array([trial.target for trial in trials], bool)
    if not trials or target.all() or not target.any():
        return Estimate(None, method="expected trials of one speaker and of two")
    given = [np.asarray(scores, float)]
    if others is not None:
        given.append(np.asarray(others, float))
    rates = [eer(values, target) for values in given]
    ordered = [_Sorted(values, target) for values in given]

    speakers = [
        speaker for trial in trials for speaker in (trial.enrol_speaker, trial.test_speaker)
    ]
    names = np.unique(speakers)
    numbers, _, _ = numbered(speakers)
    enrol, test = numbers[0::2], numbers[1::2]  # [N] each
    weights = draws(len(names))
    resampled = [np.empty(len(weights)) for _ in ordered]
    for start in range(0, len(weights), _AT_ONCE):
        drawn = weights[start : start + _AT_ONCE].astype(float)  # [r, speakers]
        counted = np.where(target, drawn[:, enrol], drawn[:, enrol] * drawn[:, test])  # [r, N]
        for rate, one in zip(resampled, ordered, strict=True):
            rate[start : start + _AT_ONCE] = _weighted(one, counted)
    value, spread = rates[0], resampled[0]
    if others is not None:
        value, spread = value - rates[1], spread - resampled[1]
    return bounded(PERCENT * value, PERCENT * spread, f"{len(names)} speakers")


class _Sorted:
    """Trials in the order of their scores, and where each distinct score ends."""

    def __init__(self, scores: NDArray[np.float64], target: NDArray[np.bool_]) -> None:
        self.order = np.argsort(scores, kind="stable")
        in_order = scores[self.order]
        self.last = np.flatnonzero(np.append(in_order[1:] != in_order[:-1], True))
        self.target = target[self.order]


def _weighted(trials: _Sorted, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """EER of trials that count `weights` times each, [r, N] -> [r]; NaN where a kind has none."""
    weights = weights[:, trials.order]
    of_one = np.cumsum(weights * trials.target, axis=1)  # [r, N]
    of_two = np.cumsum(weights * ~trials.target, axis=1)
    n_one, n_two = of_one[:, -1:], of_two[:, -1:]  # [r, 1]
    refused = of_one[:, trials.last]  # [r, thresholds]
    accepted = n_two - of_two[:, trials.last]
    # Compared as products of counts, which are exact, where rates would be rounded.
    best = np.argmin(np.abs(accepted * n_one - refused * n_two), axis=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = (
            np.take_along_axis(accepted, best, axis=1) / n_two
            + np.take_along_axis(refused, best, axis=1) / n_one
        )
    return rates[:, 0] / 2
