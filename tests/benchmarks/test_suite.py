"""benchmarks.suite: both sides run, their scores are compared, and it prints what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.suite", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_it_times_both_sides_and_prints_the_ratio() -> None:
    done = benchmark("--codec", "resample-16k", "--clips", "2", "--turns", "1", "--workers", "1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    (row,) = report["comparisons"]
    assert (row["codec"], row["n_clips"], report["workers"]) == ("resample-16k", 2, 1)
    assert row["ratio"] == row["serial_s"][0] / row["runner_s"][0] == report["smallest_ratio"] > 0
    assert report["start_up_is_counted"]
    assert f"smallest ratio {row['ratio']:.2f}, resample-16k (target 4)" in done.stderr


def test_a_misspelt_codec_is_told_in_one_line() -> None:
    done = benchmark("--codec", "opus-13k")
    assert done.returncode == 2
    assert "no codec is called 'opus-13k'; did you mean opus-1" in done.stderr
    assert "Traceback" not in done.stderr


PERFECT = {"sdr": {"a": 250.0}, "pesq": {"a": None}, "stoi": {}}


@pytest.mark.parametrize(
    ("runner", "message"),
    [
        ({"sdr": {"a": 250.0}, "pesq": {"a": None}}, ""),
        ({"sdr": {"a": 280.0}, "pesq": {"a": None}}, ""),  # rounding of a perfect estimate
        ({"sdr": {"a": 99.0}, "pesq": {"a": None}}, "sdr of a: 250.0 in the pass, the runner 99.0"),
        ({"sdr": {"a": 250.0}, "pesq": {"a": 1.2}}, "pesq of a: None in the pass, the runner 1.2"),
        ({"sdr": {"a": 250.0}}, "have not scored the same clips"),
        ({"sdr": {"b": 250.0}, "pesq": {"a": None}}, "have not scored the same clips"),
    ],
)
def test_scores_that_differ_end_it(runner: dict[str, dict[str, float]], message: str) -> None:
    code = f"import benchmarks.suite as b\nb.refuse_differences({PERFECT!r}, {runner!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode == 0) == (not message), done.stderr
    assert message in done.stderr


@pytest.mark.parametrize(("found", "same"), [(7.0, True), (7.01, False)])
def test_rounding_is_no_difference_and_anything_else_is(found: float, same: bool) -> None:
    code = f"import benchmarks.suite as b; print(b._same('mel', 7.0 + 1e-7, {found}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == str(same), done.stderr
