"""The store: one SQLite file of cells, each a single score with all of its provenance.

A cell is one metric of one clip through one codec. Its key is what decided its value: suite,
dataset, dataset revision, clip and the hash of its file, and what read it; codec, codec
revision and the resampler around it ("" for a codec that takes any rate); metric and metric
version, in which the libraries are that decide the score. A change of any of them makes a new
cell beside the old one. A cell holds a value or the error that stands in its place, never
both. Nothing is averaged before it is stored.

Beside the cells are the codes of each clip, so that the use of codebooks can be taken over any
set of clips, the constant delay of each codec, and whether it is certified (`bench.verify`);
and what evaluators say of clips, keyed alike.

A `put` is one transaction: whatever was put survives a killed run whole. Several runs may use
one store at once; each waits for the others' transactions, and what one has scored another
does not overwrite.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench import evidence_rows, score_rows
from bench.cells import Cell, CheckOutcome, CodecCertificate, CodecDelay, Hearing, Judgement, Source
from bench.schema import FROM_VERSION_2, LATER_TABLES, SCHEMA_VERSION, TABLES

DEFAULT_PATH = Path(".bench") / "store.sqlite"
"""Under the current directory: a store belongs to the work done there."""

_WAIT_S = 60.0  # for another run's transaction, which takes milliseconds


class StoreError(RuntimeError):
    """The store cannot be used; the message is one line saying why and what to do."""


_SOURCE_COLUMNS = [field.name for field in fields(Source)]
_CELL_COLUMNS = [field.name for field in fields(Cell)]
_WHERE_SOURCE = " AND ".join(f"{column} = ?" for column in _SOURCE_COLUMNS)
_CODED_COLUMNS = ["codec", "codec_revision", "reader", "resampler"]
_WHERE_CODED = " AND ".join(f"{column} = ?" for column in _CODED_COLUMNS)
_WHERE_HEARING = " AND ".join(f"{column} = ?" for column in evidence_rows.HEARING_COLUMNS)


class Store:
    """Cells on disk. A context manager; every `put` is on disk when it returns.

    Attributes:
        path: of the SQLite file.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        """Open the store at `path`, creating it and its folder where they are missing.

        Args:
            path: of the SQLite file.
            create: whether a store that is not there is made.

        Raises:
            StoreError: there is no store and none can be made, the file is no store, or
                another version of this program wrote it.
        """
        self.path = path
        if not create and not path.is_file():
            raise StoreError(f"no store at {path}: bench run makes one, --store says where")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open a store at {path}: {_said(error)}") from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._connection.close()
            raise _cannot_use(path, error) from error
        except StoreError:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        if self._version() == 0:
            with self._transaction():  # of two runs that start at once, one makes the tables
                if self._version() == 0:
                    self._create(path)
        if self._version() == 2:
            with self._transaction():
                if self._version() == 2:
                    self._run(FROM_VERSION_2)
        version = self._version()
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{path} was written by a newer version of bench (its schema is {version}, "
                f"this one knows {SCHEMA_VERSION}): update bench or choose another --store"
            )
        if version < SCHEMA_VERSION:
            raise StoreError(
                f"{path} is of an older version of bench, whose cells do not name all the "
                "libraries that decide a score: move it away or choose another --store"
            )
        for statement in _statements(LATER_TABLES):
            self._connection.execute(statement)
        # Keeps the journal's file for the next transaction: half the waits for the disk.
        self._rows("PRAGMA journal_mode = PERSIST")

    def _version(self) -> int:
        return self._rows("PRAGMA user_version")[0][0]

    def _create(self, path: Path) -> None:
        if self._rows("SELECT 1 FROM sqlite_master"):
            raise StoreError(f"{path} is an SQLite file of another program, not a store of bench")
        self._run(TABLES)

    def _run(self, script: str) -> None:
        """Run statements that make the tables of this version, within a transaction."""
        for statement in _statements(script):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is written within, or nothing of it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled it back already
                self._connection.execute("ROLLBACK")
            raise

    def _rows(self, query: str, values: Iterable[object] = ()) -> list[Any]:
        try:
            with closing(self._connection.execute(query, tuple(values))) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise _cannot_use(self.path, error) from error

    def put(
        self,
        source: Source,
        cells: Iterable[Cell],
        codes: Mapping[str, NDArray[np.int64]] | None = None,
    ) -> None:
        """Write cells, and codes [K, F] by the hash of their clip, all of them or none.

        A cell that failed before is replaced; one that has a value is left as it is.

        Raises:
            StoreError: the disk is full or the store cannot be written.
        """
        coded = [getattr(source, column) for column in _CODED_COLUMNS]
        try:
            with self._transaction():
                rows = score_rows.rows_of(self._connection, source, cells)
                self._connection.executemany(score_rows.PUT, rows)
                self._connection.executemany(
                    "INSERT OR REPLACE INTO codes VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        (*coded, clip, len(array), zlib.compress(array.astype("<u4").tobytes()))
                        for clip, array in (codes or {}).items()
                    ],
                )
        except sqlite3.Error as error:
            raise _cannot_write(error) from error

    def scored(self, source: Source, clip: str | None = None) -> set[tuple[str, str, str, str]]:
        """The cells that have a value, as (clip, clip_sha256, metric, metric_version).

        Cells with an error are left out: a run tries them again.

        Args:
            source: of the cells.
            clip: the clip's id; those of all clips if None.
        """
        query = (
            "SELECT clip, clip_sha256, metric, metric_version FROM cells "
            f"WHERE {_WHERE_SOURCE} AND error IS NULL"
        )
        if clip is None:
            return set(self._rows(query, astuple(source)))
        return set(self._rows(f"{query} AND clip = ?", [*astuple(source), clip]))

    def scored_by_clip(self, source: Source) -> dict[tuple[str, str], frozenset[tuple[str, str]]]:
        """What `scored` returns, by clip: (clip, clip_sha256) -> {(metric, metric_version)}.

        A row a clip is read, not a row a cell, and clips of the same metrics share their set.
        """
        names = self._rows(score_rows.METRICS)
        return score_rows.by_clip(self._rows(score_rows.SCORED_BY_CLIP, astuple(source)), names)

    def cells(self, source: Source) -> pd.DataFrame:
        """All cells of a source, a row each with the fields of `Cell`, by clip and metric."""
        query = (
            f"SELECT {', '.join(_CELL_COLUMNS)} FROM cells WHERE {_WHERE_SOURCE} "
            "ORDER BY clip, clip_sha256, metric, metric_version"
        )
        frame = pd.DataFrame(self._rows(query, astuple(source)), columns=_CELL_COLUMNS)
        return frame.astype({"value": float, "seconds": float})

    def cells_of_clip(self, clip: str) -> pd.DataFrame:
        """All that is known of a clip: a row a cell, with the fields of `Source` and `Cell`."""
        columns = _SOURCE_COLUMNS + _CELL_COLUMNS
        query = (
            f"SELECT {', '.join(columns)} FROM cells WHERE clip = ? "
            f"ORDER BY {', '.join(_SOURCE_COLUMNS)}, clip_sha256, measured_at, metric"
        )
        frame = pd.DataFrame(self._rows(query, [clip]), columns=columns)
        return frame.astype({"value": float, "seconds": float})

    def clips(self) -> list[str]:
        """The ids of all clips that have a cell."""
        return [clip for (clip,) in self._rows("SELECT DISTINCT clip FROM clips ORDER BY clip")]

    def codes(self, source: Source, clips: Iterable[str]) -> list[NDArray[np.int64]]:
        """The codes [K, F] of the clips with these hashes, where the store has them."""
        query = f"SELECT n_codebooks, codes FROM codes WHERE {_WHERE_CODED} AND clip_sha256 = ?"
        coded = [getattr(source, column) for column in _CODED_COLUMNS]
        return [
            np.frombuffer(zlib.decompress(data), "<u4").reshape(n_codebooks, -1).astype(np.int64)
            for clip in clips
            for n_codebooks, data in self._rows(query, [*coded, clip])
        ]

    def put_delay(self, codec: str, revision: str, version: str, delay: CodecDelay) -> None:
        """Write a codec's constant delay, as measured by a version of the method.

        Raises:
            StoreError: the disk is full or the store cannot be written.
        """
        values = (codec, revision, version, *astuple(delay))
        try:
            with self._transaction():
                self._connection.execute(
                    "INSERT OR REPLACE INTO delays VALUES (?, ?, ?, ?, ?, ?, ?)", values
                )
        except sqlite3.Error as error:
            raise _cannot_write(error) from error

    def delay(self, codec: str, revision: str, version: str) -> CodecDelay | None:
        """A codec's constant delay; None if it was never measured."""
        query = (
            "SELECT samples, sample_rate, correlation, error FROM delays "
            "WHERE codec = ? AND codec_revision = ? AND version = ?"
        )
        rows = self._rows(query, [codec, revision, version])
        return CodecDelay(*rows[0]) if rows else None

    def put_certificate(
        self, codec: str, revision: str, version: str, passed: bool, checks: str
    ) -> None:
        """Write what certification by a version of its checks found, the checks as JSON.

        Raises:
            StoreError: the disk is full or the store cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        values = (codec, revision, version, int(passed), checks, now)
        try:
            with self._transaction():
                self._connection.execute(
                    "INSERT OR REPLACE INTO certificates VALUES (?, ?, ?, ?, ?, ?)", values
                )
        except sqlite3.Error as error:
            raise _cannot_write(error) from error

    def certificate(self, codec: str, revision: str) -> CodecCertificate | None:
        """What the latest certification found about this revision of a codec; None without one.

        Raises:
            StoreError: what is stored is none.
        """
        query = (
            "SELECT version, passed, verified_at, checks FROM certificates "
            "WHERE codec = ? AND codec_revision = ? ORDER BY verified_at DESC, version DESC LIMIT 1"
        )
        rows = self._rows(query, [codec, revision])
        if not rows:
            return None
        version, passed, verified_at, checks = rows[0]
        try:
            outcomes = tuple(CheckOutcome(**check) for check in json.loads(checks))
            return CodecCertificate(version, bool(passed), verified_at, outcomes)
        except (ValueError, TypeError) as error:
            raise StoreError(
                f"{self.path} has a damaged certificate of {codec}: bench verify --codec {codec} "
                "makes it anew"
            ) from error

    def certified(self, codec: str, revision: str, version: str) -> bool:
        """Whether this revision of a codec passed certification by this version of its checks."""
        query = (
            "SELECT passed FROM certificates WHERE codec = ? AND codec_revision = ? AND version = ?"
        )
        return self._rows(query, [codec, revision, version]) == [(1,)]

    def put_evidence(self, hearing: Hearing, judgements: Iterable[Judgement]) -> None:
        """Write what an evaluator says of clips, all of it or nothing.

        A judgement that failed before is replaced; evidence is left as it is.

        Raises:
            StoreError: the disk is full or the store cannot be written.
        """
        rows = [evidence_rows.row_of(hearing, judgement) for judgement in judgements]
        try:
            with self._transaction():
                self._connection.executemany(evidence_rows.PUT, rows)
        except sqlite3.Error as error:
            raise _cannot_write(error) from error

    def judged(self, hearing: Hearing) -> set[str]:
        """The hashes of the clips that have evidence; failed ones are left out."""
        query = f"SELECT clip_sha256 FROM evidence WHERE {_WHERE_HEARING} AND error IS NULL"
        return {sha256 for (sha256,) in self._rows(query, astuple(hearing))}

    def judgements(self, hearing: Hearing) -> dict[str, Judgement]:
        """What an evaluator says of a codec's clips, by the hash of the clip."""
        columns = ", ".join(evidence_rows.JUDGEMENT_COLUMNS)
        query = f"SELECT {columns} FROM evidence WHERE {_WHERE_HEARING}"
        found = map(evidence_rows.judgement_of, self._rows(query, astuple(hearing)))
        return {judgement.clip_sha256: judgement for judgement in found}

    def evidence_of_clip(self, clip_sha256: str) -> list[tuple[Hearing, Judgement]]:
        """All that evaluators say of a clip, untouched or through codecs."""
        query = (
            f"SELECT {', '.join(evidence_rows.COLUMNS)} FROM evidence WHERE clip_sha256 = ? "
            "ORDER BY evaluator, evaluator_revision, codec <> 'reference', codec, judged_at"
        )
        n = len(evidence_rows.HEARING_COLUMNS)
        return [
            (Hearing(*row[:n]), evidence_rows.judgement_of(row[n:]))
            for row in self._rows(query, [clip_sha256])
        ]

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


def _statements(script: str) -> list[str]:
    return list(filter(str.strip, script.split(";")))


def _cannot_use(path: Path, error: sqlite3.Error) -> StoreError:
    return StoreError(f"{path} cannot be used as a store: {_said(error)}")


def _cannot_write(error: sqlite3.Error) -> StoreError:
    return StoreError(
        f"cannot write to the store: {_said(error)}; what was finished is kept, the same "
        "command goes on from it"
    )


def _said(error: Exception) -> str:
    """An error of SQLite or the system in words of one line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if "locked" in str(error):
        return f"another run has kept it locked for {_WAIT_S:.0f} s"
    return str(error)
