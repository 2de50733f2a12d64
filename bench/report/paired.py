"""Two codecs on the same clips: the difference of their scores, clip by clip, with its interval.

A clip that is hard for one codec is hard for the next, so the difference of two means is known
far better than either. Only clips that both have a value of are in it; the interval is that of
`bench.stats`, which draws speakers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bench.report.results import ClipResult, Result
from bench.stats import Interval, bootstrap_interval
from bench.suites import Score


@dataclass(frozen=True)
class ClipDifference:
    """A clip's values through two codecs.

    Attributes:
        dataset, clip, group: which one.
        first, second: values.
    """

    dataset: str
    clip: str
    group: str
    first: float
    second: float

    @property
    def difference(self) -> float:
        """First less second."""
        return self.first - self.second


@dataclass(frozen=True)
class Paired:
    """The difference of a score between two codecs, first less second.

    Attributes:
        score: which.
        interval: mean of the differences as the protocol averages, and its interval; its
            failed clips are those that only one codec, or none, has a value of.
        clips: those that both have one of.
    """

    score: Score
    interval: Interval
    clips: tuple[ClipDifference, ...]


class NotComparableError(ValueError):
    """Two results that share no data; the message says so in a line."""


def check_comparable(first: Result, second: Result) -> None:
    """Raise NotComparableError unless both are of one data set and suite, measured alike."""
    for name in ("suite", "dataset", "dataset_revision"):
        mine, theirs = getattr(first, name), getattr(second, name)
        if mine != theirs:
            raise NotComparableError(
                f"{first.codec['name']} and {second.codec['name']} are not comparable: "
                f"{name.replace('_', ' ')} {mine} and {theirs}"
            )


def paired(first: Result, second: Result, score: Score) -> Paired:
    """The difference of a score.

    Raises:
        NotComparableError: other data, or another version of the metric.
    """
    check_comparable(first, second)
    versions = [
        next((one.metric_version for one in result.scores if one.name == score.name), None)
        for result in (first, second)
    ]
    if None not in versions and versions[0] != versions[1]:
        raise NotComparableError(
            f"{score.display_name} of {first.codec['name']} and {second.codec['name']} is not "
            f"comparable: {versions[0]} and {versions[1]}"
        )
    mine, theirs = _clips(first, score), _clips(second, score)
    name = score.metric
    common = [
        ClipDifference(*key, clip.group or "", clip.values[name], theirs[key].values[name])
        for key, clip in mine.items()
        if name in clip.values and key in theirs and name in theirs[key].values
    ]
    present = {(one.dataset, one.clip) for one in common}
    absent = [key for key in {**mine, **theirs} if key not in present]
    rows = [(one.dataset, one.group, one.clip, one.difference) for one in common]
    rows += [(dataset, "", clip, float("nan")) for dataset, clip in absent]
    cells = pd.DataFrame(rows, columns=["dataset", "group", "clip", "value"])
    return Paired(score, bootstrap_interval(cells), tuple(common))


def extremes(
    clips: Sequence[ClipDifference], number: int, *, higher_is_better: bool
) -> tuple[list[ClipDifference], list[ClipDifference]]:
    """The clips on which the first codec is furthest ahead of the second, and furthest behind.

    Furthest first; at most half of the clips are in either, so that none is in both.
    """
    sign = 1 if higher_is_better else -1
    ordered = sorted(clips, key=lambda one: (-sign * one.difference, one.dataset, one.clip))
    number = min(number, len(ordered) // 2)
    return ordered[:number], ordered[::-1][:number]


def _clips(result: Result, score: Score) -> dict[tuple[str, str], ClipResult]:
    return {(clip.dataset, clip.clip): clip for clip in result.clips if clip.kind in score.kinds}
