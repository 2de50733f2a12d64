"""What `bench reproduce` found: as a table and lines for the terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.reproduce import Comparison, Difference
from bench.run_record import RunRecord, Value

_MOST_LINES = 12


def listed(lines: Sequence[object], what: str) -> list[str]:
    """Lines, of which the last says how many more `what` there are where they are many."""
    rest = len(lines) - _MOST_LINES
    return [*map(str, lines[:_MOST_LINES]), *([f"and {rest} more {what}"] if rest > 0 else [])]


def verdict(
    record: RunRecord, inputs: Sequence[Difference], comparisons: Sequence[Comparison]
) -> RenderableType:
    """A line where all is well; a table of what differs, and the first cells, where it is not."""
    n_cells = sum(one.n_cells for one in comparisons)
    differing = [one for one in comparisons if one.different]
    n_different = sum(len(one.different) for one in differing)
    codecs = ", ".join(codec.name for codec in record.codecs)
    data = " and ".join(dict.fromkeys(part.dataset for part in record.parts if part.columns))
    of = f"of {codecs} on {data}"
    how = _how(comparisons)
    if not differing:
        sure = all(one.n_computed == one.n_cells for one in comparisons)
        said = f"{n_cells:,} cells {of}: no difference; {how}"
        same = Text(said, style="green" if sure else "yellow")
        if not inputs:
            return same
        other = Text(f"inputs that differ: {len(inputs)}, said above", style="bold red")
        return Group(same, other)
    head = Text(f"{n_different:,} of {n_cells:,} cells {of} differ; {how}", style="bold red")
    lines = [
        Text(f"  {one.codec} {one.metric}{f'  {cell.clip}' if cell.clip else ''}: manifest says ")
        .append(_said(cell.manifest))
        .append(f", here {_said(cell.here)}")
        for one in differing
        for cell in one.different
    ]
    shown = lines[:_MOST_LINES]
    if len(lines) > len(shown):
        shown.append(Text(f"  and {len(lines) - len(shown):,} more cells, which --json lists"))
    return Group(_table(differing), head, *shown)


def reproduction_json(
    manifest: Path,
    inputs: Sequence[Difference],
    surroundings: Sequence[Difference],
    comparisons: Sequence[Comparison] | None,
) -> dict[str, Any]:
    """All that was found, for programs.

    Args:
        manifest: the file.
        inputs, surroundings: what differs.
        comparisons: of cells; None where none was computed.
    """
    compared = comparisons or ()
    n_different = sum(len(one.different) for one in compared)
    return {
        "manifest": str(manifest),
        "same": not inputs and not n_different and comparisons is not None,
        "inputs": list(map(asdict, inputs)),
        "surroundings": list(map(asdict, surroundings)),
        "computed": comparisons is not None,
        "n_cells": sum(one.n_cells for one in compared),
        "n_computed": sum(one.n_computed for one in compared),
        "n_in_store_already": sum(one.n_cells for one in compared if one.was_there),
        "n_different": n_different,
        "columns": [
            {**asdict(one), "different": list(map(asdict, one.different))} for one in compared
        ],
    }


def _how(comparisons: Sequence[Comparison]) -> str:
    """How many cells were computed now, how they were compared, and why not exactly."""
    now = [one for one in comparisons if not one.was_there]
    before = [one for one in comparisons if one.was_there]
    n_cells = sum(one.n_cells for one in comparisons)
    n_computed = sum(one.n_computed for one in now)
    n_before = sum(one.n_cells for one in before)
    said = [f"{n_computed:,} of {n_cells:,} computed now"]
    if n_computed:
        said[0] += f", compared {_limits(now)}"
    if n_before:
        within = " (compared within tolerances)" if any(one.tolerance for one in before) else ""
        said.append(f"{n_before:,} were in the store already{within}")
    if n_before and not n_computed:
        said.append("so nothing was checked but that store")
    return "; ".join(said)


def _limits(comparisons: Sequence[Comparison]) -> str:
    if not any(one.tolerance for one in comparisons):
        return "exactly"
    reasons = dict.fromkeys(
        word for one in comparisons for word in one.inexact_because.split(", ") if word
    )
    why = f", since these differ: {', '.join(reasons)}" if reasons else ""
    return f"within tolerances{why}"


def _table(differing: Sequence[Comparison]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("part", "codec", "metric"):
        shown.add_column(name, overflow="fold")
    for name in ("cells", "differ", "largest difference", "tolerance"):
        shown.add_column(name, justify="right")
    for one in differing:
        largest = "-" if one.largest is None else f"{one.largest:.3g}"
        shown.add_row(
            Text(one.part),
            Text(one.codec, style="bold"),
            Text(one.metric),
            f"{one.n_cells:,}",
            f"{len(one.different):,}",
            largest,
            f"{one.tolerance:g}" if one.tolerance else "exact",
        )
    return shown


def _said(value: Value) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)
