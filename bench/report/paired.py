"""Two codecs on the same clips: the difference of their scores, clip by clip, with its interval.

A clip that is hard for one codec is hard for the next, so the difference of two means is known
far better than either. Only clips that both have a value of are in it; the interval is that of
`bench.stats`, which draws speakers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.results import Result
from bench.stats import Interval, Sample
from bench.suites import Score

_Row = tuple[str, str, str]  # data set, group ("" for none) and clip


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
    """The difference of a score, with the clips behind it.

    Raises:
        NotComparableError: other data, or another version of the metric.
    """
    rows, mine, theirs = _aligned(first, second, score)
    clips = tuple(
        ClipDifference(dataset, clip, group, a, b)
        for (dataset, group, clip), a, b in zip(rows, mine.tolist(), theirs.tolist(), strict=True)
        if a == a and b == b  # neither is NaN
    )
    return Paired(score, _sample(rows).interval(mine - theirs), clips)


def difference(first: Result, second: Result, score: Score) -> Interval:
    """The interval of `paired` alone, which takes a fraction of the time.

    Raises:
        NotComparableError: other data, or another version of the metric.
    """
    rows, mine, theirs = _aligned(first, second, score)
    return _sample(rows).interval(mine - theirs)


def _aligned(
    first: Result, second: Result, score: Score
) -> tuple[tuple[_Row, ...], NDArray[np.float64], NDArray[np.float64]]:
    """The clips of either, with their values in both, NaN where there is none. [clips]"""
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
    rows, mine = _scored(first, score)
    others, theirs = _scored(second, score)
    if rows == others:
        return rows, mine, theirs
    values = [
        {(dataset, clip): value for (dataset, _, clip), value in zip(known, found, strict=True)}
        for known, found in ((rows, mine), (others, theirs))
    ]
    either = rows + tuple(row for row in others if (row[0], row[2]) not in values[0])
    mine, theirs = (
        np.array([by_clip.get((dataset, clip), np.nan) for dataset, _, clip in either])
        for by_clip in values
    )
    return either, mine, theirs


@lru_cache(maxsize=4)
def _sample(rows: tuple[_Row, ...]) -> Sample:
    """Most codecs are scored on the same clips, so that these are put in order once."""
    return Sample(pd.DataFrame(rows, columns=["dataset", "group", "clip"]))


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


def _scored(result: Result, score: Score) -> tuple[tuple[_Row, ...], NDArray[np.float64]]:
    """The clips that a score is taken of, and their values, NaN where there is none. [clips]"""
    clips = [clip for clip in result.clips if clip.kind in score.kinds]
    values = [clip.values.get(score.metric, np.nan) for clip in clips]
    return tuple((clip.dataset, clip.group or "", clip.clip) for clip in clips), np.array(values)
