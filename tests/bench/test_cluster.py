"""bench.cluster: a run over a Ray cluster ends as one of this machine, whatever is lost.

A cluster of two worker processes, and `bench run` as its user starts it. The codec comes as a
third party's package would. It is told by files beside it to end the worker that it is in, or
to hang, at a certain clip; nothing here depends on how long anything takes.
"""

import os
import platform
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench import audio

RATE = 16_000
N_CLIPS = 6
N_CELLS = 2 * N_CLIPS * 6 + N_CLIPS  # bits, duration, rate, clipped samples, SDR, MEL; frames

CODEC = """
import os, signal
from dataclasses import replace
from pathlib import Path
import numpy as np
from baselines.anchors import Identity

HERE = Path(__file__).parent

class Deadly(Identity):
    def __init__(self, name):
        super().__init__(name, None)
        self._info = replace(self._info, n_codebooks=1, codebook_size=64, frame_rate_hz=100.0)

    def encode(self, audio, sample_rate):
        frames = audio[:, ::160]
        codes = ((frames + 1) * 31).astype(np.int64)[:, None]
        return replace(super().encode(audio, sample_rate), codes=codes)

    def decode(self, encoded):
        told = HERE / f"{encoded.length}"
        if told.exists():
            match told.read_text():
                case "die":
                    told.unlink()
                    (HERE / "died").write_text("")
                    os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
        return 0.5 * super().decode(encoded)
"""

# What a shell starts in its background inherits that the signal is ignored.
BENCH = """
import signal
from bench.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""

CLUSTER = """
import sys
from ray.cluster_utils import Cluster

if __name__ == "__main__":
    node = {"num_cpus": 4, "include_dashboard": False, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "temp_dir": sys.argv[1]})
    print(cluster.address, flush=True)
    sys.stdin.read()
    cluster.shutdown()
"""


@dataclass(frozen=True)
class Ran:
    """What a run left: its exit status, what it told, and what is in its store."""

    status: int
    told: str
    cells: pd.DataFrame
    codes: pd.DataFrame


def n_samples(number: int) -> int:
    return RATE // 4 + 160 * number


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short clips of noise, for which music's metrics are asked, and the codec."""
    folder = tmp_path_factory.mktemp("cluster")
    rows = ["id,path,dataset,kind,sha256"]
    generator = np.random.default_rng(0)
    for number in range(N_CLIPS):
        path = folder / f"{number}.wav"
        soundfile.write(path, generator.uniform(-0.4, 0.4, n_samples(number)), RATE)
        rows.append(f"{number},{path.name},noise,music,{audio.sha256(path)}")
    (folder / "set.csv").write_text("\n".join(rows))
    (folder / "deadly.py").write_text(CODEC)
    (folder / "deadly-0.dist-info").mkdir()
    entry = "[bench.codecs]\ndeadly = deadly:Deadly\n"
    (folder / "deadly-0.dist-info/entry_points.txt").write_text(entry)
    return folder


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """Of all processes: the codec is found, the linear algebra of all has one thread."""
    paths = filter(None, [str(folder), os.environ.get("PYTHONPATH")])
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_prestart_worker_first_driver": "0"}
    quiet |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return kept | quiet | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    """A cluster of one node that has room for two shards; it ends with its standard input."""
    files = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # its sockets' paths must be short
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER, files],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as cluster:
        assert cluster.stdout is not None
        yield cluster.stdout.readline().strip()
    shutil.rmtree(files, ignore_errors=True)


def started(folder: Path, environment: dict[str, str], name: str, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [
            *(sys.executable, "-c", BENCH, "run", "--codec", "deadly", "--workers", "1"),
            *("--data", str(folder / "set.csv"), "--device", "cpu", "--store", f"{folder / name}"),
            *("--results", str(folder / f"{name}-results"), *more),
        ],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(run: subprocess.Popen, store: Path) -> Ran:
    _, told = run.communicate()
    assert "Traceback" not in told
    with closing(sqlite3.connect(store)) as connection:
        cells = pd.read_sql_query("SELECT * FROM cells ORDER BY codec, clip, metric", connection)
        codes = pd.read_sql_query("SELECT * FROM codes ORDER BY clip_sha256", connection)
    return Ran(run.returncode, told, cells, codes)


def n_done(store: Path) -> int:
    """Clips of the codec that are in the store."""
    if not store.is_file():
        return 0
    with closing(sqlite3.connect(store)) as connection, suppress(sqlite3.OperationalError):
        query = "SELECT count(*) FROM cells WHERE metric = 'bits' AND codec = 'deadly'"
        return connection.execute(query).fetchone()[0]
    return 0  # no table yet


def test_a_run_that_is_stopped_and_loses_a_worker_ends_as_one_of_this_machine(
    folder: Path, environment: dict[str, str], address: str
) -> None:
    on_cluster = ("--executor", "ray", "--address", address)

    # Ctrl-C while a clip hangs: what is finished is kept.
    hanging = folder / str(n_samples(N_CLIPS - 1))
    hanging.write_text("hang")
    run = started(folder, environment, "far", *on_cluster)
    while n_done(folder / "far") < 2:
        with suppress(subprocess.TimeoutExpired):
            run.wait(0.05)
            pytest.fail(f"it ended by itself: {run.communicate()}")
    run.send_signal(signal.SIGINT)
    stopped = ended(run, folder / "far")
    assert stopped.status == 130
    assert stopped.told.endswith(
        "bench: stopped; what was finished is kept, the same command goes on from it\n"
    )
    assert 2 <= (stopped.cells["metric"] == "bits").sum() < 2 * N_CLIPS
    assert stopped.cells["error"].isna().all()

    # The same command goes on. The worker of that clip is killed, and another does it again.
    hanging.write_text("die")
    far = ended(started(folder, environment, "far", *on_cluster), folder / "far")
    assert (folder / "died").exists()
    assert far.status == 0, far.told
    n_kept = len(stopped.cells)
    assert f"{N_CELLS - n_kept} cells computed, {n_kept} were in" in far.told
    same = far.cells.merge(stopped.cells[["codec", "clip", "metric"]])
    pd.testing.assert_frame_equal(same, stopped.cells, check_exact=True)

    here = ended(started(folder, environment, "here"), folder / "here")
    assert here.status == 0, here.told
    assert len(here.cells) == N_CELLS
    times = ["seconds", "measured_at"]
    pd.testing.assert_frame_equal(
        far.cells.drop(columns=times), here.cells.drop(columns=times), check_exact=True
    )
    pd.testing.assert_frame_equal(far.codes, here.codes, check_exact=True)
    assert len(far.codes) == N_CLIPS
    assert set(far.cells["host"]) == {platform.node()}
