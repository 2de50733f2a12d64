"""All tables as files: ``<out>/tables/<view>/<table>.{md,csv,tex}``.

Views are ``paper``, ``ours`` and ``both``. ``tables.tex`` of each folder is a document of its
tables. The same results give the same bytes; each file is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.names import UnknownNameError
from bench.report.files import replace_text
from bench.report.tables import csv_file, latex, markdown, paper
from bench.report.tables.both import both
from bench.report.tables.model import Table

if TYPE_CHECKING:
    from bench.report.tables.measured import Measured

VIEWS = {
    "paper": "the paper's numbers",
    "ours": "measured here",
    "both": "the paper's numbers and ours",
}


def of_paper(results: Path) -> dict[str, tuple[Table, ...]]:
    """The view of the paper's numbers alone: view -> tables.

    Raises:
        StoredResultError: the paper's numbers are missing or damaged.
    """
    return {"paper": paper.tables(results)}


def of_all(
    results: Path, unavailable: Mapping[str, str], data: str | None
) -> tuple[dict[str, tuple[Table, ...]], Measured]:
    """All three views, and what ours were made of.

    Args:
        results: the folder of results.
        unavailable: why codecs cannot run here, by name.
        data: the data set of ours; None for the one with the most codecs.

    Raises:
        StoredResultError: a file below `results` is damaged, or the paper's numbers are missing.
        UnknownNameError: nothing is stored of that data set.
    """
    from bench.report.tables import application, measured
    from bench.report.tables.ablation import ablation_table
    from bench.report.tables.configurations import configurations_table, training_data_table
    from bench.report.tables.scores import application_table, signal_table

    if data is not None:
        stored = [*results.glob("signal/*/*.json"), *results.glob("application/*/*.json")]
        known = dict.fromkeys(sorted(path.parent.name for path in stored))
        if data not in known:
            raise UnknownNameError("data set with results", data, known)
    published = paper.tables(results)
    signal, applied, ablated, trained, configured = published
    found = measured.load(results, unavailable, data)
    tasks = application.load(results, data)
    ours = (
        signal_table(signal, found),
        application_table(applied, found, tasks),
        ablation_table(ablated, found, tasks),
        training_data_table(trained, found),
        configurations_table(configured, found),
    )
    pairs = zip(published, ours, strict=True)
    views = {"paper": published, "ours": ours, "both": tuple(both(*pair) for pair in pairs)}
    return views, found


def write(views: dict[str, tuple[Table, ...]], out: Path) -> list[Path]:
    """Write every table of every view in every format, and return the paths.

    Raises:
        OSError: a file cannot be written.
    """
    written = []
    for view, tables in views.items():
        folder = out / "tables" / view
        for table in tables:
            titled = _titled(table, view)
            texts = {
                "md": markdown.render(titled),
                "csv": csv_file.render(table),
                "tex": latex.render(titled, view),
            }
            for suffix, text in texts.items():
                written.append(replace_text(folder / f"{table.name}.{suffix}", text))
        document = latex.document([table.name for table in tables])
        written.append(replace_text(folder / "tables.tex", document))
    return written


def _titled(table: Table, view: str) -> Table:
    return replace(table, title=f"{table.title}: {VIEWS[view]}")
