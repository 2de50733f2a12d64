"""A run that is killed ten times and goes on each time ends as one that was left alone.

Real processes of `bench run`, ended by SIGKILL once a random number of new cells is in the
store: at the start, within a clip, between two. The metrics are replaced by one at no cost, so
that the time goes into starting and killing.
"""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench import audio

PROGRAM = """
import os
import signal
from dataclasses import replace

import numpy as np

from bench.metrics import BESIDE, METRICS
from bench.store import Store

def difference(reference, estimate, sample_rate):
    return float(np.abs(reference - estimate).mean())

def wait_for_the_signal_after(n_cells):
    put = Store.put
    left = n_cells

    def put_or_wait(store, source, cells, codes):
        nonlocal left
        left -= len(cells)
        if left < 0:
            signal.pause()
        put(store, source, cells, codes)

    Store.put = put_or_wait

if __name__ == "__main__":
    # What a shell starts in its background inherits that the signal is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "MOST_CELLS" in os.environ:
        wait_for_the_signal_after(int(os.environ["MOST_CELLS"]))
    for metrics in (METRICS, BESIDE):
        for name, metric in metrics.items():
            metrics[name] = replace(metric, function="quick_bench:difference", libraries=())
    from bench.cli import app

    app()
"""
RATE = 16_000
N_CLIPS = 30
N_KILLS = 10
MOST_AFTER, MOST_MORE = 18, 12  # new cells until a kill: ten times that is less than all
N_CELLS = 2 * N_CLIPS * 6  # bits, duration, rate, clipped samples; SDR and MEL
KEY = ["codec", "clip", "metric"]
TIMES = ["seconds", "measured_at"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of short clips of noise, for which music's metrics are asked."""
    folder = tmp_path_factory.mktemp("killed")
    rows = ["id,path,dataset,kind,sha256"]
    generator = np.random.default_rng(0)
    for number in range(N_CLIPS):
        path = folder / f"{number}.wav"
        soundfile.write(path, generator.uniform(-0.4, 0.4, RATE // 2), 2 * RATE)
        rows.append(f"clip-{number},{path.name},set-{number % 2},music,{audio.sha256(path)}")
    (folder / "set.csv").write_text("\n".join(rows))
    (folder / "quick_bench.py").write_text(PROGRAM)
    (folder / "temporary").mkdir()
    return folder


def _start(folder: Path, name: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, str(folder / "quick_bench.py"), "run"),
            *("--codec", "resample-16k,reference"),
            *("--data", str(folder / "set.csv"), "--workers", "1"),
            *("--store", str(folder / name), "--results", str(folder / f"{name}-results")),
        ],
        env=os.environ | {"TMPDIR": str(folder / "temporary")} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(folder: Path, name: str) -> tuple[str, str]:
    """Let a run come to its end: the table, and what was told beside it."""
    run = _start(folder, name)
    table, told = run.communicate()
    assert run.returncode == 0, told
    return table, told


def _cells(path: Path) -> pd.DataFrame:
    with closing(sqlite3.connect(path)) as connection:
        return pd.read_sql_query(f"SELECT * FROM cells ORDER BY {', '.join(KEY)}", connection)


def _n_cells(path: Path) -> int:
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT count(*) FROM cells").fetchone()[0]
        except sqlite3.OperationalError:  # no such table yet
            return 0


def _run_until(folder: Path, name: str, after: int) -> subprocess.Popen[str]:
    """Start a run and return it once the store has `after` cells more than before.

    Where this process is too slow to stop it soon, the run waits after `MOST_MORE` further ones.
    """
    path = folder / name
    enough = _n_cells(path) + after
    run = _start(folder, name, MOST_CELLS=str(after + MOST_MORE))
    while _n_cells(path) < enough:
        with suppress(subprocess.TimeoutExpired):
            run.wait(0.01)  # leave the store to the run for a moment
            pytest.fail(f"it ended by itself: {run.communicate()}")
    return run


def _result(folder: Path, name: str, codec: str) -> dict[str, object]:
    found = json.loads((folder / f"{name}-results/signal/set/{codec}.json").read_text())
    return {key: value for key, value in found.items() if not key.endswith("_measured_at")}


def test_ten_kills_change_nothing(folder: Path) -> None:
    whole_table, told = _finish(folder, "whole")
    whole = _cells(folder / "whole")
    assert len(whole) == N_CELLS
    assert f"{N_CELLS} cells computed, 0 were in" in told

    kept: list[pd.DataFrame] = []
    generator = random.Random(3)
    for _ in range(N_KILLS):
        run = _run_until(folder, "killed", after=generator.randint(0, MOST_AFTER))
        run.send_signal(signal.SIGKILL)
        # Its processes hold the other ends of the pipes: this waits until all of them are gone.
        run.communicate()
        if _n_cells(folder / "killed"):
            kept.append(_cells(folder / "killed"))
    assert 0 < len(kept[-1]) < N_CELLS  # else the last run would have nothing to do
    assert all(len(cells) % 6 == 0 for cells in kept)  # a clip's cells come together

    table, told = _finish(folder, "killed")
    assert f"{N_CELLS - len(kept[-1])} cells computed, {len(kept[-1])} were in" in told
    cells = _cells(folder / "killed")
    pd.testing.assert_frame_equal(
        cells.drop(columns=TIMES), whole.drop(columns=TIMES), check_exact=True
    )
    assert table == whole_table
    for codec in ("resample-16k", "reference"):
        assert _result(folder, "killed", codec) == _result(folder, "whole", codec)

    # What a killed run had stored was never computed again: its times are the same too.
    for early in kept:
        still = cells.merge(early[KEY], on=KEY)
        pd.testing.assert_frame_equal(still, early, check_exact=True)
    # And what it had decoded is cleaned up.
    assert list((folder / "temporary").iterdir()) == []


def test_two_runs_on_one_store_at_once(folder: Path) -> None:
    runs = [_start(folder, "shared") for _ in range(2)]
    (first, told), (second, told_too) = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told + told_too
    assert first == second
    assert "0 failed" in first
    for text in (told, told_too):  # each has all cells, whoever computed them
        counted = re.search(r"(\d+) cells computed, (\d+) were in", text)
        assert counted is not None
        assert int(counted[1]) + int(counted[2]) == N_CELLS
    assert _n_cells(folder / "shared") == N_CELLS
    assert list((folder / "temporary").iterdir()) == []


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(folder: Path) -> None:
    run = _run_until(folder, "stopped", after=1)
    run.send_signal(signal.SIGINT)
    table, told = run.communicate()
    assert run.returncode == 130
    assert table == ""
    wrote, stopped = told.splitlines()
    assert re.fullmatch(r"wrote .*/manifests/signal/set/resample-16k-[0-9a-f]+\.json", wrote)
    assert stopped == "bench: stopped; what was finished is kept, the same command goes on from it"
    assert 0 < _n_cells(folder / "stopped") < N_CELLS
    assert list((folder / "temporary").iterdir()) == []
