"""benchmarks.inference: both sides have the same weights, and a figure is what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_the_figure_is_the_smallest_ratio_of_the_fastest_row() -> None:
    done = run(
        "-c",
        "from benchmarks.inference_figures import Case, figure, ratio\n"
        "def case(row, seconds, duration_s):\n"
        "    half = tuple(s / 2 for s in seconds)\n"
        "    return Case(row, duration_s, 1, half, half)\n"
        "print(ratio((1.0, 2.0, 1.0), (3.0, 4.0, 8.0)))\n"
        "cases = [case('sq_codec', (8.0,), 10.0), case('sq_codec, folded', (6.0,), 10.0),\n"
        "    case('fast', (2.0,), 10.0), case('fast, compiled', (1.0,), 10.0),\n"
        "    case('sq_codec', (2.0,), 2.0), case('sq_codec, folded', (2.1,), 2.0),\n"
        "    case('fast', (0.5,), 2.0)]\n"
        "found = figure('fp32', cases)\n"
        "print(found.ratio, found.row, found.reference, found.duration_s, sep='/')\n"
        "print(figure('fp32', cases[:4]).ratio, figure('bf16', cases))\n",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["3.0", "4.0/fast/sq_codec/2.0", "6.0 None"]


@pytest.mark.parametrize("preset", ["sqcodec-3k", "sqcodec-1.5k"])
def test_the_authors_network_gets_our_weights(preset: str) -> None:
    """Trained ones and random ones: the same codes and audio of a window."""
    done = run(
        "-c",
        "import torch\n"
        "from benchmarks.inference_rows import BUILDERS\n"
        "from sqcodec.presets import get_config\n"
        f"config = get_config('{preset}')\n"
        "torch.manual_seed(0)\n"
        "audio = 0.1 * torch.randn(1, config.window_length)\n"
        f"rows = [BUILDERS[name]('{preset}') for name in ('sq_codec', 'plain')]\n"
        "codes = [row.encode(audio) for row in rows]\n"
        "decoded = [row.decode(codes[0]) for row in rows]\n"
        "print((codes[0] == codes[1]).float().mean().item())\n"
        "print((decoded[0] - decoded[1]).abs().max().item())\n",
    )
    assert done.returncode == 0, done.stderr
    equal, difference = (float(line) for line in done.stdout.split())
    assert equal > 0.99
    assert difference < 1e-3


@pytest.mark.slow
def test_the_json_has_every_case_and_both_figures() -> None:
    options = ("--turns", "1", "--durations", "0.3", "--pesq", "1", "--onnx")
    done = run("-m", "benchmarks.inference", *options)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = {"sq_codec", "sq_codec, folded", "plain", "fast", "fast bf16", "ONNX Runtime"}
    cases = {(case["row"], case["threads"]) for case in report["cases"]}
    assert cases == {(row, threads) for row in rows for threads in (1, 2)}
    assert set(report["peak_memory_bytes"]) == rows
    assert {one["row"] for one in report["exactness"]} == rows
    assert [one["precision"] for one in report["figures"]] == ["fp32", "bf16"]
    for one in report["figures"]:
        assert f"smallest ratio {one['ratio']:.2f}" in done.stderr
    exact = {one["row"]: one for one in report["exactness"]}
    for row in ("fast", "ONNX Runtime"):
        assert exact[row]["rms"] <= exact["sq_codec"]["rms"]
        assert exact[row]["n_other"] == exact[row]["n_ties"]
    assert report["speech"]["n_clips"] == 1
    assert report["speech"]["largest_difference"] < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "sqcodec-4k"), "sqcodec-4k is none of sqcodec-0.75k"),
        (("--durations", "ten"), "takes numbers from 0.1 to 60"),
        (("--durations", "2,nan"), "got '2,nan', '1,2'"),
        (("--threads", "0"), "whole ones from 1"),
        (("--preset", "sqcodec-12k", "--pesq", "1"), "--pesq needs trained weights"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = run("-m", "benchmarks.inference", *arguments, SQCODEC_WEIGHTS=str(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
