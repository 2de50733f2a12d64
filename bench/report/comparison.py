"""Two codecs side by side on the screen: paired differences, and the clips behind them."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.metrics import METRICS
from bench.report.paired import ClipDifference, Paired, extremes, paired
from bench.report.results import Result
from bench.report.stored import said
from bench.report.task_comparison import TaskDifference
from bench.suites import SIGNAL

_NONE = "-"
_DECIMALS = 3  # two would hide differences of STOI that intervals tell from zero
_PERCENT_DECIMALS = 2


def compared(first: Result, second: Result) -> list[Paired]:
    """The paired difference of every score that both have clips of.

    Raises:
        NotComparableError: they are of other data, or were scored by other versions.
    """
    scored = [{score.name for score in result.scores} for result in (first, second)]
    return [
        paired(first, second, score)
        for score in SIGNAL.scores
        if score.name in scored[0] & scored[1]
    ]


def comparison(
    first: Result, second: Result, differences: Sequence[Paired], n_clips: int
) -> RenderableType:
    """A row a score; below it, the clips on which one is furthest ahead of the other.

    Args:
        first, second: the two codecs.
        differences: of `compared`.
        n_clips: how many clips are shown at either end.
    """
    names = [str(result.codec["name"]) for result in (first, second)]
    means = [{score.name: score.mean for score in result.scores} for result in (first, second)]
    shown = _table(f"{names[0]} and {names[1]} on {said([first])}")
    for column in ("score", *names, "difference", "95 % from", "to", "better", "clips"):
        shown.add_column(column, justify="left" if column in ("score", "better") else "right")
    for one in differences:
        interval = one.interval
        shown.add_row(
            _heading(one),
            *(_number(mean.get(one.score.name), _DECIMALS) for mean in means),
            _number(interval.mean if one.clips else None, _DECIMALS),
            _number(interval.low, _DECIMALS),
            _number(interval.high, _DECIMALS),
            better(one, names),
            str(len(one.clips)),
        )
    parts: list[RenderableType] = [shown]
    parts += [Text(line, style="dim") for line in _remarks(differences, names)]
    for one in differences:
        higher = METRICS[one.score.metric].higher_is_better
        if n_clips and one.clips:
            name = one.score.display_name
            parts.append(_clips(name, one.clips, names, n_clips, higher, _DECIMALS))
    return Group(*parts)


def task_comparison(
    names: Sequence[str], dataset: str, differences: Sequence[TaskDifference], n_clips: int
) -> RenderableType:
    """The same of the application suite; all in per cent."""
    shown = _table(f"{names[0]} and {names[1]} on the {dataset} data set, %")
    for column in ("score", *names, "difference", "95 % from", "to", "better", "clips"):
        shown.add_column(column, justify="left" if column in ("score", "better") else "right")
    parts: list[RenderableType] = [shown]
    for one in differences:
        difference, higher = one.difference, one.column.better == "higher"
        shown.add_row(
            f"{one.column.label} {'↑' if higher else '↓'}",
            _number(one.first, _PERCENT_DECIMALS),
            _number(one.second, _PERCENT_DECIMALS),
            _number(difference.value, _PERCENT_DECIMALS),
            _number(difference.low, _PERCENT_DECIMALS),
            _number(difference.high, _PERCENT_DECIMALS),
            _better(difference.low, difference.high, difference.method, higher, names),
            str(len(one.clips)),
        )
        if n_clips and one.clips:
            of = "similarity to the reference" if one.column.key == "eer_asv_pct" else "its part"
            title = f"{one.column.label}, {of}"
            clips = [clip for clip in one.clips if clip.difference]
            upwards = higher or "similarity" in title
            parts.append(_clips(title, clips, names, n_clips, upwards, _PERCENT_DECIMALS))
    if not differences:
        parts.append(Text("No task was judged of both."))
    return Group(*parts)


def better(one: Paired, names: Sequence[str]) -> str:
    """Which of the two is better by this score, if the interval tells."""
    interval, higher = one.interval, METRICS[one.score.metric].higher_is_better
    return _better(interval.low, interval.high, interval.reason, higher, names)


def _better(
    low: float | None, high: float | None, reason: str, higher: bool, names: Sequence[str]
) -> str:
    if low is None or high is None:
        return reason
    if low <= 0 <= high:
        return "neither: 0 is within"
    return names[0] if (low > 0) == higher else names[1]


def _remarks(differences: Sequence[Paired], names: Sequence[str]) -> list[str]:
    remarks = [
        f"difference: {names[0]} less {names[1]}, clip by clip, averaged as the scores are; 95 % "
        "bootstrap interval; speakers (groups of clips) are drawn."
    ]
    for one in differences:
        if one.interval.n_failed:
            remarks.append(
                f"{one.score.display_name}: {one.interval.n_failed} of {one.interval.n_clips} "
                "clips are left out, which not both have a score of."
            )
    return remarks


def _clips(
    name: str,
    clips: Sequence[ClipDifference],
    names: Sequence[str],
    number: int,
    higher_is_better: bool,
    decimals: int,
) -> Table:
    best, worst = extremes(clips, number, higher_is_better=higher_is_better)
    shown = _table(f"\n{name}: clips of the largest differences")
    shown.add_column("", no_wrap=True)
    shown.add_column("clip", overflow="fold")
    for name in (*names, "difference"):
        shown.add_column(name, justify="right")
    for title, found in (("best", best), ("worst", worst)):
        for clip in found:
            values = (clip.first, clip.second, clip.difference)
            cells = (_number(value, decimals) for value in values)
            shown.add_row(f"{title} for {names[0]}", _clip_name(clip), *cells)
    return shown


def _clip_name(clip: ClipDifference) -> str:
    """Data set and clip; the id of a clip from a folder begins with its data set already."""
    in_id = clip.clip.startswith(f"{clip.dataset}/")
    return clip.clip if in_id else f"{clip.dataset}/{clip.clip}"


def _heading(one: Paired) -> str:
    metric = METRICS[one.score.metric]
    return f"{one.score.display_name} {'↑' if metric.higher_is_better else '↓'}"


def _number(value: float | None, decimals: int) -> str:
    return _NONE if value is None else f"{value:.{decimals}f}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
