"""A codec's page: what it is, its certificate and scores, and the clips behind every number."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Set
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from bench.metrics import METRICS
from bench.report.results import ClipResult, Result
from bench.report.site.application import CodecTasks, application_page_of
from bench.report.site.leaderboard import (
    Certificates,
    Number,
    arrow,
    certificate_of,
    is_exact,
    shown_mean,
    unit,
)
from bench.suites import SIGNAL, Score

MOST_SHOWN = 100
"""Clips of a data set behind a score that a page shows: more are too many to read."""


@dataclass(frozen=True)
class ClipRow:
    """A clip's value, or why there is none."""

    clip: str
    text: str
    value: float | None


@dataclass(frozen=True)
class ClipsOfDataset:
    """The clips of a data set behind one score, the worst first.

    Attributes:
        dataset: its name.
        clips: the first `MOST_SHOWN` of them.
        n_more: that are not shown, but in the table of all clips (`clips_table`).
    """

    dataset: str
    clips: tuple[ClipRow, ...]
    n_more: int


@dataclass(frozen=True)
class ScoreSection:
    """A score with all of its clips."""

    name: str
    label: str
    mean: str
    beside: str
    n_clips: int
    n_failed: int
    version: str
    remarks: tuple[str, ...]
    datasets: tuple[ClipsOfDataset, ...]


def codec_page(
    result: Result,
    certificates: Certificates,
    heard: Set[str],
    tasks: CodecTasks | None = None,
) -> dict[str, Any]:
    """What the template of a codec's page takes.

    Args:
        result: of the codec.
        certificates: by codec and revision.
        heard: clips that are in the listening room with this codec.
        tasks: the same codec in the application suite, if it was run.
    """
    of_datasets: dict[str, list[ClipResult]] = {}
    for clip in result.clips:
        of_datasets.setdefault(clip.dataset, []).append(clip)
    sections = [_section(result, score, of_datasets) for score in SIGNAL.scores]
    codec, revision = str(result.codec["name"]), str(result.codec["revision"])
    verdict, certificate = certificate_of(codec, revision, certificates)
    return {
        "codec": result.codec,
        "heard": heard,
        "application_page": application_page_of(tasks.name) if tasks else "",
        "application_data": tasks.dataset if tasks else "",
        "about": _facts(result),
        "bits": _bits(result),
        "beside": _beside(result),
        "verdict": verdict,
        "certificate": certificate,
        "scores": [section for section in sections if section is not None],
        "by_dataset": _by_dataset(of_datasets),
        "metrics": [METRICS[name] for name in METRICS],
        "failures": result.failures,
        "n_clips": result.n_clips,
        "n_clips_failed": result.n_clips_failed,
        "data": f"{result.dataset}, revision {result.dataset_revision}",
        "measured_at": (result.first_measured_at, result.last_measured_at),
        "libraries": {name: ", ".join(found) for name, found in result.libraries.items()},
    }


def clips_table(result: Result) -> str:
    """All clips of a codec with all of their scores, as CSV; a failed score has its reason."""
    names = tuple(dict.fromkeys(score.metric for score in result.scores))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("dataset", "clip", "kind", "group", "sha256", "duration_s", "bits", *names))
    for clip in result.clips:
        about = (clip.dataset, clip.clip, clip.kind, clip.group, clip.sha256)
        scores = (clip.values.get(name, clip.errors.get(name, "")) for name in names)
        table.writerow((*about, clip.duration_s, clip.bits, *scores))
    return text.getvalue()


def _facts(result: Result) -> dict[str, str]:
    codec = result.codec
    rate = codec["sample_rate"]
    facts = {
        "sample rate": f"{rate:,.0f} Hz" if isinstance(rate, int | float) else "any",
        "codebooks": (
            f"{codec['n_codebooks']} of {codec['codebook_size']:,} entries"
            if codec["n_codebooks"]
            else "none"
        ),
        "frames": f"{codec['frame_rate_hz']:.2f} a second" if codec["frame_rate_hz"] else "none",
        "revision": str(codec["revision"]),
        "weights": str(codec["weights"] or "none"),
        "licence": str(codec["licence"] or "not said"),
        "cite": str(codec["citation"] or "not said"),
    }
    return facts


def _bits(result: Result) -> dict[str, str]:
    nominal, measured = result.codec["bitrate_bps"], result.measured_bitrate_bps
    sent = [clip.bits for clip in result.clips if clip.bits is not None]
    found = {
        "nominal": f"{nominal:,.0f} bit/s" if nominal is not None else "none",
        "measured": f"{measured:,.1f} bit/s" if measured is not None else "no clip went through",
        "sent": f"{sum(sent):,.0f} bits for {len(sent)} clips",
    }
    used, entropy = result.beside.codes_used, result.beside.code_entropy_bits
    if used is not None and entropy is not None:
        found["codes that occur"] = ", ".join(f"{number:,}" for number in used)
        found["entropy of the codes"] = ", ".join(f"{bits:.2f} bits" for bits in entropy)
    return found


