"""benchmarks.runner: it runs, its loop and the runner agree, and it prints what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.runner", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def done() -> subprocess.CompletedProcess[str]:
    arguments = ("--codec", "amrnb-12.2k", "--clips", "2", "--turns", "2", "--workers", "1")
    return benchmark(*arguments)


def test_the_json_has_every_turn_and_the_ratios_between(
    done: subprocess.CompletedProcess[str],
) -> None:
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["workers"] == 1
    codec, by_itself = report["comparisons"]
    assert (codec["codec"], codec["suite"], codec["n_clips"]) == ("amrnb-12.2k", "signal", 2)
    assert (by_itself["codec"], by_itself["suite"]) == ("reference", "no-op")
    for row in (codec, by_itself):
        for way in ("loop", "one_thread_loop"):
            ratios = [
                loop / runner for loop, runner in zip(row[f"{way}_s"], row["runner_s"], strict=True)
            ]
            assert len(ratios) == 2
            found = row[f"{way}_over_runner"]
            assert (found["smallest"], found["largest"]) == (min(ratios), max(ratios))
            assert found["median"] == pytest.approx(sum(ratios) / 2)
            assert min(ratios) > 0


def test_the_table_has_a_row_for_each(done: subprocess.CompletedProcess[str]) -> None:
    assert "amrnb-12.2k, signal" in done.stderr
    assert "reference, no-op" in done.stderr


def test_a_misspelt_codec_is_told_in_one_line() -> None:
    done = benchmark("--codec", "opus-13k")
    assert done.returncode == 2
    assert "no codec is called 'opus-13k'; did you mean opus-1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("value", "agrees"), [(7.0, True), (7.001, False), (None, False)])
def test_scores_that_differ_end_it(value: float | None, agrees: bool) -> None:
    code = (
        "import pandas as pd, benchmarks.runner as b\n"
        "row = {'clip': 'a', 'metric': 'sdr', 'value': 7.0}\n"
        f"b._refuse_differences({{('a', 'sdr'): {value}}}, pd.DataFrame([row]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode == 0) == agrees
    assert agrees or f"sdr of a: the loop found {value}, the runner 7.0" in done.stderr
