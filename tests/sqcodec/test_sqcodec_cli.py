"""The command line of the codec, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import authors
from sqcodec import weights
from sqcodec.cli import app


def _run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_info_lists_every_preset() -> None:
    status, out, _ = _run("info", "--json")
    assert status == 0
    by_name = {item["name"]: item for item in json.loads(out)}
    assert len(by_name) == 12
    assert by_name["sqcodec-0.75k"]["n_parameters"] == 15_179_044
    assert by_name["sqcodec-24k-24khz"]["sample_rate"] == 24000


def test_info_table_fits_a_terminal_of_80_columns() -> None:
    status, out, _ = _run("info")
    assert status == 0
    assert "11,256,344" in out
    assert "…" not in out


def test_info_of_a_misspelt_name() -> None:
    status, out, err = _run("info", "sqcodec-3")
    assert (status, out) == (2, "")
    assert "did you mean sqcodec-3k" in err
    assert "Traceback" not in err


def test_import_writes_a_file_that_info_reads(tmp_path: Path) -> None:
    folder = tmp_path / "authors"
    folder.mkdir()
    authors.save(authors.build("sqcodec-6k"), folder)
    out_path = tmp_path / "sqcodec-6k.safetensors"
    status, _, err = _run("import", folder, "--preset", "sqcodec-6k", "--out", out_path)
    assert status == 0, err
    status, out, _ = _run("info", out_path, "--json")
    assert status == 0
    (described,) = json.loads(out)
    assert described["padding"] == "window"
    assert described["n_parameters"] == 11_207_436


def test_import_of_an_empty_folder(tmp_path: Path) -> None:
    status, _, err = _run("import", tmp_path, "--preset", "sqcodec-6k")
    assert status == 2
    assert "encoder.pt is missing" in err


def test_default_place_of_an_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    assert weights.weights_folder() == tmp_path
