"""The table on the screen: a row per codec measured here and, set apart, the paper's rows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.metrics import METRICS
from bench.report.paper import REMARK, PaperRow
from bench.report.summary import Failure, Summary
from bench.stats import CONFIDENCE
from bench.suites import Score, Suite

_NONE = "-"
_UNCERTIFIED = "†"
_MAX_FAILURES = 20


def table(
    summaries: Sequence[Summary], paper: Sequence[PaperRow], suite: Suite, dataset: str
) -> RenderableType:
    """The scores of several codecs on one data set, the paper's rows, failures and remarks.

    Below a codec's means stand the two ends of their intervals, so that 80 columns are enough.
    """
    shown = Table(
        title=f"{suite.name} suite on {dataset}",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    shown.add_column("codec", no_wrap=True)
    shown.add_column("bit/s", justify="right", no_wrap=True)
    for score in suite.scores:
        shown.add_column(_heading(score), justify="right", no_wrap=True)
    shown.add_column("clips", justify="right", no_wrap=True)
    for summary in summaries:
        intervals = [dict(summary.scores).get(score) for score in suite.scores]
        failed = Text(f"{summary.n_failed} failed", style="bold red" if summary.n_failed else "")
        bitrate = _NONE if summary.bitrate_bps is None else f"{summary.bitrate_bps:,.0f}"
        means = [_number(interval.mean if interval else None) for interval in intervals]
        lows = [_number(interval.low if interval else None) for interval in intervals]
        highs = [_number(interval.high if interval else None) for interval in intervals]
        mark = "" if summary.certified else f" {_UNCERTIFIED}"
        name = Text(f"{summary.info.name}{mark}", style="bold")
        shown.add_row(name, bitrate, *means, str(summary.n_clips))
        shown.add_row(f"  {CONFIDENCE:.0%} from", "", *lows, failed, style="dim")
        shown.add_row("      to", "", *highs, "", style="dim")
        shown.add_section()
    for row in paper:
        values = [_number(row.scores[score.name]) for score in suite.scores]
        label = f"{row.model}\n  (paper)"
        shown.add_row(label, f"{row.bitrate_bps:,.0f}", *values, _NONE, style="italic")
    return Group(
        shown,
        *(Text(line) for line in _remarks(summaries, paper)),
        _beside(summaries, suite),
        *(Text(line) for line in _beside_remarks(summaries)),
        *_failures(summaries),
    )


def _beside(summaries: Sequence[Summary], suite: Suite) -> Table:
    """What stands beside the scores: a row per codec."""
    shown = Table(
        title="\nBeside the protocol's scores",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    shown.add_column("codec", no_wrap=True)
    shown.add_column("delay\nsamples", justify="right", no_wrap=True)
    shown.add_column("\nms", justify="right", no_wrap=True)
    sdr_scores = [score for score in suite.scores if score.metric == "sdr"]
    for score in sdr_scores:
        name = f"aligned {score.display_name}".replace(" ", "\n")
        shown.add_column(f"{name} ↑\ndB", justify="right", no_wrap=True)
    shown.add_column("codes used\n(of)", justify="right", no_wrap=True)
    shown.add_column("entropy\n(of) bit", justify="right", no_wrap=True)
    shown.add_column("clipped\nsamples", justify="right", no_wrap=True)
    for summary in summaries:
        beside, delay = summary.beside, summary.beside.delay
        samples = _NONE if delay is None or delay.samples is None else f"{delay.samples:,}"
        ms = _NONE
        if delay is not None and delay.samples is not None:
            ms = f"{1000 * delay.samples / delay.sample_rate:.2f}"
        clipped = beside.n_clipped_samples
        shown.add_row(
            Text(summary.info.name, style="bold"),
            samples,
            ms,
            *(_number(beside.aligned_sdr_db[score.name]) for score in sdr_scores),
            *_codes(summary),
            _NONE if clipped is None else f"{clipped:,}",
        )
    return shown


def _codes(summary: Summary) -> tuple[str, str]:
    """Codes used and their entropy; for several codebooks the lowest to the highest."""
    codes, size = summary.beside.codes, summary.info.codebook_size
    if codes is None:
        return _NONE, _NONE
    used = sorted({min(codes.used), max(codes.used)})
    entropy = sorted(
        {f"{min(codes.entropy_bits):.2f}", f"{max(codes.entropy_bits):.2f}"}, key=float
    )
    return (
        f"{'-'.join(f'{number:,}' for number in used)}\n({size:,})",
        f"{'-'.join(entropy)}\n({math.log2(size):.2f})",
    )


def _beside_remarks(summaries: Sequence[Summary]) -> list[str]:
    remarks = []
    for summary in summaries:
        delay = summary.beside.delay
        if delay is None:
            remarks.append(f"{summary.info.name}: its constant delay could not be measured.")
        elif delay.error:
            remarks.append(f"{summary.info.name}: {delay.error}.")
    return remarks


def _heading(score: Score) -> str:
    metric = METRICS[score.metric]
    name = score.display_name.replace(" ", "\n")
    unit = "\ndB" if metric.unit == "dB" else ""
    return f"{name} {'↑' if metric.higher_is_better else '↓'}{unit}"


def _number(value: float | None) -> str:
    return _NONE if value is None or math.isnan(value) else f"{value:.2f}"


def _remarks(summaries: Sequence[Summary], paper: Sequence[PaperRow]) -> list[str]:
    intervals = [interval for summary in summaries for _, interval in summary.scores]
    one_speaker = sorted({name for interval in intervals for name in interval.datasets_by_clip})
    one_clip = sorted({name for interval in intervals for name in interval.datasets_fixed})
    remarks = [
        f"from, to: {CONFIDENCE:.0%} bootstrap interval; speakers (groups of clips) are drawn."
    ]
    uncertified = [summary.info.name for summary in summaries if not summary.certified]
    if uncertified:
        names = ",".join(uncertified)
        remarks.append(f"{_UNCERTIFIED} not certified: bench verify --codec {names}")
    if one_speaker:
        remarks.append(f"One speaker only, so clips are drawn: {', '.join(one_speaker)}.")
    if one_clip:
        remarks.append(f"One clip only, held fixed: {', '.join(one_clip)}.")
    for summary in summaries:
        if summary.info.weights:
            remarks.append(f"{summary.info.name}: {summary.info.weights}")
        for score, interval in summary.scores:
            if interval.datasets_missing:
                missing = ", ".join(interval.datasets_missing)
                remarks.append(
                    f"{summary.info.name}: {score.display_name} is without {missing}, "
                    "where every clip failed."
                )
        if summary.exact:
            names = " and ".join(score.display_name for score in summary.exact)
            remarks.append(
                f"{summary.info.name}: some clips came back exactly; their SDR is rounding "
                f"(over 200 dB), so the mean of {names} is no quantity."
            )
    if paper:
        remarks.append(f"(paper): {REMARK}.")
    return remarks


def _failures(summaries: Sequence[Summary]) -> list[Text]:
    """How many clips failed for each reason, then each clip; codecs that agree share a line."""
    counts: dict[tuple[int, str], list[str]] = defaultdict(list)
    codecs: dict[tuple[str, str], list[str]] = defaultdict(list)
    metrics: dict[tuple[str, str], list[str]] = defaultdict(list)
    for summary in summaries:
        name = summary.info.name
        for count in summary.failure_counts:
            counts[count.n_clips, count.reason].append(name)
        for failure in summary.failures:
            clip = _clip_name(failure)
            key = clip, _without_name(failure.reason, clip)
            codecs[key].append(name)
            metrics[key] += failure.metrics
    if not codecs:
        return []
    lines = []
    for (clip, reason), names in codecs.items():
        # A clip without its bits did not get through the codec: no need to list all scores.
        lost = list(dict.fromkeys(metrics[clip, reason]))
        shown = "" if "bits" in lost else f" {', '.join(lost)}"
        lines.append(f"  {clip}{shown} ({_codecs(names, summaries)}): {reason}")
    if len(lines) > _MAX_FAILURES:
        rest = len(lines) - _MAX_FAILURES
        lines[_MAX_FAILURES:] = [f"  and {rest} more, in the JSON of each codec"]
    return [
        Text("Failed, by reason:", style="bold red"),
        *(
            Text(f"  {n_clips} {_plural('clip', n_clips)} ({_codecs(names, summaries)}): {reason}")
            for (n_clips, reason), names in counts.items()
        ),
        Text("Failed:", style="bold red"),
        *map(Text, lines),
    ]


def _codecs(names: Sequence[str], summaries: Sequence[Summary]) -> str:
    return "all codecs" if 1 < len(names) == len(summaries) else ", ".join(names)


def _clip_name(failure: Failure) -> str:
    """Data set and clip; the id of a clip from a folder begins with its data set already."""
    in_id = failure.clip.startswith(f"{failure.dataset}/")
    return failure.clip if in_id else f"{failure.dataset}/{failure.clip}"


def _without_name(reason: str, clip: str) -> str:
    """A reason without the file that it begins with, where the clip's name says it."""
    path, _, rest = reason.partition(": ")
    return rest if rest and f"/{clip}".endswith(f"/{path}") else reason


def _plural(noun: str, number: int) -> str:
    return noun if number == 1 else f"{noun}s"
