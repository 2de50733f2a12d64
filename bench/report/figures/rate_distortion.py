"""Rate-distortion curves: every score against the bits that were really sent.

A family of codecs is joined by a line, with its 95 % intervals as a band; anchors, which save
no bits, are horizontal lines where a score has room for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from bench.metrics import METRICS
from bench.report.figures.style import Drawn, absent, arrow, note, save
from bench.report.palette import Family, family_of, short_bitrate
from bench.report.results import Result
from bench.suites import SIGNAL

_NAME = "rate-distortion"
_CAPTION = "Every score against the measured bit/s; bands are 95 % intervals."
# An exact copy's SDR is rounding, and no quantity; see bench.report.summary.
_LARGEST_SDR_DB = 60.0
_TICKS_BPS = (375, 750, 1_500, 3_000, 6_000, 12_000, 24_000, 48_000, 96_000)


@dataclass(frozen=True)
class _Point:
    bitrate_bps: float
    mean: float
    low: float | None
    high: float | None


def draw(out: Path, measured: Sequence[Result], data: str) -> Drawn:
    """A panel a score."""
    if not measured:
        return absent(out, _NAME, _CAPTION, "no codec was measured: bench run --suite signal")
    figure = Figure(figsize=(9.0, 5.4))
    grid = figure.subplots(2, 3, sharex=True)
    limits = _limits(measured)
    for axes, score in zip(grid.flat, SIGNAL.scores, strict=True):
        metric = METRICS[score.metric]
        curves = _curves(measured, score.name)
        for family, points in curves.items():
            _curve(axes, family, points)
        unit = f" ({metric.unit})" if metric.unit == "dB" else ""
        axes.set_title(f"{score.display_name}{unit} {arrow(metric)}")
        axes.set_xscale("log")
        axes.set_xlim(*limits)
        axes.set_xticks([x for x in _TICKS_BPS if limits[0] <= x <= limits[1]])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short_bitrate(x)))
        axes.xaxis.set_minor_locator(NullLocator())
    for axes in grid[1]:
        axes.set_xlabel("measured bit/s")
    handles = {
        label: handle
        for axes in grid.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=7)
    note(figure, data)
    return save(figure, out, _NAME, _CAPTION)


def _limits(measured: Sequence[Result]) -> tuple[float, float]:
    """The bit/s of all codecs but the anchors, with some room."""
    rates = [
        result.measured_bitrate_bps
        for result in measured
        if result.measured_bitrate_bps and not family_of(str(result.codec["name"])).anchor
    ]
    return min(rates, default=1_000) / 1.2, max(rates, default=10_000) * 1.2


def _curves(measured: Sequence[Result], name: str) -> dict[Family, list[_Point]]:
    """The points of a score by family, in the order of their bitrate."""
    curves: dict[Family, list[_Point]] = defaultdict(list)
    for result in measured:
        bitrate_bps = result.measured_bitrate_bps
        for score in result.scores:
            if score.name != name or score.mean is None or bitrate_bps is None:
                continue
            if score.metric == "sdr" and score.mean > _LARGEST_SDR_DB:
                continue
            family = family_of(str(result.codec["name"]))
            curves[family].append(_Point(bitrate_bps, score.mean, score.low, score.high))
    return {
        family: sorted(points, key=lambda point: point.bitrate_bps)
        for family, points in sorted(curves.items(), key=lambda item: item[0].label)
    }


def _curve(axes: Axes, family: Family, points: Sequence[_Point]) -> None:
    if family.anchor:
        axes.axhline(points[0].mean, color=family.colour, linestyle=":", label=family.label)
        return
    x = [point.bitrate_bps for point in points]
    axes.plot(
        x,
        [point.mean for point in points],
        color=family.colour,
        marker=family.marker,
        markeredgecolor="black",
        markeredgewidth=0.5,
        label=family.label,
    )
    bounded = [point for point in points if point.low is not None and point.high is not None]
    low = [point.low or 0.0 for point in bounded]
    high = [point.high or 0.0 for point in bounded]
    if len(bounded) > 1:
        band = [point.bitrate_bps for point in bounded]
        axes.fill_between(band, low, high, color=family.colour, alpha=0.25, linewidth=0)
    elif bounded:  # a band of one point would have no width
        axes.vlines(bounded[0].bitrate_bps, low, high, color=family.colour, linewidth=4, alpha=0.4)
