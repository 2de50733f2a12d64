"""A codec's summary: the scores of a suite with their intervals, bit/s, clips and failures.

A view over cells, as `bench.runner.gather` returns them. Bit/s is what the codec sent for all
clips over their total duration.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bench.codec import CodecInfo
from bench.stats import Interval, bootstrap_interval
from bench.suites import Score, Suite

# One sample of a second off in its last bit leaves about 190 dB; an exact copy has 220 to 310.
_EXACT_SDR_DB = 200.0


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
    """

    info: CodecInfo
    scores: tuple[tuple[Score, Interval], ...]
    bitrate_bps: float | None
    n_clips: int
    failures: tuple[Failure, ...]
    exact: tuple[Score, ...]

    @property
    def n_failed(self) -> int:
        """Clips that lack at least one score."""
        return len({(failure.dataset, failure.clip) for failure in self.failures})


def summarise(info: CodecInfo, cells: pd.DataFrame, suite: Suite) -> Summary:
    """Summarise the cells of one codec (columns as of `bench.runner.gather`)."""
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
    )


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
