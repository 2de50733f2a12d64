"""Figure 1: PESQ against complexity, a circle a codec, its area the bitrate.

Drawn as the paper has it; with what was measured here; with every multiplication counted
instead of those that the paper's counter sees; and against the measured real-time factor.
PESQ of the paper and PESQ measured here are of different data, so they share no panel.

Source: SQCodec paper, Figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bench.report.bubbles import Bubble, Cost, has_network
from bench.report.figures.labels import Circle, Side, sides, spread
from bench.report.figures.style import PAPER_NOTE, Drawn, absent, note, save
from bench.report.palette import FAMILIES, Family, family_of, short_bitrate

_AREA_PER_BPS = 0.026  # points squared
_LEGEND_BPS = (750, 3_000, 12_000, 24_000)
_24_KHZ = "-24khz"
_PESQ = "PESQ ↑"
_BOTTOM, _TOP = 1.0, 4.75
_WIDTH, _HEIGHT = 300.0, 270.0  # of a panel, points, nearly
_PLACES: dict[Side, tuple[tuple[int, int], str, str]] = {
    "right": ((1, 0), "left", "center"),
    "left": ((-1, 0), "right", "center"),
    "below": ((0, -1), "center", "top"),
    "above": ((0, 1), "center", "bottom"),
}


@dataclass(frozen=True)
class Axis:
    """What a figure has on its horizontal axis."""

    name: str
    label: str
    of: Callable[[Cost], float | None]
    missing: str


PUBLISHED = Axis(
    "published",
    "Multiply-accumulates, by the paper's counter (G for 10 s of audio) ←",
    lambda cost: cost.published_gmacs,
    "no multiplications are counted: bench complexity --results results",
)
FULL = Axis(
    "full",
    "Multiply-accumulates, all of them (G for 10 s of audio) ←",
    lambda cost: cost.full_gmacs,
    "results/complexity has no counts: bench complexity --codec ... --results results",
)
REAL_TIME = Axis(
    "real-time",
    "Real-time factor of encoding and decoding, measured, times real time →",
    lambda cost: cost.real_time_factor,
    "no real-time factor was measured: bench complexity --codec ... --results results",
)


def draw_paper(out: Path, bubbles: Sequence[Bubble]) -> Drawn:
    """The paper's figure, from the numbers of its Table 1."""
    paper = [bubble for bubble in bubbles if bubble.source == "paper"]
    caption = "PESQ against complexity, both from the paper's Table 1; area is the bitrate."
    figure = Figure(figsize=(6.4, 4.4))
    axes = figure.subplots()
    _panel(axes, paper, PUBLISHED)
    axes.set_ylabel(_PESQ)
    axes.set_xlabel(PUBLISHED.label)
    _legends(figure, paper)
    note(figure, PAPER_NOTE)
    return save(figure, out, "figure1-paper", caption)


def draw_measured(out: Path, bubbles: Sequence[Bubble], data: str) -> Drawn:
    """What was measured here; codecs without multiplications are lines."""
    name = "figure1-measured"
    caption = (
        "PESQ measured here against complexity by the paper's counter; codecs without a network "
        "are lines."
    )
    measured = [bubble for bubble in bubbles if bubble.source == "measured"]
    if not measured:
        return absent(out, name, caption, "no codec has a PESQ here: bench run --suite signal")
    figure = Figure(figsize=(6.4, 4.4))
    axes = figure.subplots()
    _panel(axes, measured, PUBLISHED)
    axes.set_ylabel(_PESQ)
    axes.set_xlabel(PUBLISHED.label)
    _legends(figure, measured)
    note(figure, f"PESQ measured here: {data}")
    return save(figure, out, name, caption)


def draw_beside(out: Path, bubbles: Sequence[Bubble], axis: Axis, data: str) -> Drawn:
    """The paper's PESQ and ours, a panel each, against a cost that was found out here."""
    name = {"full": "figure1-full-macs", "real-time": "figure1-real-time"}[axis.name]
    caption = {
        "full": "PESQ against all multiply-accumulates, as they were counted here.",
        "real-time": "PESQ against the real-time factor, as it was measured here.",
    }[axis.name]
    if not any(axis.of(bubble.cost) is not None for bubble in bubbles):
        return absent(out, name, caption, axis.missing)
    panels = [
        ("paper's PESQ", [bubble for bubble in bubbles if bubble.source == "paper"]),
        ("PESQ measured here", [bubble for bubble in bubbles if bubble.source == "measured"]),
    ]
    panels = [(title, shown) for title, shown in panels if shown]
    figure = Figure(figsize=(4.6 * len(panels) + 0.4, 4.4))
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    values = [axis.of(bubble.cost) for bubble in bubbles]
    limits = _limits([value for value in values if value is not None])
    for axes, (title, shown) in zip(row, panels, strict=True):
        _panel(axes, shown, axis, limits)
        axes.set_title(title)
    row[0].set_ylabel(_PESQ)
    figure.supxlabel(axis.label, fontsize=9)
    _legends(figure, bubbles)
    # The label of the axis is in the place of the note, which stands above instead.
    figure.suptitle(
        f"{'left: ' if len(panels) > 1 else ''}{PAPER_NOTE}"
        + (f"; right: {data}" if len(panels) > 1 else ""),
        fontsize=7,
        color="#555555",
        x=0.01,
        ha="left",
    )
    unknown = {b.codec for b in bubbles if axis.of(b.cost) is None and has_network(b.codec)}
    if unknown:
        caption += f" Not drawn, cost not known here: {', '.join(sorted(unknown))}."
    return save(figure, out, name, caption)


