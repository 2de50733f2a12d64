"""The JSON of one codec on one data set: the summary, and each clip's values behind it.

Written to ``<results>/<suite>/<dataset>/<codec>.json``; the fields are explained in
``docs/results.md``. The same cells give the same bytes: keys in a fixed order, floats at six
decimals, and times that are those of the cells. Checked before it is written, in one piece.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pandas as pd

from bench.cells import CodecCertificate, Source
from bench.report.files import replace_json, result_path
from bench.report.summary import Beside, FailureCount, Summary
from bench.stats import CONFIDENCE

SCHEMA_VERSION = 2

_DECIMALS = 6
_MEASURES = ("bits", "duration", "sample_rate", "clipped_samples", "frames")


@dataclass(frozen=True)
class ScoreResult:
    """A score's mean and interval; mean and bounds are None where there is none."""

    name: str
    metric: str
    metric_version: str
    unit: str
    mean: float | None
    low: float | None
    high: float | None
    no_interval_because: str
    n_clips: int
    n_failed: int
    datasets_missing: tuple[str, ...]
    datasets_by_clip: tuple[str, ...]
    datasets_fixed: tuple[str, ...]

    def __post_init__(self) -> None:
        for value in (self.mean, self.low, self.high):
            _check_number(self.name, value)
        if not 0 <= self.n_failed <= self.n_clips:
            raise ValueError(f"{self.name}: {self.n_failed} of {self.n_clips} clips failed")
        if (self.mean is None) != (self.n_failed == self.n_clips):
            raise ValueError(
                f"{self.name}: mean {self.mean} with {self.n_failed} of {self.n_clips} clips failed"
            )
        if (self.low is None) != (self.high is None) or (self.low is None) != bool(
            self.no_interval_because
        ):
            raise ValueError(f"{self.name}: expected both bounds or the reason why there are none")


@dataclass(frozen=True)
class BesideResult:
    """What stands beside the scores; None where there is none."""

    delay: dict[str, int | float | str | None] | None
    aligned_sdr_db: dict[str, float | None]
    n_clipped_samples: int | None
    n_clipped_clips: int
    codes_used: tuple[int, ...] | None
    code_entropy_bits: tuple[float, ...] | None


@dataclass(frozen=True)
class ClipResult:
    """A clip: what was measured of it, its score by each metric, and why others are missing."""

    dataset: str
    clip: str
    kind: str
    group: str | None
    sha256: str
    sample_rate: int | None
    duration_s: float | None
    bits: float | None
    frames: int | None
    clipped_samples: int | None
    values: dict[str, float]
    errors: dict[str, str]

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.values.values())):
            for name, value in self.values.items():
                _check_number(f"{self.dataset}/{self.clip} {name}", value)
        if self.errors and (both := self.values.keys() & self.errors.keys()):
            raise ValueError(f"{self.dataset}/{self.clip}: value and error of {sorted(both)}")


@dataclass(frozen=True)
class Result:
    """One codec on one data set, as the file has it; `certificate` is None without one."""

    schema: int
    suite: str
    dataset: str
    dataset_revision: str
    codec: dict[str, str | float | None]
    certificate: CodecCertificate | None = field(default=None, kw_only=True)
    reader: str
    resampler: str
    measured_bitrate_bps: float | None
    n_clips: int
    n_clips_failed: int
    confidence: float
    scores: tuple[ScoreResult, ...]
    beside: BesideResult
    failures: tuple[FailureCount, ...]
    libraries: dict[str, list[str]]
    first_measured_at: str | None
    last_measured_at: str | None
    clips: tuple[ClipResult, ...]

    def __post_init__(self) -> None:
        if len(self.clips) != self.n_clips:
            raise ValueError(f"expected {self.n_clips} clips, got {len(self.clips)}")
        failed = sum(bool(clip.errors) for clip in self.clips)
        if failed != self.n_clips_failed:
            raise ValueError(f"expected {self.n_clips_failed} failed clips, got {failed}")


def result_of(
    summary: Summary,
    cells: pd.DataFrame,
    source: Source,
    certificate: CodecCertificate | None = None,
) -> Result:
    """Everything the file says, from the cells of a source and the summary made of them.

    Args:
        summary: of a codec.
        cells: behind it.
        source: of the cells.
        certificate: of the codec's revision, where there is one.

    Raises:
        ValueError: the two do not agree.
    """
    times = cells["measured_at"].dropna()
    return Result(
        schema=SCHEMA_VERSION,
        suite=source.suite,
        dataset=source.dataset,
        dataset_revision=source.dataset_revision,
        codec=asdict(summary.info),
        certificate=certificate,
        reader=source.reader,
        resampler=source.resampler,
        measured_bitrate_bps=_rounded(summary.bitrate_bps),
        n_clips=summary.n_clips,
        n_clips_failed=summary.n_failed,
        confidence=CONFIDENCE,
        scores=_scores(summary, cells),
        beside=_beside(summary.beside),
        failures=summary.failure_counts,
        libraries=libraries_of(cells),
        first_measured_at=min(times, default=None),
        last_measured_at=max(times, default=None),
        clips=_clips(cells),
    )


