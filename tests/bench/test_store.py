"""bench.store: what was put comes back, replaced by key, whole or not at all."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bench import store as store_module
from bench.cells import Cell, CodecDelay, Hearing, Judgement, Source
from bench.schema import SCHEMA_VERSION
from bench.store import Store, StoreError

SOURCE = Source("signal", "mini", "r1", "codec-a", "c1", "libsndfile 1", "soxr 1 HQ")
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
    [
        {"codec_revision": "c2"},
        {"dataset_revision": "r2"},
        {"suite": "x"},
        {"reader": "y"},
        {"resampler": ""},
    ],
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


def test_a_store_of_an_older_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cells (clip TEXT)")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(StoreError, match=r"older version of bench.*move it away or choose another"):
        Store(path)


def test_an_sqlite_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE photos (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"photos\.sqlite is an SQLite file of another program"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 100)
    with pytest.raises(StoreError, match=r"notes\.txt cannot be used as a store"):
        Store(path)


def test_a_store_that_is_damaged_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Store(path) as store:
        store.put(SOURCE, [CELL])
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"Z" * (len(content) - 4096))  # the first page is whole
    with pytest.raises(StoreError, match=r"s cannot be used .* malformed"), Store(path) as store:
        store.scored(SOURCE)


def test_a_place_without_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot open a store at .*: not a directory|file exists"):
        Store(tmp_path / "file" / "store.sqlite")


def test_a_store_that_is_only_read_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*: bench run makes one"):
        Store(tmp_path / "s", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def read_only_folder(
    read_only: Callable[[Path], AbstractContextManager[None]],
) -> Iterator[Path]:
    """A folder with a store that this process cannot write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Store(folder / "s").close()
        (folder / "s").chmod(0o444)
        with read_only(folder):
            yield folder


def test_a_read_only_folder(read_only_folder: Path) -> None:
    with pytest.raises(StoreError, match=r"new/s: permission denied"):
        Store(read_only_folder / "new" / "s")
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(read_only_folder / "new")
    with Store(read_only_folder / "s") as store:
        assert store.scored(SOURCE) == set()
        with pytest.raises(StoreError, match=r"cannot write to the store: .*readonly.* is kept"):
            store.put(SOURCE, [CELL])


def test_a_full_disk_loses_nothing_that_was_there(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, [CELL])
        # SQLite's own limit on the file stands for the disk's.
        (pages,) = store._rows("PRAGMA page_count")[0]
        store._rows(f"PRAGMA max_page_count = {pages}")
        many = [replace(CELL, clip=f"clip {number}" * 9) for number in range(200)]
        with pytest.raises(
            StoreError, match=r"cannot write to the store: .* disk is full; what was"
        ):
            store.put(SOURCE, many)
        assert store.scored(SOURCE) == {("speech/1", "aa", "sdr", "1")}
    with Store(tmp_path / "s") as store:
        assert len(store.cells(SOURCE)) == 1
        store.put(SOURCE, many)
        assert len(store.cells(SOURCE)) == 201


def test_what_is_scored_is_not_overwritten(tmp_path: Path) -> None:
    """Neither by another run's failure nor by its value, which may be off in the last digit."""
    with Store(tmp_path / "s") as ours, Store(tmp_path / "s") as theirs:
        ours.put(SOURCE, [CELL])
        theirs.put(SOURCE, [replace(CELL, value=None, error="hung"), FAILED])
        theirs.put(SOURCE, [replace(CELL, value=9.0)])
        assert ours.cells(SOURCE)["value"].dropna().tolist() == [1.5]
        assert ours.cells(SOURCE)["error"].dropna().tolist() == ["too short"]


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from test_store_cells import CELL, SOURCE
from bench.store import Store

path, name = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for number in range(50):
    with Store(Path(path)) as store:
        shared = replace(CELL, clip=f"shared {number}")
        own = replace(CELL, clip=f"{name} {number}")
        store.put(SOURCE, [shared, own])
