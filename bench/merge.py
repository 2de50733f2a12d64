"""Stores of several machines become one.

What two stores say under one key is compared exactly. Where both have a value and the values
differ, that of the store named first is kept and the other is told; where one has failed, the
value of the other is kept. Merging the halves of a run gives what the whole run would have
stored, and merging once more changes nothing. The stores are only read; the new one is there
when it is whole, or not at all.

A store whose writer was killed within a transaction lies beside a journal that undoes what was
half-done. SQLite would undo it in the store itself, so a copy of both is read in its stead.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.store import Store, StoreError


@dataclass(frozen=True)
class Table:
    """A table whose rows are merged.

    Attributes:
        name: of the table.
        failed: SQL, true of a row that has no value; `{row}` stands for the row.
        value: SQL, what a row says, where it has not failed.
        shown: SQL, the same in words.
    """

    name: str
    failed: str
    value: str
    shown: str


TABLES = (
    Table("scores", "{row}.error IS NOT NULL", "{row}.value", "{row}.value"),
    Table(
        "codes",
        "0",
        "{row}.n_codebooks || ' ' || hex(unpacked({row}.codes))",
        "'codes of ' || length(unpacked({row}.codes)) || ' bytes'",
    ),
    Table(
        "evidence",
        "{row}.error IS NOT NULL",
        "unpacked({row}.evidence)",
        "'evidence of ' || {row}.judged_at",
    ),
    # How sure the measurement was decides nothing, and differs in its last digits.
    Table(
        "delays",
        "{row}.samples IS NULL",
        "{row}.samples || '@' || {row}.sample_rate",
        "{row}.samples || ' samples at ' || {row}.sample_rate || ' Hz'",
    ),
    Table("certificates", "0", "{row}.passed", "iif({row}.passed, 'passed', 'failed')"),
)
"""All tables but those of the texts that the rows of `scores` have by their numbers."""

TEXTS = ("sources", "clips", "metrics", "origins")
"""The tables of texts, whose rows have other numbers in another store."""


@dataclass(frozen=True)
class Conflict:
    """Two stores say different things under one key.

    Attributes:
        table: where.
        key: what is spoken of.
        kept, other: what the new store says, and what `store` says.
        store: the later of the two.
    """

    table: str
    key: str
    kept: str
    other: str
    store: Path


@dataclass(frozen=True)
class Merged:
    """What came of merging.

    Attributes:
        n_cells: in the new store.
        n_taken: cells that each store gave, in the order of the stores.
        conflicts: all of them.
    """

    n_cells: int
    n_taken: tuple[int, ...]
    conflicts: tuple[Conflict, ...]


def merge(stores: Sequence[Path], into: Path) -> Merged:
    """Merge stores into a new one.

    Args:
        stores: the first has the last word.
        into: the new one's path, where nothing is yet.

    Raises:
        StoreError: one is no store or of another version, there is something at `into`, or
            it cannot be written.
    """
    if into.exists():
        raise StoreError(
            f"{into} is there already: name a new file in --into, and {into} among the stores if "
            "what it has is to be in the new one"
        )
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".merging-", dir=into.parent) as name:
            copies = [
                _copied(store, Path(name) / f"{number}.sqlite")
                for number, store in enumerate(stores)
            ]
            merged = _merge_copies(stores, copies)
            copies[0].replace(into)
    except (OSError, sqlite3.Error) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(f"cannot merge into {into}: {said.lower()}") from error
    return merged


def _copied(store: Path, copy: Path) -> Path:
    """Copy a store as it is at one moment, and bring the copy to this version's tables."""
    if not store.is_file():
        raise StoreError(f"no store at {store}")
    try:
        try:
            _back_up(store, copy)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            _back_up(_with_journal(store, copy.with_suffix(".killed")), copy, mode="rw")
    except sqlite3.Error as error:
        raise StoreError(f"{store} cannot be read as a store: {error}") from error
    try:
        Store(copy).close()
    except StoreError as error:
        raise StoreError(str(error).replace(str(copy), str(store))) from error
    return copy


