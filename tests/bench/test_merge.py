"""bench.merge: stores become one, exactly, and what cannot be is named."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bench import cli
from bench import merge as merge_module
from bench.cells import Cell, CodecDelay, Hearing, Judgement, Source
from bench.merge import Merged, merge
from bench.schema import SCHEMA_VERSION
from bench.store import Store, StoreError

SOURCE = Source("signal", "mini", "r1", "codec-a", "c1", "libsndfile 1", "soxr 1 HQ")
HEARING = Hearing("codec-a", "c1", "whisper", "w1", "libsndfile 1", "soxr 1 HQ")
CELL = Cell(
    clip="1",
    clip_sha256="aa",
    metric="sdr",
    metric_version="1",
    value=1.5,
    unit="dB",
    error=None,
    seconds=0.25,
    host="here",
    libraries='{"numpy": "2"}',
    measured_at="2026-01-01T00:00:00+00:00",
)
FAILED = replace(CELL, value=None, error="too short")
SAID = Judgement("aa", "1", {"text": "so"}, None, 8.0, 1.0, 0.5, "here", "2026-01-01T00:00:00")
UNSAID = replace(SAID, evidence=None, error="no speech")
VIEWS = ("cells", *(table.name for table in merge_module.TABLES[1:]))


def made(path: Path, cells: Iterable[Cell] = (), source: Source = SOURCE) -> Path:
    """A store with some cells."""
    with Store(path) as store:
        store.put(source, cells)
    return path


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of a store, whatever the numbers of their texts."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            view: sorted(connection.execute(f"SELECT * FROM {view}").fetchall(), key=repr)
            for view in VIEWS
        }


KILLED_WITHIN = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # pages, so that changes reach the file uncommitted
connection.execute("BEGIN")
connection.execute("DELETE FROM codes")
connection.execute("UPDATE scores SET value = 99")
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_within_a_transaction(path: Path) -> None:
    """Leave the store half-changed, beside the journal that undoes it."""
    done = subprocess.run([sys.executable, "-c", KILLED_WITHIN, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        with pytest.raises(sqlite3.OperationalError) as refused:
            connection.execute("SELECT 1 FROM scores")
        assert refused.value.sqlite_errorname == "SQLITE_READONLY_ROLLBACK"


def killed_store(path: Path) -> Path:
    """A store with so many codes and cells that a transaction on all does not fit in memory."""
    noise = np.random.default_rng(0).integers(0, 2**31, (4, 5000))
    with Store(path) as store:
        store.put(SOURCE, [replace(CELL, clip=str(number)) for number in range(500)], {"aa": noise})
    killed_within_a_transaction(path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bench_merge(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["merge", *map(str, arguments)])
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def test_every_table_of_a_store_is_merged(tmp_path: Path) -> None:
    made(tmp_path / "a")
    with closing(sqlite3.connect(tmp_path / "a")) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = {name for (name,) in connection.execute(query)}
    assert tables == {table.name for table in merge_module.TABLES} | set(merge_module.TEXTS)


def test_all_that_two_stores_hold_is_in_the_new_one(tmp_path: Path) -> None:
    a, b, whole = tmp_path / "a", tmp_path / "b", tmp_path / "whole"
    for path in (a, whole):
        with Store(path) as store:
            store.put(SOURCE, [CELL], {"aa": np.arange(6).reshape(2, 3)})
            store.put_delay("codec-a", "c1", "1", CodecDelay(7, 16_000, 0.99, ""))
    for path in (b, whole):
        with Store(path) as store:
            other = replace(SOURCE, codec="codec-b")
            store.put(other, [replace(CELL, host="there")], {"aa": np.arange(4).reshape(1, 4)})
            store.put_evidence(HEARING, [SAID])
    for path in (b, whole):
        with Store(path) as store:
            store.put_certificate("codec-b", "c1", "1", True, "[]")
    with closing(sqlite3.connect(whole)) as connection, connection:  # of the same moment as b's
        connection.execute("ATTACH ? AS b", [str(b)])
        query = "UPDATE certificates SET verified_at = (SELECT verified_at FROM b.certificates)"
        connection.execute(query)
    before = [sha256(path) for path in (a, b)]
    assert merge([a, b], tmp_path / "new" / "out") == Merged(2, (1, 1), ())
    assert contents(tmp_path / "new" / "out") == contents(whole)
    assert [sha256(path) for path in (a, b)] == before
    with Store(tmp_path / "new" / "out", create=False) as store:
        (codes,) = store.codes(replace(SOURCE, codec="codec-b"), ["aa"])
        assert codes.tolist() == [[0, 1, 2, 3]]
        assert store.judgements(HEARING) == {"aa": SAID}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


@pytest.mark.parametrize("order", [("bad", "good"), ("good", "bad")])
def test_a_value_takes_the_place_of_a_failure(tmp_path: Path, order: tuple[str, str]) -> None:
    made(tmp_path / "bad", [FAILED])
    made(tmp_path / "good", [CELL])
    for name, said, delay in (
        ("bad", UNSAID, CodecDelay(None, 16_000, None, "silent")),
        ("good", SAID, CodecDelay(7, 16_000, 0.9, "")),
    ):
        with Store(tmp_path / name) as store:
            store.put_evidence(HEARING, [said])
            store.put_delay("codec-a", "c1", "1", delay)
    assert merge([tmp_path / name for name in order], tmp_path / "out").conflicts == ()
    assert contents(tmp_path / "out") == contents(tmp_path / "good")


def test_of_two_failures_the_first_is_kept(tmp_path: Path) -> None:
    a = made(tmp_path / "a", [FAILED])
    b = made(tmp_path / "b", [replace(FAILED, error="out of memory")])
    assert merge([a, b], tmp_path / "out") == Merged(1, (1, 0), ())
    assert contents(tmp_path / "out") == contents(a)


def test_conflicts_are_named_and_the_first_store_has_the_last_word(tmp_path: Path) -> None:
    a, b = made(tmp_path / "a", [CELL]), made(tmp_path / "b", [replace(CELL, value=1.5 + 2**-40)])
    for path, last, n_late, text in ((a, 3, 7, "so"), (b, 4, 8, "no")):
        with Store(path) as store:
            store.put(SOURCE, [], {"aa": np.array([[1, 2, last]])})
            store.put_delay("codec-a", "c1", "1", CodecDelay(n_late, 16_000, 0.9, ""))
            store.put_evidence(HEARING, [replace(SAID, evidence={"text": text})])
            store.put_certificate("codec-a", "c1", "1", text == "so", "[]")
    status, told = bench_merge(a, b, "--into", tmp_path / "out")
    assert status == 1
    for table in VIEWS:
        assert f"{table}: 1 of one key and different values; the first's are kept" in told
    assert f"1 sdr codec-a signal mini c1 1: kept 1.5, {b} has 1.5000000000009095" in told
    assert f"codec-a c1 1: kept 7 samples at 16000 Hz, {b} has 8 samples at 16000 Hz" in told
    assert f"codec-a c1 1: kept passed, {b} has failed" in told
    assert contents(tmp_path / "out") == contents(a)


def test_the_number_of_conflicts_is_told_though_not_all_are_named(tmp_path: Path) -> None:
    cells = [replace(CELL, clip=str(number)) for number in range(25)]
    a = made(tmp_path / "a", cells)
    b = made(tmp_path / "b", [replace(cell, value=9.0) for cell in cells])
    status, told = bench_merge(a, b, "--into", tmp_path / "out")
    assert (status, told.count("kept 1.5"), "  and 5 more" in told) == (1, 20, True)
    assert "cells: 25 of one key" in told


def test_the_same_codes_packed_otherwise_are_no_conflict(tmp_path: Path) -> None:
    import zlib

    a, b = tmp_path / "a", tmp_path / "b"
    for path in (a, b):
        with Store(path) as store:
            store.put(SOURCE, [CELL], {"aa": np.arange(600).reshape(2, 300) % 7})
    with closing(sqlite3.connect(b)) as connection, connection:
        ((packed,),) = connection.execute("SELECT codes FROM codes").fetchall()
        again = zlib.compress(zlib.decompress(packed), 0)
        assert again != packed
        connection.execute("UPDATE codes SET codes = ?", [again])
    assert merge([a, b], tmp_path / "out").conflicts == ()


cells = st.builds(
    lambda clip, metric, codec, error: (
        replace(SOURCE, codec=codec),
        replace(FAILED if error else CELL, clip=clip, clip_sha256=f"hash {clip}", metric=metric),
    ),
    st.sampled_from("1234"),
    st.sampled_from(["sdr", "mel"]),
    st.sampled_from(["a", "b"]),
    st.booleans(),
)


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(cells, st.integers(0, 2)),
        unique_by=lambda one: (one[0][0], one[0][1].clip, one[0][1].metric),
    )
)
def test_halves_of_a_run_make_the_whole_and_merging_again_changes_nothing(
    placed: list[tuple[tuple[Source, Cell], int]],
) -> None:
    """Each cell is in the first half, in the second, or in both; so many values that it tells."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shares: dict[tuple[str, Source], list[Cell]] = {
            (half, SOURCE): [] for half in ("a", "b", "whole")
        }
        for number, ((source, cell), where) in enumerate(placed):
            told = cell if cell.error else replace(cell, value=float(number))
            for half in ([("a",), ("b",), ("a", "b")][where], ("whole",)):
                for name in half:
                    shares.setdefault((name, source), []).append(told)
        for (half, source), share in shares.items():
            made(folder / half, share, source)
        first = merge([folder / "a", folder / "b"], folder / "one")
        assert first.conflicts == ()
        assert first.n_cells == sum(first.n_taken) == len(placed)
        assert contents(folder / "one") == contents(folder / "whole")
        merge([folder / "one", folder / "a", folder / "b"], folder / "again")
        merge([folder / "b", folder / "a", folder / "b"], folder / "turned")
        assert contents(folder / "again") == contents(folder / "turned") == contents(folder / "one")


