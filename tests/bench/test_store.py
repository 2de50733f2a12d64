"""bench.store: what was put comes back, replaced by key, whole or not at all."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bench.store import SCHEMA_VERSION, Cell, Source, Store, StoreError

SOURCE = Source("signal", "mini", "r1", "codec-a", "c1", "soxr 1 HQ")
CELL = Cell(
    clip="speech/1",
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
FAILED = replace(CELL, metric="pesq", value=None, error="too short")


def test_cells_come_back_as_they_were_put(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite"
    with Store(path) as store:
        store.put(SOURCE, [CELL, FAILED])
    with Store(path) as store:
        frame = store.cells(SOURCE)
    assert frame["metric"].tolist() == ["pesq", "sdr"]
    assert frame["error"].iloc[0] == "too short"
    assert frame["error"].isna().tolist() == [False, True]
    assert frame["value"].isna().tolist() == [True, False]
    row = frame.iloc[1].to_dict()
    assert {name: row[name] for name in ("clip", "value", "seconds", "libraries")} == {
        "clip": "speech/1",
        "value": 1.5,
        "seconds": 0.25,
        "libraries": '{"numpy": "2"}',
    }


def test_a_failed_cell_is_missing_and_a_scored_one_is_not(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, [CELL, FAILED])
        assert store.scored(SOURCE) == {("speech/1", "aa", "sdr", "1")}
        store.put(SOURCE, [replace(FAILED, value=2.0, error=None)])
        assert ("speech/1", "aa", "pesq", "1") in store.scored(SOURCE)
        assert len(store.cells(SOURCE)) == 2


@pytest.mark.parametrize(
    "change",
    [{"codec_revision": "c2"}, {"dataset_revision": "r2"}, {"suite": "x"}, {"resampler": ""}],
)
def test_another_source_has_cells_of_its_own(tmp_path: Path, change: dict[str, str]) -> None:
    other = replace(SOURCE, **change)
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, [CELL])
        assert store.scored(other) == set()
        store.put(other, [replace(CELL, value=9.0)])
        assert store.cells(SOURCE)["value"].tolist() == [1.5]
        assert store.cells(other)["value"].tolist() == [9.0]


def test_another_file_or_metric_version_makes_a_new_cell(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, [CELL])
        store.put(SOURCE, [replace(CELL, clip_sha256="bb"), replace(CELL, metric_version="2")])
        assert len(store.cells(SOURCE)) == 3


def test_a_put_that_fails_writes_nothing(tmp_path: Path) -> None:
    class Refused(Exception):
        pass

    def cells():
        yield CELL
        raise Refused

    with Store(tmp_path / "s") as store:
        with pytest.raises(Refused):
            store.put(SOURCE, cells())
        # A row that SQLite itself refuses, after a good one.
        bad = replace(FAILED)
        object.__setattr__(bad, "unit", None)
        with pytest.raises(StoreError, match="cannot write to the store: NOT NULL"):
            store.put(SOURCE, [CELL, bad])
        assert store.cells(SOURCE).empty


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": None},
        {"error": "both"},
        {"value": float("nan")},
        {"value": float("inf")},
    ],
)
def test_a_cell_has_a_finite_value_or_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cell"):
        replace(CELL, **wrong)


def test_a_store_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version of bench.*update bench"):
        Store(path)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt cannot be used as a store"):
        Store(path)


def test_a_place_without_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot open a store"):
        Store(tmp_path / "file" / "store.sqlite")
