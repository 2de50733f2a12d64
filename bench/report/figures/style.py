"""How figures look, and how they are saved: PNG, SVG and PDF, the same bytes every time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from bench.metrics import Metric

FORMATS = ("png", "svg", "pdf")
PAPER_NOTE = "PESQ as the paper's Table 1 has it: Codec-SUPERB's data, the authors' weights"

_DPI = 160
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "svg.hashsalt": "sqcodec-bench",  # ids of an SVG are random without one
    "pdf.fonttype": 42,
    "figure.constrained_layout.use": True,
}
# The time of drawing would make every drawing another file.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@dataclass(frozen=True)
class Drawn:
    """A figure, or why there is none.

    Attributes:
        name: of its files, without their suffixes.
        caption: what it shows, of what data.
        files: none where it was not drawn.
        reason: why it was not drawn; "" where it was.
    """

    name: str
    caption: str
    files: tuple[Path, ...] = ()
    reason: str = ""


@contextmanager
def styled() -> Iterator[None]:
    """Within, figures have the report's look, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def save(figure: Figure, out: Path, name: str, caption: str) -> Drawn:
    """Write a figure in every format, each file whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for kind in FORMATS:
        path = out / f"{name}.{kind}"
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            figure.savefig(temporary, format=kind, dpi=_DPI, metadata=_METADATA[kind])
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        files.append(path)
    return Drawn(name, caption, tuple(files))


def absent(out: Path, name: str, caption: str, reason: str) -> Drawn:
    """Say why a figure is not drawn; one of an earlier run would be of other data, and goes."""
    for kind in FORMATS:
        (out / f"{name}.{kind}").unlink(missing_ok=True)
    return Drawn(name, caption, reason=reason)


def arrow(metric: Metric) -> str:
    """Which way is better."""
    return "↑" if metric.higher_is_better else "↓"


def note(figure: Figure, text: str) -> None:
    """A line below a figure that says what data it is of."""
    figure.supxlabel(text, fontsize=7, color="#555555", x=0.01, ha="left")