def test_a_merged_store_goes_on_like_any_other(tmp_path: Path) -> None:
    a, b = made(tmp_path / "a", [CELL]), made(tmp_path / "b", [replace(FAILED, metric="mel")])
    merge([a, b], tmp_path / "out")
    with Store(tmp_path / "out") as store:
        assert store.scored(SOURCE) == {("1", "aa", "sdr", "1")}
        store.put(SOURCE, [replace(CELL, metric="mel", host="third")])
        assert {metric for _, _, metric, _ in store.scored(SOURCE)} == {"sdr", "mel"}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "no store at "),
        (lambda path: path.mkdir(), "no store at "),
        (lambda path: path.write_bytes(b""), " is no store of bench"),
        (lambda path: path.write_text("no database\n" * 100), " cannot be read as a store: "),
        (lambda path: _foreign(path, 0), " is no store of bench"),
        (lambda path: _foreign(path, SCHEMA_VERSION + 1), " was written by a newer version"),
        (lambda path: _foreign(path, 1), " is of an older version of bench"),
    ],
)
def test_what_is_no_store_is_refused_in_one_line(tmp_path: Path, make, told: str) -> None:
    a, wrong = made(tmp_path / "a", [CELL]), tmp_path / "wrong"
    make(wrong)
    status, said = bench_merge(a, wrong, "--into", tmp_path / "out")
    assert status == 2
    line = said.splitlines()[-1]
    assert line.startswith("bench: ")
    assert told in line
    assert str(wrong) in line
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".merging-*")) == []


