"""The index of metrics: what each says of itself, and that it is cheap to ask."""

import re
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.metrics import METRICS


def test_names() -> None:
    assert list(METRICS) == ["sdr", "mel", "stoi", "pesq"]
    assert all(name == metric.name for name, metric in METRICS.items())


def test_only_mel_is_better_when_lower() -> None:
    assert [metric.name for metric in METRICS.values() if not metric.higher_is_better] == ["mel"]


def test_a_version_names_the_libraries_that_decide_the_score() -> None:
    assert METRICS["pesq"].version == f"pesq/1 pesq=={version('pesq')} soxr=={version('soxr')}"
    for name, metric in METRICS.items():
        assert re.fullmatch(rf"{name}/\d+( [a-z_]+==[\w.]+)+", metric.version)


@pytest.mark.parametrize("name", ["sdr", "mel", "stoi", "pesq"])
def test_worse_is_worse(name: str, speech: NDArray[np.float64], noise: NDArray[np.float64]) -> None:
    metric = METRICS[name]
    slightly = metric(speech, speech + 1e-3 * noise, 16_000)
    badly = metric(speech, speech + 1e-1 * noise, 16_000)
    assert (slightly > badly) == metric.higher_is_better


def test_the_index_imports_no_metric_library() -> None:
    code = (
        "import sys, bench.metrics\n"
        "print(sorted({'mir_eval', 'librosa', 'pystoi', 'pesq', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
