"""Ablations that were trained here: from the JSON of `bench ablate` to tables and curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table as RichTable

from bench.report.ablation_file import SCHEMA_VERSION, AblationFile
from bench.report.checked import parsed
from bench.report.files import replace_text
from bench.report.stored import StoredResultError
from bench.report.tables import csv_file, latex, markdown, paper, trained_ablation
from bench.report.tables.configurations import ABLATION_ROW
from bench.report.tables.markdown import interval_text
from bench.report.tables.model import Cell, Table

FOLDER = "ablation"

_CHECKOUT_RESULTS = Path(__file__).parents[2] / "results"


@dataclass(frozen=True)
class Paper:
    """What of the paper stands beside: its Table 3, and the hours that its models heard."""

    table: Table | None = None
    hours: float | None = None

    @classmethod
    def of(cls, results: Path) -> Paper:
        """From a folder of results; nothing where the paper's numbers are not in it."""
        try:
            published = paper.tables(results)
        except StoredResultError:
            return cls()
        tables = {table.name: table for table in published}
        configured = tables["table5-configurations"]
        place = next(
            n for n, column in enumerate(configured.columns) if column.key == "training_hours"
        )
        hours = {row.key: row.cells[place].value for row in configured.rows()}
        return cls(tables["table3-ablation"], hours.get(ABLATION_ROW))


def read(path: Path, beside: Paper) -> tuple[dict[str, Any], Table]:
    """The JSON of an ablation, and its table.

    Raises:
        StoredResultError: it is no such file, of another schema, or contradicts itself.
    """
    try:
        data = path.read_bytes()
        parsed(data, AblationFile, SCHEMA_VERSION)
        content = json.loads(data)
        return content, table_of(content, beside)
    except (OSError, ValueError, KeyError) as error:
        raise StoredResultError(
            f"{path}: no ablation that can be read: {type(error).__name__}: {error}"
        ) from error


def table_of(content: Mapping[str, Any], beside: Paper) -> Table:
    """Table 3 of an ablation."""
    return trained_ablation.trained_table(content, beside.table, beside.hours)


def stored(results: Path) -> dict[str, tuple[dict[str, Any], Table]]:
    """The ablations below the folder `results`, by name.

    Raises:
        StoredResultError: one of them cannot be used.
    """
    beside = Paper.of(results)
    paths = sorted((results / FOLDER).glob("*.json"))
    return {path.stem: read(path, beside) for path in paths}


def write_table(table: Table, folder: Path, name: str) -> list[Path]:
    """Write a table as ``name.md``, ``name.csv`` and ``name.tex``, and return the paths."""
    named = replace(table, name=name)
    texts = {
        "md": markdown.render(named),
        "csv": csv_file.render(named),
        "tex": latex.render(named, "trained-here"),
    }
    return [replace_text(folder / f"{name}.{suffix}", text) for suffix, text in texts.items()]


def write(content: Mapping[str, Any], out: Path) -> tuple[Table, list[Path]]:
    """Write the table and the curves of an ablation into its own folder.

    Returns:
        The table, and the files.
    """
    from bench.report.figures import ablation as curves
    from bench.report.figures.style import styled

    table = table_of(content, Paper.of(_CHECKOUT_RESULTS))
    files = write_table(table, out, table.name)
    with styled():
        files += curves.draw(out, "curves", content).files
    return table, files


def terminal(table: Table) -> RichTable:
    """The table for the screen."""
    made = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in (table.label, ""):
        made.add_column(heading)
    for column in table.columns:
        made.add_column(column.heading, justify="right")
    letters = table.footnotes
    for row in table.rows():
        cells = (_shown(cell, table, letters) for cell in row.cells)
        made.add_row(row.label, row.source, *cells)
    made.caption = "\n".join(
        [*table.notes, *(f"{letter}: {reason}" for reason, letter in letters.items())]
    )
    made.caption_justify = "left"
    return made


def _shown(cell: Cell, table: Table, letters: Mapping[str, str]) -> str:
    if cell.reason:
        return f"- {letters[cell.reason]}"
    parts = (cell.text, interval_text(cell, table).replace("[", r"\["), cell.remark)
    return "\n".join(part for part in parts if part)
