"""`bench report`: all of it from stored results, the same bytes, a line for what is damaged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench import cli, report_cli

ROOT = Path(__file__).parents[2]
COUNTED_S = 300.0  # generous: a loaded machine


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot run here does not depend on the machine."""
    monkeypatch.setattr(report_cli, "_unavailable", lambda: {"dac-16k-3k": "no weights of it"})


def report(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["report", *map(str, arguments)])


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_papers_report_needs_no_torch_and_no_results(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "results" / "paper", tmp_path / "results" / "paper")
    program = (
        "import sys\n"
        "from bench.cli import app\n"
        "app(['report', '--from', 'paper', '--no-figures'], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=COUNTED_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = contents(tmp_path / "reports")
    assert len([name for name in written if name.startswith("tables/paper/table")]) == 16
    assert {"README.md", "claims.md", "claims.csv"} < set(written)
    assert not any("/ours/" in name or "/both/" in name for name in written)


def test_twice_the_same_bytes(small_results: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--results", small_results, "--out", out, "--no-figures")
    assert report(*arguments).exit_code == 0
    first = contents(out)
    assert report(*arguments).exit_code == 0
    assert contents(out) == first
    assert len(first) == 3 * 16 + 3
    assert not [name for name in first if name.endswith(".tmp")]


def test_figures_are_drawn_and_listed(
    small_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.report import figures

    def draw(
        out: Path, results: Path, only_paper: bool = False, dataset: str | None = None
    ) -> list[figures.Drawn]:
        assert (results, only_paper, dataset) == (small_results, False, None)
        out.mkdir()
        (out / "figure1.png").write_bytes(b"")
        return [
            figures.Drawn("figure1", "Quality against cost.", (out / "figure1.png",)),
            figures.Drawn("training", "Losses.", reason="no log of a training"),
        ]

    monkeypatch.setattr(figures, "draw", draw)
    done = report("--results", small_results, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "no training: no log of a training" in done.stderr
    index = (tmp_path / "out" / "README.md").read_text()
    assert "| Quality against cost. | [png](figures/figure1.png) |" in index
    assert "| Losses. | no log of a training |" in index


def test_every_link_of_the_index_leads_somewhere(small_results: Path, tmp_path: Path) -> None:
    import re

    out = tmp_path / "reports"
    assert report("--results", small_results, "--out", out, "--no-figures").exit_code == 0
    links = re.findall(r"\]\(([^)]+)\)", (out / "README.md").read_text())
    assert len(links) > 40
    missing = [link for link in links if not (out / link).exists()]
    assert missing == ["../docs/reports.md"]
    assert (ROOT / "docs" / "reports.md").is_file()


@pytest.mark.parametrize("keep", ["paper", "signal", "application", "complexity"])
def test_a_half_filled_folder_gives_the_same_tables(
    small_results: Path, tmp_path: Path, keep: str
) -> None:
    for path in small_results.iterdir():
        if path.name not in ("paper", keep):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = report("--results", small_results, "--out", tmp_path / "out", "--no-figures")
    assert done.exit_code == 0, done.output
    assert len(contents(tmp_path / "out")) == 3 * 16 + 3


@pytest.mark.parametrize(
    "name",
    [
        "paper/table2-application.csv",
        "signal/small/opus-6k.json",
        "application/small/encodec-3k.json",
        "complexity/encodec-3k.json",
        "certificates/encodec-3k.json",
        "configurations.json",
    ],
)
def test_a_damaged_file_is_one_line_and_nothing_is_written(
    small_results: Path, tmp_path: Path, name: str
) -> None:
    (small_results / name).write_bytes(b"\xff{")
    done = report("--results", small_results, "--out", tmp_path / "out", "--no-figures")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"bench: {small_results / name}: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_a_line(small_results: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    done = report("--results", small_results, "--out", tmp_path / "out", "--no-figures")
    assert done.exit_code == 2
    assert done.stderr.startswith("bench: cannot write the report to ")
    assert done.stderr.count("\n") == 1


def test_without_the_papers_numbers(tmp_path: Path) -> None:
    done = report("--results", tmp_path, "--out", tmp_path / "out", "--no-figures")
    assert done.exit_code == 2
    assert "the paper's numbers are not here" in done.stderr


def test_an_unknown_data_set_is_suggested(small_results: Path, tmp_path: Path) -> None:
    done = report("--results", small_results, "--out", tmp_path / "out", "--data", "smal")
    assert done.exit_code == 2
    assert "did you mean small" in done.stderr


def test_reasons_have_no_paths_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("SQCODEC_WEIGHTS", str(tmp_path))
    reasons = report_cli._unavailable()
    assert reasons["sqcodec-12k"] == "no weights"
    assert "sqcodec-3k" not in reasons
    assert not [reason for reason in reasons.values() if str(tmp_path) in reason]


def test_the_committed_tables_of_the_paper_are_what_the_command_writes(tmp_path: Path) -> None:
    arguments = ("--from", "paper", "--results", ROOT / "results", "--no-figures")
    done = report(*arguments, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    made = contents(tmp_path / "out" / "tables" / "paper")
    assert made == contents(ROOT / "reports" / "tables" / "paper")