def _back_up(store: Path, copy: Path, mode: str = "ro") -> None:
    """Copy what is committed; with mode "rw" what is not is undone in the store first."""
    with (
        closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode={mode}", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        if not source.execute("PRAGMA user_version").fetchone()[0]:
            raise StoreError(f"{store} is no store of bench")
        source.backup(target)


def _with_journal(store: Path, copy: Path) -> Path:
    """Copy the file of a store that nobody writes, and its journal."""
    pairs = [(Path(f"{store}{end}"), Path(f"{copy}{end}")) for end in ("", "-journal")]
    try:
        before = [_state(path) for path, _ in pairs]
        for path, its_copy in pairs:
            shutil.copyfile(path, its_copy)
        if [_state(path) for path, _ in pairs] == before:
            return copy
    except FileNotFoundError:  # the journal is gone, for a run undid what was half-done
        pass
    raise StoreError(f"{store} is being written: merge it again in a moment")


def _state(path: Path) -> tuple[int, int]:
    """Its size (bytes) and the time of its last change (ns)."""
    said = path.stat()
    return said.st_size, said.st_mtime_ns


def _merge_copies(stores: Sequence[Path], copies: Sequence[Path]) -> Merged:
    """Merge all copies into the first."""
    conflicts: list[Conflict] = []
    with closing(sqlite3.connect(copies[0], isolation_level=None)) as connection:
        connection.create_function("unpacked", 1, zlib.decompress, deterministic=True)
        n_taken = [_count(connection)]
        for store, copy in zip(stores[1:], copies[1:], strict=True):
            connection.execute("ATTACH ? AS other", [str(copy)])
            connection.execute("BEGIN")
            n_new = _take_scores(connection, store, conflicts)
            for table in TABLES[1:]:
                _take(connection, table, "other." + table.name, store, conflicts)
            connection.execute("COMMIT")
            connection.execute("DETACH other")
            n_taken.append(n_new)
        return Merged(_count(connection), tuple(n_taken), tuple(conflicts))


def _take_scores(connection: sqlite3.Connection, store: Path, conflicts: list[Conflict]) -> int:
    """Take the other store's scores, under this one's numbers; how many were taken."""
    joined = "other.scores AS theirs"
    for texts in TEXTS:
        columns = [name for name in _columns(connection, texts) if name != "id"]
        listed = ", ".join(columns)
        connection.execute(
            f"INSERT OR IGNORE INTO main.{texts} ({listed}) SELECT {listed} FROM other.{texts}"
        )
        number = f"{texts.removesuffix('s')}_id"
        joined += f" JOIN other.{texts} AS t_{texts} ON t_{texts}.id = theirs.{number}"
        joined += f" JOIN main.{texts} AS {texts} USING ({listed})"
    numbers = {f"{texts.removesuffix('s')}_id": f"{texts}.id" for texts in TEXTS}
    columns = _columns(connection, "scores")
    taken = ", ".join(f"{numbers.get(name, f'theirs.{name}')} AS {name}" for name in columns)
    connection.execute(f"CREATE TEMP TABLE incoming AS SELECT {taken} FROM {joined}")
    n_taken = _take(connection, TABLES[0], "temp.incoming", store, conflicts)
    connection.execute("DROP TABLE temp.incoming")
    return n_taken


def _take(
    connection: sqlite3.Connection,
    table: Table,
    incoming: str,
    store: Path,
    conflicts: list[Conflict],
) -> int:
    """Take rows that are new, or have a value where ours failed; how many there were."""
    conflicts.extend(_conflicts(connection, table, incoming, store))
    columns = _columns(connection, table.name)
    listed = ", ".join(columns)
    news = ", ".join(f"{name} = excluded.{name}" for name in columns)
    ours, theirs = table.failed.format(row=table.name), table.failed.format(row="excluded")
    done = connection.execute(
        f"INSERT INTO main.{table.name} ({listed}) SELECT {listed} FROM {incoming} WHERE true "
        f"ON CONFLICT DO UPDATE SET {news} WHERE ({ours}) AND NOT ({theirs})"
    )
    return done.rowcount


def _conflicts(
    connection: sqlite3.Connection, table: Table, incoming: str, store: Path
) -> Iterator[Conflict]:
    """Rows of one key that have a value on both sides, and not the same one."""
    key = _columns(connection, table.name, of_key=True)
    same_key = " AND ".join(f"ours.{name} = theirs.{name}" for name in key)
    failed = " OR ".join(f"({table.failed.format(row=row)})" for row in ("ours", "theirs"))
    ours, theirs = (table.value.format(row=row) for row in ("ours", "theirs"))
    shown = [table.shown.format(row=row) for row in ("ours", "theirs")]
    spoken_of = [f"ours.{name}" for name in key]
    joined = ""
    if table.name == "scores":
        names = ["clips.clip", "metrics.metric", *(f"sources.{n}" for n in ("codec", "suite"))]
        spoken_of = [*names, "sources.dataset", "sources.codec_revision", "metrics.metric_version"]
        joined = "".join(
            f" JOIN main.{texts} ON {texts}.id = ours.{texts.removesuffix('s')}_id"
            for texts in TEXTS[:3]
        )
    query = (
        f"SELECT {', '.join([*shown, *spoken_of])} FROM main.{table.name} AS ours "
        f"JOIN {incoming} AS theirs ON {same_key}{joined} "
        f"WHERE NOT ({failed}) AND ({ours}) IS NOT ({theirs})"
    )
    for kept, other, *parts in connection.execute(query).fetchall():
        name = "cells" if table.name == "scores" else table.name
        yield Conflict(name, " ".join(filter(None, parts)), str(kept), str(other), store)


def _columns(connection: sqlite3.Connection, table: str, *, of_key: bool = False) -> list[str]:
    """The names of a table's columns, or of those of its primary key."""
    rows = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
    return [name for _, name, _, _, _, place in rows if place or not of_key]


def _count(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT count(*) FROM main.scores").fetchone()[0]
