"""Ablations in processes of their own: side by side, killed with SIGKILL, and gone on with."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ablation_stub
import pytest
from ablation_stub import NAMES, give_orders, is_held

from bench.ablation import training
from bench.ablation.folder import Run
from bench.executors import Worker
from bench.trainable import Trained

PROGRAM = "import ablation_stub; ablation_stub.main()"
HANGING = "sqcodec-6k-no-tconv-seed0"


def _start(folder: Path) -> subprocess.Popen[str]:
    path = (str(Path(ablation_stub.__file__).parent), os.environ.get("PYTHONPATH", ""))
    return subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM, "ablate", "--budget-steps", "3", "--batch", "1"),
            *("--variants", "window-40,no-tconv", "--jobs", "2", "--threads", "1"),
            *("--corpus", str(folder / "orders"), "--out", str(folder / "out")),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path)), "MPLBACKEND": "agg"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run_until(folder: Path, is_time: Callable[[], bool]) -> subprocess.Popen[str]:
    run = _start(folder)
    while not is_time():
        with suppress(subprocess.TimeoutExpired):
            run.wait(0.02)
            pytest.fail(f"it ended by itself: {run.communicate()}")
    return run


def test_two_trainings_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other to have begun; one after the other, neither would come to an end."""
    monkeypatch.setattr(training, "process", lambda _: Worker("training", ablation_stub.prepare))
    give_orders(tmp_path / "orders", meet=2)
    settings = ablation_stub.settings("sqcodec-6k", "baseline", 3, 1, 0, {})
    runs = [Run(name, 0, name, tmp_path / name, settings) for name in NAMES[:2]]
    found = training.train_all(runs, str(tmp_path / "orders"), ["here", "there"], 1)
    assert all(isinstance(one, Trained) for one in found.values()), found
    devices = {path.read_text() for path in (tmp_path / "orders").glob("*.begun")}
    assert devices == {"here", "there"}


def test_killed_in_the_middle_it_leaves_nothing_alive_and_does_the_rest(tmp_path: Path) -> None:
    orders, out = tmp_path / "orders", tmp_path / "out"
    give_orders(orders, meet=2, hang=HANGING)

    def is_time() -> bool:  # two trainings are done, and the third has begun
        begun = (orders / f"{HANGING}.begun").exists()
        return begun and len(list(out.glob("runs/*/done.json"))) == 2

    run = _run_until(tmp_path, is_time)
    assert is_held(orders / f"{HANGING}.lock")
    run.kill()
    # Its processes hold the other ends of the pipes: this waits until all of them are gone.
    run.communicate()
    assert not is_held(orders / f"{HANGING}.lock")
    assert not (out / "ablation.json").exists()

    give_orders(orders)
    again = _start(tmp_path)
    _, told = again.communicate()
    assert again.returncode == 0, told
    assert "2 of 3 trainings are done already" in told
    begun = (orders / "trained.txt").read_text().splitlines()
    assert sorted(begun[:2]) == [f"sqcodec-6k-{name}-seed0 from step 0" for name in NAMES[:2]]
    assert begun[2:] == [f"{HANGING} from step 0", f"{HANGING} from step 2"]
    with open(out / "table3-ablation.csv", newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file) if row["source"] == "trained here"}
    assert float(rows["sqcodec-6k-window-40"]["sdr_db"]) == pytest.approx(-0.25)
    assert float(rows["sqcodec-6k-no-tconv"]["sdr_db"]) == pytest.approx(-0.5)
    assert not list(out.glob("runs/*/state-*.pt"))
