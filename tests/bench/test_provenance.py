"""bench.provenance: what is told of the machine, and what is kept back."""

import getpass
import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pytest

from bench import provenance


def _git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *own, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "bench").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "bench" / "__init__.py").write_text("")
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", "bench")
    _git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_the_commit_of_a_checkout(checkout: Path) -> None:
    found = provenance.project(checkout)
    assert found.commit == _git(checkout, "rev-parse", "HEAD")
    assert found.dirty is False
    assert found.version == version("sqcodec-bench")


def test_code_that_differs_from_the_commit_is_dirty_and_results_are_not_code(
    checkout: Path,
) -> None:
    (checkout / "results" / "new.json").write_text("{}")
    assert provenance.project(checkout).dirty is False
    (checkout / "bench" / "new.py").write_text("")
    assert provenance.project(checkout).dirty is True


def test_a_copy_within_another_checkout_has_no_commit(checkout: Path) -> None:
    copy = checkout / "site-packages"
    (copy / "bench").mkdir(parents=True)
    (copy / "bench" / "__init__.py").write_text("")
    found = provenance.project(copy)
    assert (found.commit, found.dirty) == (provenance.UNKNOWN, None)


def test_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance.shutil, "which", lambda name: None)
    found = provenance.project(checkout)
    assert (found.commit, found.dirty) == (provenance.UNKNOWN, None)


def test_the_environment_names_what_computes_and_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setattr(platform, "node", lambda: "a-host-of-mine")
    found = provenance.environment()
    assert found.packages["numpy"] == version("numpy")
    assert found.python.endswith(platform.python_version())
    assert found.threads["OMP_NUM_THREADS"] == "3"
    assert found.threads["ATEN_CPU_CAPABILITY"] == "avx2"
    assert "MKL_NUM_THREADS" not in found.threads
    assert found.machine.cores >= 1
    assert found.machine.cpu
    text = repr(asdict(found))
    assert "a-host-of-mine" not in text
    assert str(Path.home()) + "/" not in text
    assert f"/{getpass.getuser()}/" not in text


def test_a_processor_that_the_system_does_not_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(provenance, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert provenance.machine().cpu == "riscv64"
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert provenance.machine().cpu == "Some CPU @ 2 GHz"


def test_processors_of_one_name_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(provenance, "_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(
        "".join(
            f"processor\t: {core}\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: A CPU\n"
            "stepping\t: 1\n\n"
            for core in range(2)
        )
    )
    assert provenance.machine().cpu == "A CPU (cpu family 25, model 17, stepping 1)"


def test_graphics_cards_are_what_the_driver_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'A GPU, 100 MiB, 1.0'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert provenance.machine().gpus == ("A GPU, 100 MiB, 1.0",)
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert provenance.machine().gpus == ()
