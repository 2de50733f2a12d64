"""docs/add-a-codec.md: its example, installed as the package that it is, is benchmarked."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

DOC = Path(__file__).parents[2] / "docs" / "add-a-codec.md"
MOST_LINES = 40


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOC.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages that has the example."""
    (pyproject,), (module,) = blocks("toml"), blocks("python")
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(pyproject)
    (source / "bench_mulaw6.py").write_text(module)
    target = tmp_path / "site"
    # No registry: what it depends on is here.
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True
    )
    return target


def test_the_example_is_short() -> None:
    (module,) = blocks("python")
    assert len(module.splitlines()) < MOST_LINES


def test_the_installed_example_is_benchmarked(site: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    soundfile.write(data / "tone.wav", tone, 16_000)
    arguments = ["--codec", "mulaw6-48k", "--data", "data", "--kind", "music", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "results/signal/data/mulaw6-48k.json").read_text())
    assert result["measured_bitrate_bps"] == pytest.approx(48_000)
    assert result["codec"]["revision"] == "1.0"
    scores = {score["name"]: score["mean"] for score in result["scores"]}
    sdr = next(value for name, value in scores.items() if "sdr" in name)
    assert 15 < sdr < 40  # 6 bits, spread by mu-law
