"""docs/add-a-codec.md: its examples are benchmarked, one as a package, one in isolation."""

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
PACKAGE, ISOLATED = "One in two files", "One that cannot live beside ours"
MOST_LINES = 40


def blocks(section: str, language: str) -> list[str]:
    _, _, text = DOC.read_text().partition(f"## {section}\n")
    text, _, _ = text.partition("\n## ")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def bench(folder: Path, *arguments: str, **variables: str) -> None:
    """Run a command in a folder; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def sdr_of_a_tone(folder: Path, codec: str, **variables: str) -> tuple[dict, float]:
    """Run a codec on a tone; return its results and its SDR, dB."""
    data = folder / "data"
    data.mkdir()
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    soundfile.write(data / "tone.wav", tone, 16_000)
    arguments = ["--codec", codec, "--data", "data", "--kind", "music", "--workers", "1"]
    bench(folder, "run", *arguments, **variables)
    result = json.loads((folder / f"results/signal/data/{codec}.json").read_text())
    scores = {score["name"]: score["mean"] for score in result["scores"]}
    return result, next(value for name, value in scores.items() if "sdr" in name)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages that has the example."""
    (pyproject,), (module,) = blocks(PACKAGE, "toml"), blocks(PACKAGE, "python")
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
    (module,) = blocks(PACKAGE, "python")
    assert len(module.splitlines()) < MOST_LINES


def test_the_installed_example_is_benchmarked(site: Path, tmp_path: Path) -> None:
    result, sdr_db = sdr_of_a_tone(tmp_path, "mulaw6-48k", PYTHONPATH=str(site))
    assert result["measured_bitrate_bps"] == pytest.approx(48_000)
    assert result["codec"]["revision"] == "1.0"
    assert 15 < sdr_db < 40  # 6 bits, spread by mu-law


def test_the_isolated_example_is_made_verified_and_benchmarked(tmp_path: Path) -> None:
    (definition,), (worker,) = blocks(ISOLATED, "toml"), blocks(ISOLATED, "python")
    (tmp_path / "mulaw8.toml").write_text(definition)
    (tmp_path / "mulaw8_worker.py").write_text(worker)
    (commands,) = blocks(ISOLATED, "sh")
    create, verify, run = (line.split() for line in commands.splitlines())
    here = {"BENCH_ENVIRONMENTS": str(tmp_path / "environments")}
    for program, *arguments in (create, verify):
        assert program == "bench"
        bench(tmp_path, *arguments, **here)
    assert run == ["bench", "run", "--codec", "mulaw8-64k"]
    result, sdr_db = sdr_of_a_tone(tmp_path, "mulaw8-64k", **here)
    assert result["measured_bitrate_bps"] == pytest.approx(64_000)
    assert result["certificate"]["passed"]
    assert 30 < sdr_db < 50  # 8 bits, spread by mu-law
