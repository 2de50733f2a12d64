"""benchmarks.training_step: what it times is training, and its ratio is what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_the_ratio_is_the_median_over_turns() -> None:
    done = run(
        "from benchmarks.training_step import Case\n"
        "print(Case('fp32', (6.0, 8.0, 4.0), (2.0, 2.0, 4.0)).ratio)\n"
        "print(Case('fp32', (6.0,), ()).ratio)"
    )
    assert done.stdout.split() == ["3.0", "None"], done.stderr


@pytest.mark.parametrize("who", ["our_step", "authors_step"])
def test_a_step_trains_every_parameter(who: str) -> None:
    done = run(
        "import torch, warnings\n"
        "warnings.simplefilter('ignore')\n"
        f"from benchmarks.training_step import {who} as build\n"
        "step = build('sqcodec-3k', 'bf16', torch.device('cpu'))\n"
        "before = [p.detach().clone() for p in step.parameters]\n"
        "loss = step(0.1 * torch.randn(1, 3600))\n"
        "assert 0 < loss < 1000, loss\n"
        "moved = [not torch.equal(a, b) for a, b in zip(before, step.parameters)]\n"
        "print(sum(moved) / len(moved))"
    )
    assert float(done.stdout) > 0.95, done.stderr


def test_a_misspelt_preset_is_told_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_step", "--preset", "sqcodec-4k"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "sqcodec-4k is none of sqcodec-0.75k" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_json_has_both_precisions_and_the_smallest_ratio() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_step", "--steps", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [case["precision"] for case in report["cases"]] == ["fp32", "bf16"]
    for case in report["cases"]:
        assert case["ratio"] == pytest.approx(case["ours"][0] / case["theirs"][0])
    assert report["smallest_ratio"] == min(case["ratio"] for case in report["cases"])
