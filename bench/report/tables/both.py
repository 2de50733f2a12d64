"""The paper's numbers, ours, and the difference, one below the other in the same columns."""

from __future__ import annotations

from dataclasses import replace

from bench.report.tables.model import Cell, Column, Group, Row, Table, shown

PAPER, OURS, DIFFERENCE = "paper", "ours", "ours - paper"
NOT_OURS = "not measured here"

_NOTE = (
    "The difference is between two measurements on different data with different weights: it says "
    "how far apart they are, not how well the paper is reproduced."
)


def both(paper: Table, ours: Table) -> Table:
    """Three lines a row of the paper.

    Args:
        paper: its own numbers.
        ours: with at least the paper's columns; its other rows and columns are left out.
    """
    own = {row.key: row for row in ours.rows()}
    places = [
        next(n for n, column in enumerate(ours.columns) if column.key == wanted.key)
        for wanted in paper.columns
    ]
    groups = []
    for group in paper.groups:
        rows: list[Row] = []
        for row in group.rows:
            mine = own.get(row.key)
            cells = tuple(mine.cells[place] if mine else Cell(reason=NOT_OURS) for place in places)
            between = tuple(map(_difference, row.cells, cells, paper.columns))
            rows += [
                replace(row, source=PAPER),
                Row(row.label, row.key, cells, OURS, mine.remark if mine else ""),
                Row(row.label, row.key, between, DIFFERENCE),
            ]
        groups.append(Group(group.name, tuple(rows)))
    notes = (*paper.notes, _NOTE, *ours.notes)
    return replace(paper, groups=tuple(groups), notes=tuple(dict.fromkeys(notes)))


def _difference(paper: Cell, ours: Cell, column: Column) -> Cell:
    if ours.reason:
        return Cell(reason=ours.reason)
    if paper.reason:
        return Cell(reason=paper.reason)
    if paper.value is not None and ours.value is not None:
        difference = ours.value - paper.value
        text = shown(difference, column.decimals)
        signed = text if text.startswith("-") or float(text) == 0 else f"+{text}"
        return Cell(signed, difference)
    return Cell("same" if paper.text == ours.text else "differs")
