"""The `bench` program as it is: its help, its version, and a process of its own."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from typer.testing import CliRunner

from bench import cli


def test_help_tells_the_exit_statuses() -> None:
    text = " ".join(CliRunner().invoke(cli.app, ["run", "--help"]).stdout.split())
    assert "Exit status: 0 all clips scored; 1 some clips lack a score" in text


def test_version() -> None:
    done = CliRunner().invoke(cli.app, ["--version"])
    assert done.stdout == f"bench {version('sqcodec-bench')}\n"


def test_a_real_command_without_weights(tmp_path: Path) -> None:
    """As a user meets it: a process of its own, no hub in reach, one line, status 2."""
    program = "from bench.cli import app; app()"
    arguments = ["run", "--codec", "sqcodec-6k-no-tconv", "--suite", "signal"]
    folders = ["--store", str(tmp_path / "s"), "--results", str(tmp_path / "r")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments, *folders],
        env=os.environ | {"SQCODEC_WEIGHTS": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: no weights for sqcodec-6k-no-tconv: ")
    assert list(tmp_path.iterdir()) == []