def _panel(
    axes: Axes, bubbles: Sequence[Bubble], axis: Axis, limits: tuple[float, float] | None = None
) -> None:
    points = [(bubble, axis.of(bubble.cost)) for bubble in bubbles]
    circles = [(bubble, x) for bubble, x in points if x is not None]
    lines = [bubble for bubble, x in points if x is None and not has_network(bubble.codec)]
    axes.set_xscale("log")
    axes.set_xlim(*(limits or _limits([x for _, x in circles])))
    axes.set_ylim(_BOTTOM, _TOP)
    for plain in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        plain(FuncFormatter(lambda value, _: f"{value:g}" if _round(value) else ""))
    for bubble, x in circles:
        family = family_of(bubble.codec)
        axes.scatter(
            x,
            bubble.pesq,
            s=_area(bubble.bitrate_bps),
            color=family.colour,
            alpha=0.75,
            edgecolor="black",
            linewidth=0.6,
            hatch=_hatch(family),
        )
        if bubble.low is not None and bubble.high is not None:
            axes.vlines(x, bubble.low, bubble.high, color="black", linewidth=1)
    _label_circles(axes, circles)
    _draw_lines(axes, lines)


def _label_circles(axes: Axes, circles: Sequence[tuple[Bubble, float]]) -> None:
    """Each circle's bitrate beside it, where it hides least."""
    low, high = axes.get_xlim()
    # The longest first: they find room the least easily.
    placed = sorted(circles, key=lambda circle: (-len(_label(circle[0])), -circle[0].pesq))
    points = [
        Circle(
            x=_WIDTH * math.log(x / low) / math.log(high / low),
            y=_HEIGHT * (bubble.pesq - _BOTTOM) / (_TOP - _BOTTOM),
            radius=_radius(bubble.bitrate_bps) + 2,
            label_width=4.2 * len(_label(bubble)),
            label_height=7,
        )
        for bubble, x in placed
    ]
    for (bubble, x), point, side in zip(placed, points, sides(points), strict=True):
        (right, up), horizontal, vertical = _PLACES[side]
        axes.annotate(
            _label(bubble),
            (x, bubble.pesq),
            xytext=(right * point.radius, up * point.radius),
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize=7,
        )


def _draw_lines(axes: Axes, bubbles: Sequence[Bubble]) -> None:
    """Codecs without a network: a line at their PESQ, named at its right end."""
    labels = spread([bubble.pesq for bubble in bubbles], 0.13)
    for bubble, y in zip(bubbles, labels, strict=True):
        family = family_of(bubble.codec)
        style = ":" if family.anchor else "--"
        axes.axhline(bubble.pesq, color=family.colour, linestyle=style, linewidth=1.3, zorder=1)
        axes.annotate(
            f"{bubble.codec} ({short_bitrate(bubble.bitrate_bps)})",
            (1, bubble.pesq),
            xytext=(1.02, y),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=7,
            annotation_clip=False,
        )


def _round(value: float) -> bool:
    """1, 2 or 5 of a power of ten: the numbers that a logarithmic axis has room for."""
    return f"{value:e}"[0] in "125"


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """A decade around the values at least, with room for circles and labels."""
    low, high = min(values, default=1.0), max(values, default=100.0)
    room = 1.7 if high / low > 5 else 3.2
    return low / room, high * room


def _legends(figure: Figure, bubbles: Sequence[Bubble]) -> None:
    """Families, and what the areas mean; beside the axes, so that they hide nothing."""
    present = {family_of(bubble.codec).key for bubble in bubbles if has_network(bubble.codec)}
    families = [
        Patch(
            facecolor=family.colour,
            edgecolor="black",
            linewidth=0.6,
            hatch=_hatch(family),
            label=family.label,
        )
        for family in FAMILIES
        if family.key in present
    ]
    areas = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            color="white",
            markeredgecolor="black",
            markeredgewidth=0.6,
            markersize=2 * _radius(bitrate_bps),
            label=f"{short_bitrate(bitrate_bps)} bit/s",
        )
        for bitrate_bps in _LEGEND_BPS
    ]
    figure.legend(handles=families, loc="outside right upper", fontsize=7.5, borderaxespad=1.5)
    figure.legend(
        handles=areas,
        loc="outside right lower",
        fontsize=7.5,
        labelspacing=2.2,
        handletextpad=1.4,
        borderpad=2.0,
    )


def _area(bitrate_bps: float) -> float:
    """Of a circle, points squared."""
    return _AREA_PER_BPS * bitrate_bps + 12


def _radius(bitrate_bps: float) -> float:
    return math.sqrt(_area(bitrate_bps) / math.pi)


def _hatch(family: Family) -> str | None:
    """DAC's two models share a colour."""
    return "////" if family.key == "dac-24k" else None


def _label(bubble: Bubble) -> str:
    rate = " (24 kHz)" if bubble.codec.endswith(_24_KHZ) else ""
    return short_bitrate(bubble.bitrate_bps) + rate
