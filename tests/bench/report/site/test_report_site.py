"""`bench report --site`, as a user runs it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import cli, report_cli


@pytest.fixture(autouse=True)
def _nothing_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_cli, "_unavailable", dict)


def _report(results: Path, out: Path) -> tuple[int, str]:
    arguments = ["report", "--site", "--no-figures", "--results", str(results), "--out", str(out)]
    found = CliRunner().invoke(cli.app, arguments)
    return found.exit_code, found.stderr


def test_the_site_stands_beside_the_tables(results: Path, tmp_path: Path) -> None:
    status, said = _report(results, tmp_path / "reports")
    assert status == 0, said
    assert (tmp_path / "reports" / "site" / "index.html").is_file()
    assert "(site/index.html)" in (tmp_path / "reports" / "README.md").read_text()


def test_what_is_in_its_place_is_one_line(results: Path, tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "site").write_text("a file")
    status, said = _report(results, tmp_path / "reports")
    assert status == 2
    assert "site is not a site of this program" in said.strip().splitlines()[-1]


def test_the_papers_numbers_alone_make_no_site(tmp_path: Path) -> None:
    found = CliRunner().invoke(
        cli.app, ["report", "--site", "--from", "paper", "--out", str(tmp_path / "out")]
    )
    assert found.exit_code == 2
    assert "does not go with --from paper" in found.stderr
    assert not (tmp_path / "out").exists()


def test_a_damaged_excerpt_is_one_line(results: Path, tmp_path: Path) -> None:
    (results / "heard" / "small" / "heard.json").write_text("{")
    status, said = _report(results, tmp_path / "reports")
    assert status == 2
    assert "heard.json: nothing that can be heard" in said.strip().splitlines()[-1]
