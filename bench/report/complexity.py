"""Complexity on the screen and as JSON: the paper's figures, ours by its protocol, and in full.

The JSON goes to ``<results>/complexity/<codec>.json``; ``docs/complexity.md`` has its fields. Its
figures are counts and seconds, and its layers sum to the total beside them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.files import replace_json
from bench.report.paper import PaperRow, paper_complexity

if TYPE_CHECKING:
    from bench.complexity import Complexity
    from bench.speed import Speed

SCHEMA_VERSION = 2
PARTS = ("encoder", "quantizer", "decoder")

_GIGA, _MEGA, _MEBI = 1e9, 1e6, 2**20
_NONE = "-"
_SPEED_COLUMNS = ("encode", "decode", "median of", "threads", "peak MiB")
_REMARKS = (
    "paper: Table 1, its authors' figures. by its protocol: counted here as ptflops 0.7.3 does, "
    "with their padding and weight normalisation.",
    "in full: every product of convolutions, matrices, attention and LSTMs; with the padding and "
    "code of the paper's authors, and as the codec runs here: encoder, quantizer and decoder.",
    "Why the columns differ: docs/complexity.md",
)


def complexity_table(found: Sequence[Complexity]) -> RenderableType:
    """A row a codec."""
    shown = _table(f"G multiply-accumulates on {found[0].duration_s:g} s of audio")
    shown.add_column("codec", no_wrap=True)
    for column in (
        "parameters\nM",
        "paper\nM",
        "paper\nG",
        "by its\nprotocol",
        "in full, as\nits authors",
        "in full,\nhere",
        *PARTS,
    ):
        shown.add_column(column, justify="right", no_wrap=True)
    for one in found:
        paper = paper_complexity(one.codec, one.sample_rate)
        shown.add_row(
            Text(one.codec, style="bold"),
            f"{one.n_parameters / _MEGA:.2f}",
            *(Text(text, style="dim") for text in _of_paper(paper)),
            _giga(one.macs_by_paper),
            _giga(one.macs_as_counted),
            _giga(one.macs),
            *(_giga(one.macs_of(part)) for part in PARTS),
        )
    remarks = [Text(remark, style="dim") for remark in _REMARKS]
    return Group(shown, *remarks, _second_table(found))


def layers_table(one: Complexity) -> RenderableType:
    """A row a layer, and their sum."""
    shown = _table(f"{one.codec}: every layer, as it runs here")
    shown.add_column("part")
    shown.add_column("layer", overflow="fold")
    shown.add_column("M multiply-accumulates", justify="right")
    for layer in one.layers:
        shown.add_row(layer.part, layer.name, f"{layer.macs / _MEGA:,.2f}")
    shown.add_row("all", "", f"{one.macs / _MEGA:,.2f}", style="bold")
    return shown


def write(one: Complexity, folder: Path) -> Path:
    """Write the JSON below `folder`, whole or not at all, and return its path.

    Raises:
        OSError: the file cannot be written.
    """
    path = folder / "complexity" / f"{one.codec}.json"
    paper = paper_complexity(one.codec, one.sample_rate)
    content = {
        "schema": SCHEMA_VERSION,
        "codec": one.codec,
        "sample_rate": one.sample_rate,
        "duration_s": one.duration_s,
        "n_parameters": one.n_parameters,
        "macs_by_paper": one.macs_by_paper,
        "macs": one.macs,
        "macs_by_part": {part: one.macs_of(part) for part in PARTS},
        "macs_as_counted": one.macs_as_counted,
        "macs_as_counted_by_part": {part: one.macs_of(part, as_counted=True) for part in PARTS},
        "paper": None if paper is None else paper.scores,
        "measured": None if one.speed is None else {"speed": asdict(one.speed)},
        "layers": {
            part: {layer.name: layer.macs for layer in one.layers if layer.part == part}
            for part in PARTS
        },
    }
    if one.look_ahead_s is not None:
        content["look_ahead_s"] = None if math.isinf(one.look_ahead_s) else one.look_ahead_s
    return replace_json(path, content)


def _second_table(found: Sequence[Complexity]) -> Table:
    """The look-ahead of each codec, and its speed where that was measured."""
    timed = any(one.speed for one in found)
    shown = _table("with random weights; encode, decode: times real time" if timed else "")
    shown.add_column("codec", no_wrap=True)
    for column in ("look-ahead", *(_SPEED_COLUMNS if timed else ())):
        shown.add_column(column, justify="right")
    for one in found:
        speed = _speed(one.speed) if timed else ()
        shown.add_row(Text(one.codec, style="bold"), _ahead(one.look_ahead_s), *speed)
    return shown


def _speed(speed: Speed | None) -> tuple[str, ...]:
    """The columns of what was measured."""
    if speed is None:
        return (_NONE,) * len(_SPEED_COLUMNS)
    peak = speed.peak_memory_bytes
    return (
        f"{speed.encode:.1f}",
        f"{speed.decode:.1f}",
        str(speed.n_turns),
        str(speed.n_threads),
        _NONE if peak is None else f"{peak / _MEBI:,.0f}",
    )


def _ahead(seconds: float | None) -> str:
    if seconds is None:
        return _NONE
    return "whole clip" if math.isinf(seconds) else f"{1000 * seconds:.1f} ms"


def _of_paper(paper: PaperRow | None) -> tuple[str, str]:
    if paper is None:
        return _NONE, _NONE
    return f"{paper.scores['params_m']:.2f}", f"{paper.scores['macs_g']:.2f}"


def _giga(macs: int) -> str:
    return f"{macs / _GIGA:.2f}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
