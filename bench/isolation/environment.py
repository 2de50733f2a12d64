"""Isolated environments on disk: made whole or not at all, and what is in them.

``<folder>/<name>/`` has a virtual environment ``venv-...`` and, written last, ``made.json``, which
says which one that is, for what requirements it was made, and the versions that came of them.
Without that record there is no environment, so that one half made is never taken for a whole
one; a new one takes the place of the old one only when it is whole. `folder` is
``$BENCH_ENVIRONMENTS``, by default in the user's data folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from bench.isolation.definition import Definition

FOLDER_VARIABLE = "BENCH_ENVIRONMENTS"

_RECORD = "made.json"
_LOCK = "lock"
_PREFIX = "venv-"
_MOST_LINES = 12
_VERSIONS = """
import json, sys
from importlib.metadata import distributions
found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
print(json.dumps({"python": sys.version.split()[0], "versions": found}))
"""


class EnvironmentMissingError(RuntimeError):
    """An environment is not there, or is not what its definition asks for now.

    The message is one line for the user: what is missing, and the command that makes it.
    """


class CreationError(RuntimeError):
    """An environment cannot be made.

    Attributes:
        lines: the last ones of what pip said.
    """

    def __init__(self, message: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.lines = lines


@dataclass(frozen=True)
class Environment:
    """An environment that was made.

    Attributes:
        name: of its definition.
        definition: the path of the definition's file.
        requirements_sha256: what it was made for.
        python: its version.
        versions: of the packages in it, by name.
        venv: the name of its folder.
        made_at: UTC.
    """

    name: str
    definition: str
    requirements_sha256: str
    python: str
    versions: dict[str, str]
    venv: str
    made_at: str

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return environments_folder() / self.name / self.venv / "bin" / "python"


def environments_folder() -> Path:
    """Where environments are: $BENCH_ENVIRONMENTS, else the user's data folder."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).absolute()
    return platformdirs.user_data_path("sqcodec-bench") / "environments"


def made(name: str) -> Environment | None:
    """The environment of that name, whatever it was made for; None if there is none."""
    try:
        content = json.loads((environments_folder() / name / _RECORD).read_text(encoding="utf-8"))
        found = Environment(**content)
    except (OSError, ValueError, TypeError):
        return None
    return found if found.name == name else None


def all_made() -> list[Environment]:
    """Every environment, by name."""
    folders = sorted(path.parent for path in environments_folder().glob(f"*/{_RECORD}"))
    return [found for folder in folders if (found := made(folder.name)) is not None]


def stale(definition: Definition, found: Environment) -> str:
    """Why an environment cannot serve a definition, "" if it can."""
    if found.requirements_sha256 != definition.requirements_sha256:
        return "was made for other requirements"
    if not found.interpreter.is_file():
        return "has lost its Python"
    return ""


def environment_of(definition: Definition) -> Environment:
    """The environment that was made for this definition.

    Raises:
        EnvironmentMissingError: there is none, or it was made for other requirements.
    """
    found = made(definition.name)
    why = "was not created" if found is None else stale(definition, found)
    if found is None or why:
        raise EnvironmentMissingError(
            f"the environment {definition.name} {why}: run `bench env create "
            f"{creation_argument(definition)}`"
        )
    return found


def creation_argument(definition: Definition) -> str:
    """What `bench env create` takes for it: its name, if that says which file is meant."""
    if definition.path.parent == Path(__file__).parent / "defined":
        return definition.name
    return str(definition.path)


def create(definition: Definition) -> Environment:
    """Make the environment of a definition, in the place of the one that may be there.

    Raises:
        CreationError: pip fails, no such Python is here, or another process is making it.
        OSError: the disk is full, or the folder cannot be written.
    """
    folder = environments_folder() / definition.name
    with _locked(folder, definition.name):
        _remove_but(folder, made(definition.name))
        venv = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        try:
            python, versions = _build(definition, venv)
            found = Environment(
                name=definition.name,
                definition=str(definition.path),
                requirements_sha256=definition.requirements_sha256,
                python=python,
                versions=versions,
                venv=venv.name,
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            temporary = folder / f"{_RECORD}.{os.getpid()}.tmp"
            temporary.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
            temporary.replace(folder / _RECORD)
        except BaseException:
            shutil.rmtree(venv, ignore_errors=True)
            if {path.name for path in folder.iterdir()} == {_LOCK}:
                shutil.rmtree(folder)
            raise
        _remove_but(folder, found)
        return found


def remove(name: str) -> bool:
    """Remove the environment of that name, or what is left of one; False if there is nothing.

    Raises:
        CreationError: another process is making it.
        OSError: it cannot be removed.
    """
    folder = environments_folder() / name
    if not folder.is_dir():
        return False
    with _locked(folder, name):
        (folder / _RECORD).unlink(missing_ok=True)  # from here on it is none
        shutil.rmtree(folder)
    return True


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    """One process at a time makes or removes an environment; the lock dies with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / _LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CreationError(
                f"the environment {name} is being made or removed by another process"
            ) from None
        yield


def _remove_but(folder: Path, kept: Environment | None) -> None:
    """Remove what earlier attempts left, and environments that were replaced."""
    for venv in folder.glob(f"{_PREFIX}*"):
        if kept is None or venv.name != kept.venv:
            shutil.rmtree(venv)


def _build(definition: Definition, venv: Path) -> tuple[str, dict[str, str]]:
    """Make a virtual environment and return its Python's version and its packages'."""
    _run(definition, [_interpreter(definition), "-m", "venv", "--without-pip", str(venv)])
    python = str(venv / "bin" / "python")
    if definition.requirements:
        # Our own pip installs into it, so that it needs none.
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input"]
        _run(definition, [*pip, *definition.pip_options, *definition.requirements])
    found = json.loads(_run(definition, [python, "-I", "-c", _VERSIONS]))
    return found["python"], found["versions"]


def _interpreter(definition: Definition) -> str:
    if definition.python in ("", ".".join(platform.python_version_tuple()[:2])):
        return sys.executable
    found = shutil.which(f"python{definition.python}")
    if found is None:
        raise CreationError(
            f"the environment {definition.name} needs Python {definition.python}: there is no "
            f"python{definition.python} on the PATH"
        )
    return found


def _run(definition: Definition, command: list[str]) -> str:
    # A package on the PYTHONPATH would pass for one that is installed.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=variables, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        step = "pip" if "pip" in command else "venv"
        raise CreationError(
            f"the environment {definition.name} cannot be made: {step} failed "
            f"(status {done.returncode})",
            tuple(said[-_MOST_LINES:]),
        )
    return done.stdout
