"""A codec that has files of its own for each clip, through a whole run."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from bench import cli, console

RATE = 16_000
NOISE = np.random.default_rng(0).uniform(-0.4, 0.4, RATE // 2)


@pytest.mark.usefixtures("teams_are_inline")
def test_a_run_names_what_is_missing_and_what_is_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trees = {"data": ("speech/a.wav", "c.wav", "d.wav")}
    trees["theirs"] = ("speech/a.wav", "speech/b.wav", "c.wav")
    for tree, files in trees.items():
        (tmp_path / tree / "speech").mkdir(parents=True)
        for file in files:
            soundfile.write(tmp_path / tree / file, NOISE, RATE)
    (tmp_path / "theirs" / "codec.json").write_text('{"bitrate_bps": 2400}')
    done = CliRunner().invoke(
        cli.app, ["run", "--codec", "folder:theirs", "--data", "data", "--kind", "music"]
    )
    assert done.exit_code == console.SOME_FAILED, done.output
    assert ": no decoded file for d.wav" in done.stderr
    assert ": decoded files of no clip: speech/b" in done.stderr
    (result,) = Path("results/signal/data").glob("theirs-*.json")
    read = json.loads(result.read_text())
    assert read["measured_bitrate_bps"] == pytest.approx(2400)
    assert (read["n_clips"], read["n_clips_failed"]) == (3, 1)
