"""`sqcodec figures`, as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sqcodec.cli import app


def test_it_writes_what_the_report_draws_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        result = CliRunner().invoke(app, ["figures", "--out", str(tmp_path / folder)])
        assert result.exit_code == 0, result.stderr
    files = sorted((tmp_path / "first").iterdir())
    assert [file.name for file in files] == ["architecture-sqcodec-3k.json", "tpooling.npz"]
    for file in files:
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes()
    assert json.loads(files[0].read_text())["n_parameters"] == 11_256_344
    with np.load(files[1]) as arrays:
        assert arrays["audio"].shape == arrays["pooled"].shape == (16_000,)
        assert "not a recording" in str(arrays["origin"])


@pytest.mark.parametrize("preset", ["sqcodec-3", "nope"])
def test_an_unknown_preset_is_one_line_and_no_file(tmp_path: Path, preset: str) -> None:
    result = CliRunner().invoke(app, ["figures", preset, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr.startswith("sqcodec: no SQCodec preset is called")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["figures", "--out", str(tmp_path / "file")])
    assert result.exit_code == 2
    assert result.stderr.startswith("sqcodec: ")
    assert result.stderr.count("\n") == 1
