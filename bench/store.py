"""The store: one SQLite table of cells, each a single score with all of its provenance.

A cell is one metric of one clip through one codec. Its key is what decided its value: suite,
dataset, dataset revision, clip and the hash of its file; codec, codec revision and the
resampler around it ("" for a codec that takes any rate); metric and metric version. A change
of any of them makes a new cell beside the old one. A cell holds a value or the error that
stands in its place, never both. Nothing is averaged before it is stored.

Writing replaces a cell of the same key, in one transaction per `put`, so that whatever was
put survives an interrupted run whole.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

DEFAULT_PATH = Path(".bench") / "store.sqlite"
"""Under the current directory: a store belongs to the work done there."""

SCHEMA_VERSION = 1

_CREATE = """
CREATE TABLE IF NOT EXISTS cells (
    suite            TEXT NOT NULL,
    dataset          TEXT NOT NULL,
    dataset_revision TEXT NOT NULL,
    clip             TEXT NOT NULL,
    clip_sha256      TEXT NOT NULL,
    codec            TEXT NOT NULL,
    codec_revision   TEXT NOT NULL,
    resampler        TEXT NOT NULL,
    metric           TEXT NOT NULL,
    metric_version   TEXT NOT NULL,
    value            REAL,
    unit             TEXT NOT NULL,
    error            TEXT,
    seconds          REAL NOT NULL,
    host             TEXT NOT NULL,
    libraries        TEXT NOT NULL,
    measured_at      TEXT NOT NULL,
    PRIMARY KEY (suite, dataset, dataset_revision, codec, codec_revision, resampler,
                 clip, clip_sha256, metric, metric_version),
    CHECK ((value IS NULL) <> (error IS NULL))
) WITHOUT ROWID
"""


class StoreError(RuntimeError):
    """The store cannot be used; the message is one line saying why and what to do."""


@dataclass(frozen=True)
class Source:
    """What one run of a suite over a dataset with a codec has in common: part of a cell's key.

    Attributes:
        suite, dataset, dataset_revision: what was asked and on what data.
        codec, codec_revision: the codec and a hash of what decides its output.
        resampler: what changes rates around the codec, "" where nothing does.
    """

    suite: str
    dataset: str
    dataset_revision: str
    codec: str
    codec_revision: str
    resampler: str


@dataclass(frozen=True)
class Cell:
    """One metric of one clip: a value, or the error why there is none.

    Attributes:
        clip, clip_sha256: the clip's id in its dataset and the hash of its file.
        metric, metric_version: what was computed, and by what.
        value: the score in `unit`, None where `error` says why.
        seconds: what it took to compute.
        host: the machine it was computed on.
        libraries: versions of the libraries at work, a JSON object.
        measured_at: when, ISO 8601 in UTC.
    """

    clip: str
    clip_sha256: str
    metric: str
    metric_version: str
    value: float | None
    unit: str
    error: str | None
    seconds: float
    host: str
    libraries: str
    measured_at: str

    def __post_init__(self) -> None:
        if (self.value is None) == (self.error is None):
            raise ValueError(f"a cell has a value or an error, got {self.value} and {self.error}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a cell's value must be finite, got {self.value}")


_SOURCE_COLUMNS = [field.name for field in fields(Source)]
_CELL_COLUMNS = [field.name for field in fields(Cell)]
_WHERE_SOURCE = " AND ".join(f"{column} = ?" for column in _SOURCE_COLUMNS)


class Store:
    """Cells on disk. A context manager; every `put` is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        """Open the store at `path`, creating it and its folder where they are missing.

        Raises:
            StoreError: no store can be made there, the file is no store, or a newer
                version of this program wrote it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open a store at {path}: {error}") from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._connection.close()
            raise StoreError(f"{path} cannot be used as a store: {error}") from error
        except StoreError:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        with closing(self._connection.execute("PRAGMA user_version")) as cursor:
            (version,) = cursor.fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path} was written by a newer version of bench (its schema is {version}, "
                f"this one knows {SCHEMA_VERSION}): update bench or choose another --store"
            )
        if version == 0:
            with self._connection:
                self._connection.execute(_CREATE)
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def put(self, source: Source, cells: Iterable[Cell]) -> None:
        """Write cells, replacing those of the same key, all of them or none.

        Raises:
            StoreError: the disk is full or the store cannot be written.
        """
        columns = _SOURCE_COLUMNS + _CELL_COLUMNS
        statement = (
            f"INSERT OR REPLACE INTO cells ({', '.join(columns)}) "
            f"VALUES ({', '.join('?' * len(columns))})"
        )
        try:
            with self._connection:
                self._connection.executemany(
                    statement, [astuple(source) + astuple(cell) for cell in cells]
                )
        except sqlite3.Error as error:
            raise StoreError(f"cannot write to the store: {error}") from error

    def scored(self, source: Source) -> set[tuple[str, str, str, str]]:
        """The cells that have a value, as (clip, clip_sha256, metric, metric_version).

        Cells with an error are left out: a run tries them again.
        """
        query = (
            "SELECT clip, clip_sha256, metric, metric_version FROM cells "
            f"WHERE {_WHERE_SOURCE} AND error IS NULL"
        )
        return set(self._connection.execute(query, astuple(source)))

    def cells(self, source: Source) -> pd.DataFrame:
        """All cells of a source, a row each with the fields of `Cell`, by clip and metric."""
        query = (
            f"SELECT {', '.join(_CELL_COLUMNS)} FROM cells WHERE {_WHERE_SOURCE} "
            "ORDER BY clip, clip_sha256, metric, metric_version"
        )
        rows = self._connection.execute(query, astuple(source)).fetchall()
        frame = pd.DataFrame(rows, columns=_CELL_COLUMNS)
        return frame.astype({"value": float, "seconds": float})

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
