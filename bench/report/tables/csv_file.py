"""A table as CSV, for programs: numbers unrounded, bounds and reasons in columns of their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from bench.report.tables.model import Cell, Row, Table


def render(table: Table) -> str:
    """The text of the file.

    Columns: ``group``, ``source`` where rows have one, ``codec`` (or what else rows are matched
    by), the label, every column of the table (with ``_low`` and ``_high`` where a cell has an
    interval, ``_remark`` where one has a remark), ``best`` (columns in which the row is the best
    of its group), ``reasons`` (why cells are empty), ``stands_for``.
    """
    with_bounds = {
        column.key
        for number, column in enumerate(table.columns)
        if any(row.cells[number].low is not None for row in table.rows())
    }
    with_remarks = {
        column.key
        for number, column in enumerate(table.columns)
        if any(row.cells[number].remark for row in table.rows())
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["group", *(["source"] if table.has_sources else []), "key", table.label.lower()]
    for column in table.columns:
        bounds = (f"{column.key}_low", f"{column.key}_high") if column.key in with_bounds else ()
        remarks = (f"{column.key}_remark",) if column.key in with_remarks else ()
        head += [column.key, *bounds, *remarks]
    writer.writerow([*head, "best", "reasons", "stands_for"])
    for group in table.groups:
        for row in group.rows:
            own = [group.name, *([row.source] if table.has_sources else []), row.key, row.label]
            fields = _fields(row, table, with_bounds, with_remarks)
            writer.writerow([*own, *fields, *_said(row, table)])
    return text.getvalue()


def _fields(row: Row, table: Table, with_bounds: set[str], with_remarks: set[str]) -> Iterator[str]:
    for column, cell in zip(table.columns, row.cells, strict=True):
        yield cell.text if cell.value is None else _digits(cell.value)
        if column.key in with_bounds:
            yield from map(_bound, (cell.low, cell.high))
        if column.key in with_remarks:
            yield cell.remark


def _said(row: Row, table: Table) -> tuple[str, str, str]:
    pairs: list[tuple[str, Cell]] = [
        (column.key, cell) for column, cell in zip(table.columns, row.cells, strict=True)
    ]
    best = " ".join(key for key, cell in pairs if cell.bold)
    reasons: dict[str, list[str]] = {}
    for key, cell in pairs:
        if cell.reason:
            reasons.setdefault(cell.reason, []).append(key)
    why = "; ".join(f"{', '.join(keys)}: {reason}" for reason, keys in reasons.items())
    return best, why, row.remark


def _bound(value: float | None) -> str:
    return "" if value is None else _digits(value)


def _digits(value: float) -> str:
    return f"{value:.10g}"
