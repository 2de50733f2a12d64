"""The script that rebuilds the mini set, on a selection of two made-up clips."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from bench.datasets import mini
from bench.datasets.manifest import load_manifest

SCRIPT = Path(__file__).parents[2] / "tools" / "build_mini_set.py"
SAMPLES = "usr/share/sonic-pi/samples"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a selection, a package in a cache and a place for its output."""
    spec = importlib.util.spec_from_file_location("build_mini_set", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "build_mini_set", module)
    spec.loader.exec_module(module)
    root = tmp_path / "cache" / "sonic-pi-samples" / "root"
    (root / SAMPLES).mkdir(parents=True)
    (root.parent / "VERSION").write_text("3.2\n")
    ramp = np.stack([np.arange(1_000), np.zeros(1_000)], axis=1).astype(np.int16)
    soundfile.write(root / SAMPLES / "a.flac", ramp, 8_000)
    soundfile.write(root / SAMPLES / "b.flac", ramp + 5, 8_000)
    soundfile.write(root / SAMPLES / "fast.flac", ramp, 16_000)
    shared = {"dataset": "d", "kind": "effects", "package": "sonic-pi-samples", "group": "g"}
    columns = ("speaker", "language", "transcript", "transcript_check", "label", "licence")
    blank = dict.fromkeys((*columns, "attribution"), "")
    rows = [
        blank | shared | {"id": "one", "pieces": f"{SAMPLES}/a.flac"},
        blank | shared | {"id": "two", "pieces": f"{SAMPLES}/a.flac[10:20] {SAMPLES}/b.flac[0:3]"},
    ]
    with open(tmp_path / "selection.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setattr(module, "SELECTION", tmp_path / "selection.csv")
    monkeypatch.setattr(mini, "FOLDER", tmp_path / "mini")
    return module


def invoke(script: ModuleType, tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Run the script; its exit status and what it printed."""
    app = typer.Typer()
    app.command()(script.main)
    result = CliRunner().invoke(app, ["--cache", str(tmp_path / "cache"), *arguments])
    return result.exit_code, result.output


def test_writes_clips_and_manifest_that_check_confirms(script: ModuleType, tmp_path: Path) -> None:
    assert invoke(script, tmp_path) == (0, f"2 clips in {tmp_path / 'mini'}\n")
    manifest = load_manifest(tmp_path / "mini" / "manifest.csv")
    assert [clip.id for clip in manifest.clips] == ["one", "two"]
    first, sample_rate = soundfile.read(manifest.clips[0].path, dtype="int16")
    np.testing.assert_array_equal(first, np.arange(1_000))
    assert sample_rate == 8_000
    joined, _ = soundfile.read(manifest.clips[1].path, dtype="int16")
    gap = np.zeros(2_000, np.int16)
    np.testing.assert_array_equal(joined, np.concatenate([np.arange(10, 20), gap, [5, 6, 7]]))
    assert invoke(script, tmp_path, "--check") == (0, "2 clips rebuilt, 0 differences\n")


def test_check_names_differences_and_changes_nothing(script: ModuleType, tmp_path: Path) -> None:
    invoke(script, tmp_path)
    path = tmp_path / "mini" / "manifest.csv"
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["sha256"] = "0" * 64
    rows[1]["id"] = "other"
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    before = path.read_bytes()
    status, output = invoke(script, tmp_path, "--check")
    assert status == 1
    assert "one: other FLAC file of the same samples" in output
    assert "two: not bundled" in output
    assert "other: bundled, not in the selection" in output
    assert path.read_bytes() == before


def test_refuses_what_is_not_held_out(script: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"track\.ogg is not held out from training"):
        script.cut(Path("/"), "wesnoth-1.16-music", ["track.ogg"])


def test_refuses_to_join_rates(script: ModuleType, tmp_path: Path) -> None:
    root = tmp_path / "cache" / "sonic-pi-samples" / "root"
    pieces = [f"{SAMPLES}/a.flac", f"{SAMPLES}/fast.flac"]
    with pytest.raises(ValueError, match=r"rates \[8000, 16000\] cannot be joined"):
        script.cut(root, "sonic-pi-samples", pieces)


def test_missing_package_is_one_line(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "cache" / "sonic-pi-samples" / "VERSION").unlink()
    status, output = invoke(script, tmp_path)
    assert status == 2
    assert output.startswith("build_mini_set: apt-get is missing")
    assert len(output.strip().splitlines()) == 1
