"""Which of a group may be called the best: the one whose paired intervals say so.

Of the codecs that were measured, the one with the best mean, if the interval of its difference
to every other one leaves out zero. Where several are too close there is no best one.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.metrics import METRICS
from bench.report.paired import NotComparableError, difference
from bench.report.results import Result
from bench.suites import Score

NOTE = (
    "Bold: best of those measured at its bitrate, where the 95 % interval of the paired "
    "difference to each other one leaves out zero."
)


def best_of(group: Sequence[Result], score: Score) -> str | None:
    """The name of the best codec; None where there is none, or nothing to compare it with."""
    sign = 1 if METRICS[score.metric].higher_is_better else -1
    means = {
        str(result.codec["name"]): sign * one.mean
        for result in group
        for one in result.scores
        if one.name == score.name and one.mean is not None
    }
    if len(means) < 2:
        return None
    first = max(means, key=lambda name: (means[name], name))
    by_name = {str(result.codec["name"]): result for result in group}
    # The nearest one first: it is the likeliest to be too close, and then the others do not count.
    others = sorted((name for name in means if name != first), key=lambda name: -means[name])
    if all(_ahead(by_name[first], by_name[other], score, sign) for other in others):
        return first
    return None


def _ahead(first: Result, second: Result, score: Score, sign: int) -> bool:
    try:
        interval = difference(first, second, score)
    except NotComparableError:
        return False
    if interval.low is None or interval.high is None:
        return False
    return min(sign * interval.low, sign * interval.high) > 0