def _beside(result: Result) -> dict[str, str]:
    beside = result.beside
    delay = beside.delay
    if delay is None:
        text = "not measured"
    elif delay["samples"] is None:
        text = f"none found: {delay['error']}"
    else:
        text = f"{delay['samples']} samples at {delay['sample_rate']:,} Hz"
    found = {"constant delay": text}
    for score in SIGNAL.scores:
        aligned = beside.aligned_sdr_db.get(score.name)
        if aligned is not None:
            found[f"{score.display_name} once it is removed"] = f"{aligned:.2f} dB"
    clipped = beside.n_clipped_samples
    found["clipped samples"] = (
        "not counted" if clipped is None else f"{clipped:,} in {beside.n_clipped_clips} clips"
    )
    return found


def _section(
    result: Result,
    score: Score,
    of_datasets: Mapping[str, list[ClipResult]],
) -> ScoreSection | None:
    stored = next((found for found in result.scores if found.name == score.name), None)
    if stored is None:
        return None
    mean, beside = shown_mean(result, score, stored)
    remarks = [
        f"{text}: {', '.join(names)}"
        for text, names in (
            ("in no mean, every clip failed", stored.datasets_missing),
            ("a single group, clips are drawn", stored.datasets_by_clip),
            ("a single clip, held fixed", stored.datasets_fixed),
        )
        if names
    ]
    scored = {
        dataset: [clip for clip in clips if clip.kind in score.kinds]
        for dataset, clips in of_datasets.items()
    }
    return ScoreSection(
        name=score.name,
        label=f"{score.display_name} {unit(score)} {arrow(score)}".replace("  ", " "),
        mean=mean,
        beside=beside,
        n_clips=stored.n_clips,
        n_failed=stored.n_failed,
        version=stored.metric_version,
        remarks=tuple(remarks),
        datasets=tuple(
            _worst_first(dataset, clips, score) for dataset, clips in scored.items() if clips
        ),
    )


def _worst_first(dataset: str, clips: list[ClipResult], score: Score) -> ClipsOfDataset:
    """Those that failed, then from the worst value to the best."""
    sign = 1 if METRICS[score.metric].higher_is_better else -1

    def rank(clip: ClipResult) -> tuple[bool, float, str]:
        value = clip.values.get(score.metric)
        return value is not None, sign * (value or 0.0), clip.clip

    rows = tuple(
        ClipRow(clip.clip, _shown(clip, score), clip.values.get(score.metric))
        for clip in nsmallest(MOST_SHOWN, clips, key=rank)
    )
    return ClipsOfDataset(dataset, rows, len(clips) - len(rows))


def _shown(clip: ClipResult, score: Score) -> str:
    if score.metric not in clip.values:
        return clip.errors.get(score.metric, "not measured")
    return "exact" if is_exact(clip, score) else f"{clip.values[score.metric]:.3f}"


def _by_dataset(of_datasets: Mapping[str, list[ClipResult]]) -> list[tuple[str, list[Number]]]:
    """Means over the clips of each data set, a number a metric, leading to those clips."""
    table = []
    for dataset, clips in of_datasets.items():
        numbers = []
        for metric in METRICS:
            score = next(
                (s for s in SIGNAL.scores if s.metric == metric and _is_of(clips, s)), None
            )
            if score is None:
                numbers.append(Number("none", beside="not for this kind of audio"))
            else:
                numbers.append(_mean_of(clips, score, f"#clips-{score.name}-{dataset}"))
        table.append((dataset, numbers))
    return table


def _mean_of(clips: list[ClipResult], score: Score, href: str) -> Number:
    """The mean over the clips of a data set, or why there is none."""
    values = [clip.values[score.metric] for clip in clips if score.metric in clip.values]
    if not values:
        return Number("none", beside="every clip failed", href=href)
    n_exact = sum(is_exact(clip, score) for clip in clips)
    if n_exact:
        beside = "exact" if n_exact == len(clips) else f"{n_exact} of {len(clips)} clips exact"
        return Number("none", beside=beside, href=href)
    mean = statistics.fmean(values)
    return Number(f"{mean:.2f}", mean, f"{len(values)} clips", href)


def _is_of(clips: list[ClipResult], score: Score) -> bool:
    return any(clip.kind in score.kinds for clip in clips)
