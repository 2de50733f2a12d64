"""Definitions to test with: environments without any package, made in seconds, offline."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.isolation.definition import Definition, read_definition
from bench.isolation.environment import FOLDER_VARIABLE, create

WORKER = """
import os, signal, subprocess, sys, time
from array import array


def echo(value):
    return value


def half(audio):
    return array("f", [sample / 2 for sample in audio])


def kind(audio):
    return type(audio).__name__


def pid():
    return os.getpid()


def shout(text):
    print(text, flush=True)
    return len(text)


def refuse(why):
    raise ValueError(why)


def fail(why):
    raise KeyError(why)


def strange():
    return object()


def kill(name):
    sys.stderr.write("model not found\\n")
    sys.stderr.flush()
    os.kill(os.getpid(), getattr(signal, name))


def leave(status):
    os._exit(status)


def hang():
    signal.pause()


def start_child():
    return subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]).pid


def garble(folder):
    for path in os.listdir(folder):
        if path.startswith("bench-decoded-"):
            os.mkdir(os.path.join(folder, path, "answer.json"))
"""
VERBS = (
    *("echo", "half", "kind", "pid", "shout", "refuse", "fail", "strange"),
    *("kill", "leave", "hang", "start_child", "garble"),
)


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of environments of the test's own, empty."""
    folder = tmp_path / "environments"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def define(tmp_path: Path) -> Callable[..., Definition]:
    """Writes a definition and its worker, and reads it."""

    def write(script: str = WORKER, name: str = "tiny", **fields: object) -> Definition:
        (tmp_path / "worker.py").write_text(script)
        content = {"name": name, "worker": "worker.py", "verbs": list(VERBS)} | fields
        path = tmp_path / f"{name}.toml"
        path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in content.items()))
        return read_definition(path)

    return write


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Definition]:
    """An environment that a file's tests share, and the folder that it is in."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "worker.py").write_text(WORKER)
    path = folder / "tiny.toml"
    path.write_text(f'name = "tiny"\nworker = "worker.py"\nverbs = {json.dumps(VERBS)}\n')
    definition = read_definition(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "environments"))
        create(definition)
    return folder / "environments", definition