def write(result: Result, folder: Path) -> Path:
    """Write the file below `folder` and return its path.

    Raises:
        ValueError: the codec's name cannot be a file's name.
        OSError: the file cannot be written.
    """
    name = str(result.codec["name"])
    path = result_path(folder, result.suite, result.dataset, name)
    # A clip is copied as it is, and takes a line: a full benchmark has hundreds of thousands.
    content = asdict(replace(result, clips=(), n_clips=0, n_clips_failed=0))
    content |= {"n_clips": result.n_clips, "n_clips_failed": result.n_clips_failed}
    return replace_json(path, content, "clips", (vars(clip) for clip in result.clips))


def libraries_of(cells: pd.DataFrame) -> dict[str, list[str]]:
    """Every version of every library that cells were computed with: one each, normally."""
    versions = defaultdict(set)
    for libraries in cells["libraries"].dropna().unique():
        for name, version in json.loads(libraries).items():
            versions[name].add(version)
    return {name: sorted(found) for name, found in sorted(versions.items())}


def _scores(summary: Summary, cells: pd.DataFrame) -> tuple[ScoreResult, ...]:
    versions = dict(cells[["metric", "metric_version"]].drop_duplicates().to_numpy())
    units = dict(cells[["metric", "unit"]].dropna().drop_duplicates().to_numpy())
    return tuple(
        ScoreResult(
            name=score.name,
            metric=score.metric,
            metric_version=versions[score.metric],
            unit=units.get(score.metric, ""),
            mean=_rounded(interval.mean),
            low=_rounded(interval.low),
            high=_rounded(interval.high),
            no_interval_because=interval.reason,
            n_clips=interval.n_clips,
            n_failed=interval.n_failed,
            datasets_missing=interval.datasets_missing,
            datasets_by_clip=interval.datasets_by_clip,
            datasets_fixed=interval.datasets_fixed,
        )
        for score, interval in summary.scores
    )


def _beside(beside: Beside) -> BesideResult:
    delay, codes = beside.delay, beside.codes
    return BesideResult(
        delay=None
        if delay is None
        else asdict(delay) | {"correlation": _rounded(delay.correlation)},
        aligned_sdr_db={name: _rounded(value) for name, value in beside.aligned_sdr_db.items()},
        n_clipped_samples=beside.n_clipped_samples,
        n_clipped_clips=beside.n_clipped_clips,
        codes_used=None if codes is None else codes.used,
        code_entropy_bits=None
        if codes is None
        else tuple(round(bits, _DECIMALS) for bits in codes.entropy_bits),
    )


def _clips(cells: pd.DataFrame) -> tuple[ClipResult, ...]:
    of_clip = ["dataset", "clip", "kind", "group", "clip_sha256"]
    # As objects, since a column of texts goes through pandas one by one.
    columns = [
        cells[name].astype(object).where(cells[name].notna(), None).tolist()
        for name in (*of_clip, "metric", "value", "error")
    ]
    found: dict[tuple[str, str], _OneClip] = {}
    for dataset, clip, kind, group, sha256, metric, value, error in zip(*columns, strict=True):
        one = found.get((dataset, clip))
        if one is None:
            one = found[dataset, clip] = _OneClip(kind, group, sha256)
        if value is not None:
            one.values[metric] = round(value, _DECIMALS)
        if error is not None:
            one.errors[metric] = error
    return tuple(one.result(dataset, clip) for (dataset, clip), one in found.items())


@dataclass(frozen=True)
class _OneClip:
    """The cells of a clip, as they are gathered."""

    kind: str
    group: str | None
    sha256: str
    values: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def result(self, dataset: str, clip: str) -> ClipResult:
        whole = {
            name: int(self.values[name]) if name in self.values else None
            for name in ("sample_rate", "frames", "clipped_samples")
        }
        return ClipResult(
            dataset=dataset,
            clip=clip,
            kind=self.kind,
            group=self.group,
            sha256=self.sha256,
            duration_s=self.values.get("duration"),
            bits=self.values.get("bits"),
            **whole,
            values={name: v for name, v in self.values.items() if name not in _MEASURES},
            errors=self.errors,
        )


def _rounded(value: float | None) -> float | None:
    """Six decimals; None for what is missing."""
    return None if value is None or math.isnan(value) else round(value, _DECIMALS)


def _check_number(name: str, value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {value}")
