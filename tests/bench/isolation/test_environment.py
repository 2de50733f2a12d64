"""bench.isolation.environment: made whole or not at all, and removed."""

import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.isolation import environment
from bench.isolation.definition import Definition
from bench.isolation.environment import (
    CreationError,
    EnvironmentMissingError,
    all_made,
    create,
    environment_of,
    environments_folder,
    made,
    remove,
)
from bench.isolation.process import Isolated

OFFLINE = ["--no-index", "--disable-pip-version-check", "--find-links"]


@pytest.fixture(autouse=True)
def _own_folder(environments: Path) -> None:
    """No test touches the user's environments."""


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with two versions of a package of one module."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        about = f"bench_tiny_library-{version}.dist-info"
        files = {
            "bench_tiny_library.py": f"VERSION = '{version}'\n",
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: bench-tiny-library\n"
            f"Version: {version}\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
        path = folder / f"bench_tiny_library-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in {**files, f"{about}/RECORD": record}.items():
                wheel.writestr(name, text)
    return folder


def test_what_is_made_has_what_was_asked(
    define: Callable[..., Definition], wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = "import bench_tiny_library\n\ndef version():\n    return bench_tiny_library.VERSION\n"
    options = [*OFFLINE, str(wheels)]

    def of(version: str) -> Definition:
        wanted = [f"bench-tiny-library=={version}"]
        return define(worker, requirements=wanted, pip_options=options, verbs=["version"])

    monkeypatch.setenv("PYTHONPATH", str(wheels))  # whose packages are not the environment's
    found = create(of("1.0"))
    assert found.versions == {"bench-tiny-library": "1.0"}
    assert environment_of(of("1.0")) == found
    assert all_made() == [found]
    with Isolated(of("1.0")) as isolated:
        assert isolated.call("version") == "1.0"
        first = isolated.revision
    # Stale, until it is made again; the old one is gone only then.
    told = "the environment tiny was made for other requirements: run `bench env create .*tiny.toml"
    with pytest.raises(EnvironmentMissingError, match=told):
        environment_of(of("2.0"))
    again = create(of("2.0"))
    assert again.versions == {"bench-tiny-library": "2.0"}
    with Isolated(of("2.0")) as isolated:
        assert isolated.call("version") == "2.0"
        assert isolated.revision != first
    venvs = list((environments_folder() / "tiny").glob("venv-*"))
    assert [venv.name for venv in venvs] == [again.venv]


def test_what_pip_cannot_install_leaves_nothing_and_tells_its_last_lines(
    define: Callable[..., Definition], environments: Path, wheels: Path
) -> None:
    options = [*OFFLINE, str(wheels)]
    create(define())
    kept = made("tiny")
    broken = define(requirements=["bench-tiny-library==3.0"], pip_options=options)
    with pytest.raises(CreationError, match=r"tiny cannot be made: pip failed \(status 1\)") as e:
        create(broken)
    assert any("bench-tiny-library==3.0" in line for line in e.value.lines)
    assert len(e.value.lines) <= 12
    assert made("tiny") == kept  # the old one is as it was
    assert len(list((environments / "tiny").glob("venv-*"))) == 1


@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError])
def test_one_that_is_half_made_is_none(
    define: Callable[..., Definition], environments: Path, monkeypatch, end: type[BaseException]
) -> None:
    def ended(definition: Definition, venv: Path) -> None:
        (venv / "bin").mkdir()
        (venv / "bin" / "python").touch()
        assert made("tiny") is None
        raise end

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_build", ended)
        with pytest.raises(end):
            create(define())
    assert list(environments.iterdir()) == []


def test_what_a_killed_attempt_left_is_none_and_goes_with_the_next(
    define: Callable[..., Definition], environments: Path
) -> None:
    left = environments / "tiny" / "venv-left"
    left.mkdir(parents=True)
    (environments / "tiny" / "made.json").write_text('{"name": "ti')
    with pytest.raises(EnvironmentMissingError, match="tiny was not created: run `bench env"):
        environment_of(define())
    create(define())
    assert environment_of(define()).versions == {}
    assert not left.exists()


def test_a_record_of_another_environment_is_none(
    define: Callable[..., Definition], environments: Path
) -> None:
    create(define())
    (environments / "tiny").rename(environments / "other")
    assert made("other") is None
    assert made("tiny") is None


def test_two_at_once(define: Callable[..., Definition]) -> None:
    with (
        environment._locked(environments_folder() / "tiny", "tiny"),
        pytest.raises(CreationError, match="tiny is being made or removed by another process"),
    ):
        create(define())
    create(define())


def test_a_python_that_is_not_here(define: Callable[..., Definition], monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CreationError, match=r"needs Python 3\.99: there is no python3\.99 on the"):
        create(define(python="3.99"))


def test_removed(define: Callable[..., Definition], environments: Path) -> None:
    assert not remove("tiny")
    create(define())
    assert remove("tiny")
    assert list(environments.iterdir()) == []
    assert all_made() == []


def test_the_record_is_data(define: Callable[..., Definition], environments: Path) -> None:
    found = create(define())
    content = json.loads((environments / "tiny" / "made.json").read_text())
    assert content["python"] == found.python
    assert re.fullmatch(r"[0-9a-f]{64}", content["requirements_sha256"])
    said = subprocess.run([found.interpreter, "-V"], check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["Python", found.python]
    assert replace(found, name="x").interpreter.parts[-4] == "x"
