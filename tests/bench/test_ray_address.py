"""bench.ray_address: what cannot be reached is told in a line, and soon."""

import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import cli, ray_address
from bench.ray_address import connected
from bench.team import RunError


@pytest.fixture
def port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def bench_run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    folders = ["--store", str(tmp_path / "store"), "--results", str(tmp_path / "results")]
    done = CliRunner().invoke(cli.app, ["run", "--codec", "reference", *folders, *arguments])
    assert "Traceback" not in done.output
    return done.exit_code, done.output


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    told = "bench: --executor ray needs Ray: pip install -c constraints.txt -e '.[ray]'\n"
    assert bench_run(tmp_path, "--executor", "ray") == (2, told)


def test_a_number_of_codec_processes_is_refused(tmp_path: Path) -> None:
    told = "bench: --codec-processes is for runs here: with Ray each shard has one\n"
    assert bench_run(tmp_path, "--executor", "ray", "--codec-processes", "2") == (2, told)


@pytest.mark.parametrize("given", ["option", "variable"])
def test_an_address_where_nobody_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    address = f"127.0.0.1:{free}"
    monkeypatch.setenv("RAY_ADDRESS", address if given == "variable" else "elsewhere")
    option = ("--address", address) if given == "option" else ()
    status, told = bench_run(tmp_path, "--executor", "ray", *option)
    assert status == 2
    assert told.startswith(f"bench: no Ray cluster can be used at {address}: ConnectionRefused")
    assert told.count("\n") == 1


def test_one_that_does_not_answer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_address, "_ANSWER_S", 0.5)
    with pytest.raises(RunError, match=rf"^no Ray cluster can be used at 127.0.0.1:{port}: no ans"):
        connected(f"127.0.0.1:{port}")


@pytest.mark.parametrize("address", ["head", "head:port"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(RunError, match=f"^no Ray cluster can be used at {address}: "):
        connected(address)


def test_an_address_of_rays_client_is_refused() -> None:
    with pytest.raises(RunError, match=r"run bench on a machine of the cluster, with --address"):
        connected("ray://head:10001")


def test_unknown_executors_and_suites_that_are_not_spread(tmp_path: Path) -> None:
    status, told = bench_run(tmp_path, "--executor", "slurm")
    assert status == 2
    assert "no executor is called 'slurm'" in told
    status, told = bench_run(tmp_path, "--executor", "ray", "--suite", "application")
    assert status == 2
    assert told == "bench: --executor ray spreads the signal suite alone: judge clips here\n"


def test_an_address_without_ray_is_refused(tmp_path: Path) -> None:
    told = "bench: --address is for --executor ray: without it, the run stays here\n"
    assert bench_run(tmp_path, "--address", "head:6379") == (2, told)
    assert bench_run(tmp_path, "--address", "auto", "--executor", "local") == (2, told)
