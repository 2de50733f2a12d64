"""bench.score_rows: texts are kept once, and what is looked up is not searched for."""

import sqlite3
from collections.abc import Callable
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

import pytest

from bench.cells import Cell, Source
from bench.store import Store, StoreError

SOURCE = Source("signal", "mini", "r1", "codec-a", "c1", "libsndfile 1", "soxr 1 HQ")
OTHER = replace(SOURCE, codec="codec-b")
METRICS = ("sdr", "mel", "bits")

WHOLE_ROWS = """
CREATE TABLE cells (
    suite TEXT NOT NULL, dataset TEXT NOT NULL, dataset_revision TEXT NOT NULL,
    codec TEXT NOT NULL, codec_revision TEXT NOT NULL, reader TEXT NOT NULL,
    resampler TEXT NOT NULL, clip TEXT NOT NULL, clip_sha256 TEXT NOT NULL,
    metric TEXT NOT NULL, metric_version TEXT NOT NULL, value REAL, unit TEXT NOT NULL,
    error TEXT, seconds REAL NOT NULL, host TEXT NOT NULL, libraries TEXT NOT NULL,
    measured_at TEXT NOT NULL,
    PRIMARY KEY (suite, dataset, dataset_revision, codec, codec_revision, reader, resampler,
                 clip, clip_sha256, metric, metric_version),
    CHECK ((value IS NULL) <> (error IS NULL))
) WITHOUT ROWID;
CREATE TABLE codes (
    codec TEXT NOT NULL, codec_revision TEXT NOT NULL, reader TEXT NOT NULL,
    resampler TEXT NOT NULL, clip_sha256 TEXT NOT NULL, n_codebooks INTEGER NOT NULL,
    codes BLOB NOT NULL,
    PRIMARY KEY (codec, codec_revision, reader, resampler, clip_sha256)
);
CREATE TABLE delays (
    codec TEXT NOT NULL, codec_revision TEXT NOT NULL, version TEXT NOT NULL, samples INTEGER,
    sample_rate INTEGER NOT NULL, correlation REAL, error TEXT NOT NULL,
    PRIMARY KEY (codec, codec_revision, version),
    CHECK ((samples IS NULL) = (error <> ''))
) WITHOUT ROWID;
"""
"""The tables of version 2."""


def cells(n_clips: int) -> list[Cell]:
    return [
        Cell(
            clip=f"speech/{number}",
            clip_sha256=f"{number:064x}",
            metric=metric,
            metric_version="1",
            value=None if (number, metric) == (1, "mel") else number / 7,
            unit="dB",
            error="too short" if (number, metric) == (1, "mel") else None,
            seconds=0.25,
            host="here",
            libraries='{"numpy": "2"}',
            measured_at="2026-01-01T00:00:00+00:00",
        )
        for number in range(n_clips)
        for metric in METRICS
    ]


def steps_of(store: Store, act: Callable[[], object]) -> int:
    """How many instructions of its virtual machine SQLite carries out for it."""
    n_steps = 0

    def count() -> int:
        nonlocal n_steps
        n_steps += 1
        return 0

    store._connection.set_progress_handler(count, 1)
    try:
        act()
    finally:
        store._connection.set_progress_handler(None, 1)
    return n_steps


def test_texts_are_kept_once(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        for source in (SOURCE, OTHER):
            store.put(source, cells(4))
            store.put(source, cells(4))
        counts = {
            table: store._rows(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("sources", "clips", "metrics", "origins", "scores", "cells")
        }
    assert counts == {
        **{"sources": 2, "clips": 4, "metrics": 3, "origins": 1},
        **{"scores": 24, "cells": 24},
    }


def test_scored_cells_by_clip_are_those_of_scored(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, cells(3))
        store.put(OTHER, cells(1))
        store.put(SOURCE, [replace(cells(1)[0], clip_sha256="f" * 64, metric_version="2")])
        for source in (SOURCE, OTHER, replace(SOURCE, suite="none")):
            found = store.scored_by_clip(source)
            assert {
                (*clip, *metric) for clip, metrics in found.items() for metric in metrics
            } == store.scored(source)
        by_clip = store.scored_by_clip(SOURCE)
        assert ("mel", "1") not in by_clip["speech/1", f"{1:064x}"]
        assert by_clip["speech/0", f"{0:064x}"] is by_clip["speech/2", f"{2:064x}"]


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.scored(SOURCE, "speech/3"),
        lambda store: store.cells_of_clip("speech/3"),
        lambda store: store.put(SOURCE, [replace(cells(4)[-1], metric_version="new")]),
    ],
    ids=["scored", "cells_of_clip", "put"],
)
def test_what_concerns_one_clip_does_not_grow_with_the_store(
    tmp_path: Path, act: Callable[[Store], object]
) -> None:
    steps = []
    for n_clips in (20, 200):
        with Store(tmp_path / str(n_clips)) as store:
            for source in (SOURCE, OTHER):
                store.put(source, cells(n_clips))
            steps.append(steps_of(store, partial(act, store)))
    few, many = steps
    assert 0 < many < 1.5 * few


@pytest.mark.parametrize(
    "act",
    [
        lambda store, _: store.scored_by_clip(SOURCE),
        lambda store, _: store.cells(SOURCE),
        lambda store, n_clips: store.put(replace(SOURCE, codec="new"), cells(n_clips)),
    ],
    ids=["scored_by_clip", "cells", "put"],
)
def test_what_concerns_all_clips_grows_as_their_number(
    tmp_path: Path, act: Callable[[Store, int], object]
) -> None:
    steps = []
    for n_clips in (100, 400):
        with Store(tmp_path / str(n_clips)) as store:
            store.put(SOURCE, cells(n_clips))
            steps.append(steps_of(store, partial(act, store, n_clips)))
    few, many = steps
    assert 3 * few < many < 5 * few


def _of_version_2(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(WHOLE_ROWS)
    rows = [astuple(source) + astuple(cell) for source in (SOURCE, OTHER) for cell in cells(3)]
    places = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO cells VALUES ({places})", rows)
    connection.execute("INSERT INTO delays VALUES ('codec-a', 'c1', 'd1', 8, 16000, 0.9, '')")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()


def test_a_store_of_version_2_is_kept(tmp_path: Path) -> None:
    _of_version_2(tmp_path / "old")
    with Store(tmp_path / "new") as store:
        for source in (SOURCE, OTHER):
            store.put(source, cells(3))
        expected = [store.cells(source) for source in (SOURCE, OTHER)]
    for _ in range(2):  # it is changed once
        with Store(tmp_path / "old") as store:
            for source, frame in zip((SOURCE, OTHER), expected, strict=True):
                assert store.cells(source).equals(frame)
            assert store.delay("codec-a", "c1", "d1") is not None
            assert store._rows("SELECT 1 FROM sqlite_master WHERE name = 'whole_cells'") == []
            store.put(SOURCE, [replace(cells(2)[4], value=2.0, error=None)])
            expected[0] = store.cells(SOURCE)
            assert expected[0]["error"].isna().all()


def test_a_store_of_version_2_that_cannot_be_changed_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "old"
    _of_version_2(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE origins (x)")  # in the way of the new tables
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="old cannot be used as a store"):
        Store(path)
    assert path.read_bytes() == before