"""


def test_two_processes_write_to_one_store_at_once(tmp_path: Path) -> None:
    """From its creation on: each cell is there once, and nobody meets an error."""
    (tmp_path / "test_store_cells.py").write_text(
        f"from bench.cells import Cell, Source\nSOURCE = {SOURCE!r}\nCELL = {CELL!r}\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "s"), name],
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert [writer.returncode for writer in writers] == [0, 0]
    with Store(tmp_path / "s") as store:
        assert len(store.scored(SOURCE)) == 150


def test_a_store_that_is_kept_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_WAIT_S", 0.0)
    with Store(tmp_path / "s") as store, Store(tmp_path / "s") as other:
        other._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another run has kept it locked for 0 s"):
            store.put(SOURCE, [CELL])


def test_codes_come_back_by_the_hash_of_their_clip(tmp_path: Path) -> None:
    codes = {"aa": np.array([[0, 117_648, 3]]), "bb": np.array([[1, 2], [3, 4]])}
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, [CELL], codes)
        found = store.codes(SOURCE, ["bb", "cc", "aa"])
        assert [array.tolist() for array in found] == [[[1, 2], [3, 4]], [[0, 117_648, 3]]]
        assert {array.dtype for array in found} == {np.dtype(np.int64)}
        assert store.codes(replace(SOURCE, codec_revision="c2"), ["aa"]) == []
        # The same file in another data set has the same codes.
        assert len(store.codes(replace(SOURCE, dataset="other"), ["aa"])) == 1


def test_a_delay_belongs_to_a_revision_and_a_method(tmp_path: Path) -> None:
    late = CodecDelay(8, 16_000, 0.9, "")
    none = CodecDelay(None, 16_000, None, "no clear delay")
    with Store(tmp_path / "s") as store:
        store.put_delay("codec-a", "c1", "delay/1", late)
        store.put_delay("codec-a", "c2", "delay/1", none)
        assert store.delay("codec-a", "c1", "delay/1") == late
        assert store.delay("codec-a", "c2", "delay/1") == none
        assert store.delay("codec-a", "c1", "delay/2") is None


def test_all_that_is_known_of_a_clip(tmp_path: Path) -> None:
    other = replace(SOURCE, codec="codec-b")
    with Store(tmp_path / "s") as store:
        store.put(SOURCE, [CELL, FAILED, replace(CELL, clip="speech/2")])
        store.put(other, [CELL])
        frame = store.cells_of_clip("speech/1")
        assert frame[["codec", "metric"]].to_numpy().tolist() == [
            ["codec-a", "pesq"],
            ["codec-a", "sdr"],
            ["codec-b", "sdr"],
        ]
        assert store.clips() == ["speech/1", "speech/2"]


def test_the_latest_certificate_of_a_revision(tmp_path: Path) -> None:
    check = '[{"name": "in step", "value": "by 0.9", "passed": true}]'
    failed = check.replace("true", "false")
    with Store(tmp_path / "store.sqlite") as store:
        assert store.certificate("c", "r1") is None
        store.put_certificate("c", "r1", "1", False, failed)
        store.put_certificate("c", "r1", "1", True, check)
        store.put_certificate("c", "r2", "1", False, failed)
        found = store.certificate("c", "r1")
        assert found is not None
        assert (found.version, found.passed) == ("1", True)
        assert datetime.fromisoformat(found.verified_at).tzinfo is not None
        assert [(one.name, one.value, one.passed) for one in found.checks] == [
            ("in step", "by 0.9", True)
        ]
        store.put_certificate("c", "r3", "1", True, '{"name": ')
        with pytest.raises(StoreError, match="damaged certificate of c: bench verify --codec c"):
            store.certificate("c", "r3")


HEARING = Hearing("gain", "c1", "whisper", "e1", "libsndfile 1", "soxr 1")


def judgement(clip: str, evidence: dict[str, object] | None = None, error: str = "") -> Judgement:
    return Judgement(
        "0" * 63 + clip[-1], clip, evidence, error or None, 100.0, 0.5, 0.1, "host", "2026"
    )


def test_evidence_is_kept_as_it_was_said(tmp_path: Path) -> None:
    said = {"transcript": "für Elise", "embedding": [0.1, -1e-7, 2.0]}
    with Store(tmp_path / "store.sqlite") as store:
        store.put_evidence(HEARING, [judgement("a", said), judgement("b", error="too short")])
        assert store.judged(HEARING) == {"0" * 63 + "a"}
        found = store.judgements(HEARING)
        assert found["0" * 63 + "a"] == judgement("a", said)
        assert found["0" * 63 + "b"].error == "too short"
        assert store.evidence_of_clip("0" * 63 + "a") == [(HEARING, judgement("a", said))]
        assert store.judged(replace(HEARING, evaluator_revision="e2")) == set()
        assert store.judged(replace(HEARING, codec_revision="c2")) == set()


def test_evidence_is_never_replaced_and_failures_are(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store.put_evidence(HEARING, [judgement("a", {"x": 1}), judgement("b", error="no")])
        store.put_evidence(HEARING, [judgement("a", {"x": 2}), judgement("b", {"x": 3})])
        found = store.judgements(HEARING)
        assert [found["0" * 63 + clip].evidence for clip in "ab"] == [{"x": 1}, {"x": 3}]


def test_a_judgement_is_evidence_or_an_error() -> None:
    with pytest.raises(ValueError, match="evidence or an error"):
        judgement("a")
    with pytest.raises(ValueError, match="evidence or an error"):
        judgement("a", {"x": 1}, "too short")


def test_a_store_from_before_there_was_evidence_has_room_for_it(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE evidence")
    connection.close()
    with Store(path) as store:
        store.put_evidence(HEARING, [judgement("a", {"x": 1})])
        assert len(store.judged(HEARING)) == 1