def _foreign(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE theirs (id)")
        connection.execute(f"PRAGMA user_version = {version}")


def test_what_a_killed_writer_left_half_done_is_not_merged(tmp_path: Path) -> None:
    killed = killed_store(tmp_path / "killed")
    files = [killed, tmp_path / "killed-journal"]
    before = [sha256(path) for path in files]
    other = made(tmp_path / "other", [replace(CELL, clip="other")])
    for number, order in enumerate([(killed, other), (other, killed)]):
        out = tmp_path / f"out{number}"
        assert merge(order, out) == Merged(501, tuple(500 if s == killed else 1 for s in order), ())
        with closing(sqlite3.connect(out)) as connection:
            values = connection.execute("SELECT DISTINCT value FROM scores").fetchall()
            assert values == [(1.5,)]
            assert connection.execute("SELECT count(*) FROM codes").fetchone() == (1,)
    assert [sha256(path) for path in files] == before
    with Store(killed) as store:  # which undoes it in the store itself
        assert set(store.cells(SOURCE)["value"]) == {1.5}


@pytest.mark.parametrize("elsewhere", ["undone", "written"])
def test_a_killed_store_that_a_run_opens_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    killed, copyfile = killed_store(tmp_path / "killed"), merge_module.shutil.copyfile

    def meanwhile(source: Path, target: Path) -> None:
        if elsewhere == "undone" and source.name.endswith("-journal"):
            source.unlink()
        copyfile(source, target)
        with open(killed, "ab") as file:
            file.write(b"more")

    monkeypatch.setattr(merge_module.shutil, "copyfile", meanwhile)
    status, said = bench_merge(killed, "--into", tmp_path / "out")
    assert status == 2
    assert said.splitlines()[-1] == f"bench: {killed} is being written: merge it again in a moment"
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    a, b = made(tmp_path / "a", [CELL]), made(tmp_path / "b")
    before = sha256(b)
    with pytest.raises(StoreError, match="is there already: name a new file in --into, and"):
        merge([a], b)
    assert sha256(b) == before
    assert merge([b, a], tmp_path / "new").n_cells == 1  # what the line says does work


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    a = made(tmp_path / "a", [CELL])
    with pytest.raises(StoreError, match=r"cannot merge into .*a/out: "):
        merge([a], a / "out")
