"""The presets as data, for the report's Tables 4 and 5."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sqcodec import cli, configurations_cli
from sqcodec.presets import ABLATIONS, PRESETS


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two presets, since each network takes its time."""
    chosen = {name: PRESETS[name] for name in ("sqcodec-1.5k", "sqcodec-3k")}
    monkeypatch.setattr(configurations_cli, "PRESETS", chosen)
    monkeypatch.setattr(configurations_cli, "ABLATIONS", {})


@pytest.mark.usefixtures("few")
def test_configurations_and_what_the_weights_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQCODEC_WEIGHTS", str(tmp_path))
    out = tmp_path / "configurations.json"
    done = CliRunner().invoke(cli.app, ["configurations", "--out", str(out)])
    assert done.exit_code == 0, done.output
    low, bundled = json.loads(out.read_text())["configurations"]
    assert (low["name"], low["window_sizes"], low["weights"]) == ("sqcodec-1.5k", [300, 600], None)
    assert low["n_parameters"] == 15_095_076
    assert (bundled["encoder_rates"], bundled["receptive_field_s"]) == ([6, 5, 3], 2.25)
    assert bundled["weights"]["hours_heard"] > 0
    assert "wesnoth-1.16-music" in bundled["weights"]["packages"]


@pytest.mark.usefixtures("few")
def test_a_folder_that_cannot_be_written_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "configurations.json"
    done = CliRunner().invoke(cli.app, ["configurations", "--out", str(out)])
    assert done.exit_code == 2
    assert done.stderr.startswith("sqcodec: ")
    assert done.stderr.count("\n") == 1


def test_the_committed_file_is_of_these_presets() -> None:
    path = Path(__file__).parents[2] / "results" / "configurations.json"
    stored = json.loads(path.read_text())["configurations"]
    assert [one["name"] for one in stored] == [*PRESETS, *ABLATIONS]
    for one, config in zip(stored, (PRESETS | ABLATIONS).values(), strict=True):
        assert tuple(one["encoder_rates"]) == config.encoder_rates
        assert tuple(one["fsq_levels"]) == config.fsq_levels
        assert one["receptive_field_s"] == config.receptive_field_s
