"""Accuracy of a classifier of clips, in per cent, and how far it can be trusted.

The interval of one accuracy is Wilson's score interval. Two accuracies on the same clips are
not independent: a clip that is hard stays hard after a codec, so their difference is taken
clip by clip, with Newcombe's interval for paired proportions, which is built from the two
Wilson intervals and the correlation of the pairs. Both hold where nothing or everything is
right, and take clips for independent of each other.

Sources: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
1927; R. G. Newcombe, "Improved Confidence Intervals for the Difference Between Binomial
Proportions Based on Paired Data", Statistics in Medicine 17, 1998, method 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95

_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_PERCENT = 100.0


@dataclass(frozen=True)
class Accuracy:
    """How many of some clips are right.

    Attributes:
        percent: 0 to 100.
        low, high: bounds of the 95 % Wilson interval, per cent.
        n_right, n_clips: counts.
    """

    percent: float
    low: float
    high: float
    n_right: int
    n_clips: int


@dataclass(frozen=True)
class Difference:
    """Accuracy of one thing less that of another on the same clips.

    Attributes:
        points: percentage points, -100 to 100; negative where the estimate is worse.
        low, high: bounds of the 95 % interval, percentage points.
        n_clips: pairs.
    """

    points: float
    low: float
    high: float
    n_clips: int


def accuracy(right: Sequence[bool]) -> Accuracy:
    """Accuracy of clips, each right or wrong.

    Raises:
        ValueError: there is no clip.
    """
    if len(right) == 0:
        raise ValueError("expected at least one clip to take an accuracy of, got none")
    n_right, n_clips = sum(map(bool, right)), len(right)
    low, high = _wilson(n_right, n_clips)
    return Accuracy(_PERCENT * n_right / n_clips, _PERCENT * low, _PERCENT * high, n_right, n_clips)


def agreement(reference_classes: Sequence[str], estimate_classes: Sequence[str]) -> Accuracy:
    """How often a clip is taken for the same class as its reference, right or wrong.

    Raises:
        ValueError: there is no clip, or not one estimate a reference.
    """
    pairs = zip(reference_classes, estimate_classes, strict=True)
    return accuracy([reference == estimate for reference, estimate in pairs])


def paired_difference(
    reference_right: Sequence[bool], estimate_right: Sequence[bool]
) -> Difference:
    """Accuracy of the estimate less that of the reference, on the same clips in the same order.

    Raises:
        ValueError: there is no clip, or not one estimate a reference.
    """
    pairs = list(zip(map(bool, estimate_right), map(bool, reference_right), strict=True))
    if not pairs:
        raise ValueError("expected at least one pair of clips to compare, got none")
    n = len(pairs)
    a, b, c, d = (
        pairs.count(cell) for cell in ((True, True), (True, False), (False, True), (False, False))
    )
    p1, p2 = (a + b) / n, (a + c) / n
    l1, u1 = _wilson(a + b, n)
    l2, u2 = _wilson(a + c, n)
    # phi, the correlation of the pairs; with Newcombe's continuity correction where positive.
    numerator = float(a * d - b * c)
    if numerator > 0:
        numerator = max(numerator - n / 2, 0.0)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    phi = numerator / math.sqrt(margins) if margins else 0.0

    below = _combined(p1 - l1, u2 - p2, phi)
    above = _combined(u1 - p1, p2 - l2, phi)
    points = p1 - p2
    return Difference(
        _PERCENT * points, _PERCENT * (points - below), _PERCENT * (points + above), n
    )


def _combined(first: float, second: float, phi: float) -> float:
    """Length of the difference of two deviations whose correlation is phi."""
    return math.sqrt(max(first**2 - 2 * phi * first * second + second**2, 0.0))


def _wilson(n_right: int, n: int) -> tuple[float, float]:
    """Wilson's interval of a proportion, as proportions."""
    p = n_right / n
    centre = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    # At 0 and n a bound is 0 or 1 exactly, which rounding misses.
    low = 0.0 if n_right == 0 else centre - half
    high = 1.0 if n_right == n else centre + half
    return low, high
