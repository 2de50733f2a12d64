"""bench env: made, listed, removed; and what is said of what cannot be."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bench.cli import app
from bench.isolation.environment import FOLDER_VARIABLE


@pytest.fixture(autouse=True)
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "environments"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return define(tmp_path / "tiny.toml")


def define(path: Path, **fields: object) -> Path:
    (path.parent / "worker.py").write_text("def one():\n    return 1\n")
    content = {"name": "tiny", "worker": "worker.py", "verbs": ["one"], **fields}
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in content.items()))
    return path


def bench_env(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["env", *map(str, arguments)])


def row(name: str) -> str:
    done = bench_env("list")
    assert done.exit_code == 0, done.output
    found = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
    return " ".join(found[0].split()) if found else ""


def test_an_environment_is_made_listed_and_removed(tiny: Path) -> None:
    assert row("tiny") == ""
    done = bench_env("create", tiny)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("tiny is made: Python 3.")
    assert row("tiny").startswith("tiny created 3.")
    assert bench_env("create", "tiny").stdout.startswith("tiny is there already: ")
    define(tiny, requirements=["numpy==2.0.0"])
    assert row("tiny").startswith("tiny stale 3.")
    define(tiny, verbs=[])
    assert row("tiny").startswith("tiny broken 3.")
    assert bench_env("remove", "tiny").stdout == "tiny is removed\n"
    assert row("tiny") == ""


def test_ours_are_listed_before_they_are_made() -> None:
    assert row("clap") == "clap not created bench env create clap"


def test_a_definition_that_moved_is_made_known_again(tiny: Path, tmp_path: Path) -> None:
    assert bench_env("create", tiny).exit_code == 0
    (tmp_path / "moved").mkdir()
    tiny.unlink()
    assert row("tiny").startswith("tiny broken 3.")
    moved = define(tmp_path / "moved" / "tiny.toml")
    assert bench_env("create", moved).stdout.startswith("tiny is made")
    assert row("tiny").startswith("tiny created 3.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "clapp"), "bench: no environment is called 'clapp'; did you mean clap? "),
        (("remove", "clapp"), "bench: no environment is called 'clapp'; did you mean clap? "),
        (("remove", "clap"), "bench: the environment clap was not created: nothing to remove\n"),
        (("create", "nowhere.toml"), "bench: nowhere.toml cannot be read: no such file or dire"),
        (("remove", ".."), "bench: no environment is called '..'; "),
    ],
)
def test_what_is_not_there_is_status_2(arguments: tuple[str, ...], told: str) -> None:
    done = bench_env(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1


def test_the_name_of_one_of_ours_is_refused(tmp_path: Path) -> None:
    done = bench_env("create", define(tmp_path / "mine.toml", name="clap"))
    assert done.exit_code == 2
    assert "clap is the name of one of ours: choose another" in done.stderr


def test_pips_last_lines_are_told(tmp_path: Path, environments: Path) -> None:
    path = define(
        tmp_path / "tiny.toml",
        requirements=["bench-no-such-package==1.0"],
        pip_options=["--no-index"],
    )
    done = bench_env("create", path)
    assert done.exit_code == 2
    assert "No matching distribution found for bench-no-such-package==1.0" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last == "bench: the environment tiny cannot be made: pip failed (status 1)"
    assert row("tiny") == ""


def test_a_folder_that_cannot_be_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file"))
    done = bench_env("create", tiny)
    assert done.exit_code == 2
    assert done.stderr.startswith("bench: ")
    assert done.stderr.count("\n") == 1
