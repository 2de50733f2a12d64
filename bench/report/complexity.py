"""Complexity on the screen and as JSON: the paper's figures, ours by its protocol, and in full.

The JSON goes to ``<results>/complexity/<codec>.json``; its figures are counts and seconds, its
layers sum to the totals beside them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.paper import PaperRow, paper_complexity

if TYPE_CHECKING:
    from bench.complexity import Complexity

SCHEMA_VERSION = 1
PARTS = ("encoder", "quantizer", "decoder")

_GIGA, _MEGA, _MEBI = 1e9, 1e6, 2**20
_NONE = "-"
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
    return Group(shown, *remarks, *([_measured_table(found)] if found[0].measured else []))


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
    path.parent.mkdir(parents=True, exist_ok=True)
    paper = paper_complexity(one.codec, one.sample_rate)
    content = {
        "schema": SCHEMA_VERSION,
        **asdict(one),
        "macs": one.macs,
        "macs_by_part": {part: one.macs_of(part) for part in PARTS},
        "macs_as_counted": one.macs_as_counted,
        "paper": None if paper is None else paper.scores,
    }
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _measured_table(found: Sequence[Complexity]) -> Table:
    shown = _table("measured here: times real time, with random weights")
    shown.add_column("codec", no_wrap=True)
    for column in ("encode", "decode", "median of", "threads", "peak MiB", "look-ahead"):
        shown.add_column(column, justify="right")
    for one in found:
        if one.measured is None:
            continue
        speed, ahead_s = one.measured.speed, one.measured.look_ahead_s
        peak = speed.peak_memory_bytes
        shown.add_row(
            Text(one.codec, style="bold"),
            f"{speed.encode:.1f}",
            f"{speed.decode:.1f}",
            str(speed.n_turns),
            str(speed.n_threads),
            _NONE if peak is None else f"{peak / _MEBI:,.0f}",
            "whole clip" if ahead_s is None else f"{1000 * ahead_s:.1f} ms",
        )
    return shown


def _of_paper(paper: PaperRow | None) -> tuple[str, str]:
    if paper is None:
        return _NONE, _NONE
    return f"{paper.scores['params_m']:.2f}", f"{paper.scores['macs_g']:.2f}"


def _giga(macs: int) -> str:
    return f"{macs / _GIGA:.2f}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
