"""A codec's summary: the scores of a suite with their intervals, bit/s, clips and failures.

A view over cells, as `bench.views.gather` returns them. Bit/s is what the codec sent for all
clips over their total duration. What stands beside the suite's scores is apart from them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.codec import CodecInfo
from bench.metrics.codes import CodeUsage, usage
from bench.stats import Interval, bootstrap_interval, suite_mean
from bench.suites import Score, Suite

if TYPE_CHECKING:
    from bench.delay import Delay

# One sample of a second off in its last bit leaves about 190 dB; an exact copy has 220 to 310.
_EXACT_SDR_DB = 200.0
_NUMBER = re.compile(r"\b[\d.]*\d\b|\b[0-9a-f]{12}\b")  # counts, and the hashes of files
_PATH = re.compile(r"^\S.*?\.\w+: ")


@dataclass(frozen=True)
class Failure:
    """A clip without some of its scores.

    Attributes:
        dataset, clip: which one.
        metrics: those that failed for the same reason.
        reason: in a line.
    """

    dataset: str
    clip: str
    metrics: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class FailureCount:
    """How often cells failed for one reason.

    Attributes:
        reason: without the clip's path, and with "..." for numbers that differ.
        n_clips, n_cells: that failed so.
    """

    reason: str
    n_clips: int
    n_cells: int


@dataclass(frozen=True)
class Beside:
    """What stands beside a suite's scores, under its own name and never in their place.

    Attributes:
        delay: the codec's constant delay; None if it could not be measured.
        aligned_sdr_db: mean of the SDR once the delay is removed, for each SDR of the suite
            (by the score's name); the SDR itself where the delay is 0, None without a delay.
        n_clipped_samples: of all decoded clips; None where no clip went through.
        n_clipped_clips: clips with any.
        codes: how the codebooks are used over all clips; None for a codec without tokens.
    """

    delay: Delay | None
    aligned_sdr_db: dict[str, float | None]
    n_clipped_samples: int | None
    n_clipped_clips: int
    codes: CodeUsage | None


@dataclass(frozen=True)
class Summary:
    """One codec on one data set.

    Attributes:
        info: the codec.
        scores: the suite's scores with their means and intervals; those that the data set
            has no clips for are left out.
        bitrate_bps: measured, bit/s; None where no clip went through.
        n_clips: clips asked for.
        failures: clips with at least one failed cell.
        exact: SDR scores with clips that came back exactly. Their SDR is the rounding of a
            perfect estimate, 200 dB and more, so that a mean over them is no quantity.
        beside: what stands beside the scores.
        certified: the codec's revision passed certification, or needs none.
    """

    info: CodecInfo
    scores: tuple[tuple[Score, Interval], ...]
    bitrate_bps: float | None
    n_clips: int
    failures: tuple[Failure, ...]
    exact: tuple[Score, ...]
    beside: Beside
    certified: bool = False

    @property
    def n_failed(self) -> int:
        """Clips that lack at least one score."""
        return len({(failure.dataset, failure.clip) for failure in self.failures})

    @property
    def failure_counts(self) -> tuple[FailureCount, ...]:
        """The failures by their reasons, the most frequent first."""
        by_kind: dict[str, list[Failure]] = defaultdict(list)
        for failure in self.failures:
            by_kind[_NUMBER.sub("...", _without_path(failure.reason))].append(failure)
        counts = []
        for kind, failures in by_kind.items():
            reasons = {_without_path(failure.reason) for failure in failures}
            counts.append(
                FailureCount(
                    reason=reasons.pop() if len(reasons) == 1 else kind,
                    n_clips=len({(failure.dataset, failure.clip) for failure in failures}),
                    n_cells=sum(len(failure.metrics) for failure in failures),
                )
            )
        return tuple(sorted(counts, key=lambda count: -count.n_cells))


def summarise(
    info: CodecInfo,
    cells: pd.DataFrame,
    suite: Suite,
    delay: Delay | None = None,
    codes: Iterable[NDArray[np.int64]] = (),
    certified: bool = False,
) -> Summary:
    """Summarise the cells of one codec.

    Args:
        info: the codec.
        cells: columns as of `bench.views.gather`.
        suite: what was asked.
        delay: the codec's constant delay, if it is known.
        codes: of the clips that went through, [K, F] each.
        certified: whether the codec's revision passed certification, or needs none.
    """
    selected = [(score, score.select(cells)) for score in suite.scores]
    return Summary(
        info=info,
        scores=tuple((score, bootstrap_interval(rows)) for score, rows in selected if len(rows)),
        bitrate_bps=_bitrate_bps(cells),
        n_clips=len(cells[["dataset", "clip"]].drop_duplicates()),
        failures=_failures(cells),
        exact=tuple(
            score
            for score, rows in selected
            if score.metric == "sdr" and (rows["value"] > _EXACT_SDR_DB).any()
        ),
        beside=_beside(info, cells, suite, delay, codes),
        certified=certified,
    )


def _beside(
    info: CodecInfo,
    cells: pd.DataFrame,
    suite: Suite,
    delay: Delay | None,
    codes: Iterable[NDArray[np.int64]],
) -> Beside:
    clipped = cells.loc[cells["metric"] == "clipped_samples", "value"].dropna()
    return Beside(
        delay=delay,
        aligned_sdr_db={
            score.name: _aligned_sdr_db(cells, score, delay)
            for score in suite.scores
            if score.metric == "sdr"
        },
        n_clipped_samples=int(clipped.sum()) if len(clipped) else None,
        n_clipped_clips=int((clipped > 0).sum()),
        codes=_usage(codes, info.codebook_size),
    )


def _usage(codes: Iterable[NDArray[np.int64]], codebook_size: int) -> CodeUsage | None:
    clips = iter(codes)
    first = next(clips, None)
    return None if first is None else usage(chain([first], clips), codebook_size)


def _aligned_sdr_db(cells: pd.DataFrame, score: Score, delay: Delay | None) -> float | None:
    if delay is None or delay.samples is None:
        return None
    metric = "aligned_sdr" if delay.samples else score.metric
    rows = cells[(cells["metric"] == metric) & cells["kind"].isin(score.kinds)]
    return suite_mean(rows) if rows["value"].notna().any() else None


def _bitrate_bps(cells: pd.DataFrame) -> float | None:
    measures = cells[cells["metric"].isin(["bits", "duration"])]
    by_clip = measures.pivot(index=["dataset", "clip"], columns="metric", values="value").dropna()
    if by_clip.empty:
        return None
    return float(by_clip["bits"].sum() / by_clip["duration"].sum())


def _failures(cells: pd.DataFrame) -> tuple[Failure, ...]:
    failed = cells[cells["error"].notna()]
    by_reason = failed.groupby(["dataset", "clip", "error"], sort=False)["metric"]
    return tuple(
        Failure(dataset, clip, tuple(metrics), reason)
        for (dataset, clip, reason), metrics in by_reason
    )


def _without_path(reason: str) -> str:
    """A reason without the file that it begins with, if it does."""
    return _PATH.sub("", reason)
