"""Rows of the store's table of scores, from cells: the texts of their keys become numbers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from functools import cache

from bench.cells import Cell, Source

_TABLES = {
    "sources": (
        *("suite", "dataset", "dataset_revision", "codec", "codec_revision"),
        *("reader", "resampler"),
    ),
    "clips": ("clip", "clip_sha256"),
    "metrics": ("metric", "metric_version"),
    "origins": ("unit", "host", "libraries"),
}


def _where(table: str) -> str:
    return " AND ".join(f"{column} = ?" for column in _TABLES[table])


PUT = """
INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    value = excluded.value, error = excluded.error, seconds = excluded.seconds,
    origin_id = excluded.origin_id, measured_at = excluded.measured_at
WHERE error IS NOT NULL
"""
"""Insert a row, or replace a failed one; one that has a value stays as it is."""

METRICS = "SELECT id, metric, metric_version FROM metrics"

SCORED_BY_CLIP = f"""
SELECT clip, clip_sha256, metrics FROM (
    SELECT clip_id, group_concat(metric_id) AS metrics FROM scores
    WHERE source_id = (SELECT id FROM sources WHERE {_where("sources")}) AND error IS NULL
    GROUP BY clip_id
) JOIN clips ON clips.id = clip_id
"""
"""A row for each clip of a source with cells that have a value: the numbers of their metrics."""


def by_clip(
    rows: Iterable[tuple[str, str, str]], names: Iterable[tuple[int, str, str]]
) -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
    """(clip, clip_sha256) -> {(metric, metric_version)}; clips of the same metrics share a set.

    Args:
        rows: of `SCORED_BY_CLIP`.
        names: of `METRICS`.
    """
    named = {str(number): (metric, version) for number, metric, version in names}

    @cache
    def metrics_of(numbers: str) -> frozenset[tuple[str, str]]:
        return frozenset(named[number] for number in numbers.split(","))

    return {(clip, sha256): metrics_of(numbers) for clip, sha256, numbers in rows}


def rows_of(
    connection: sqlite3.Connection, source: Source, cells: Iterable[Cell]
) -> Iterator[tuple[object, ...]]:
    """A row for `PUT` of each cell, within a transaction; new texts are written as they come."""

    @cache
    def number(table: str, *texts: str) -> int:
        found = _find(connection, table, texts)
        return _add(connection, table, texts) if found is None else found

    texts_of_source = astuple(source)
    for cell in cells:
        yield (
            number("sources", *texts_of_source),
            number("clips", cell.clip, cell.clip_sha256),
            number("metrics", cell.metric, cell.metric_version),
            cell.value,
            cell.error,
            cell.seconds,
            number("origins", cell.unit, cell.host, cell.libraries),
            cell.measured_at,
        )


def _find(connection: sqlite3.Connection, table: str, texts: tuple[str, ...]) -> int | None:
    query = f"SELECT id FROM {table} WHERE {_where(table)}"
    row = connection.execute(query, texts).fetchone()
    return None if row is None else row[0]


def _add(connection: sqlite3.Connection, table: str, texts: tuple[str, ...]) -> int:
    columns = _TABLES[table]
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) RETURNING id"
    return connection.execute(statement, texts).fetchone()[0]
