"""bench.scratch: nothing is left, neither by a run that ends nor by one that was killed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.scratch import scratch_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _interrupted(temporary: Path) -> None:
    with scratch_folder() as folder:
        (folder / "a.npy").touch()
        assert folder.parent == temporary
        raise KeyboardInterrupt


def test_it_is_gone_at_the_end_whatever_ends_it(temporary: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupted(temporary)
    assert list(temporary.iterdir()) == []


def test_one_in_use_is_left_alone_and_one_of_a_killed_run_is_removed(temporary: Path) -> None:
    program = (
        "import signal, sys, tempfile\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "from bench.scratch import scratch_folder\n"
        "with scratch_folder() as folder:\n"
        "    (folder / 'a.npy').touch()\n"
        "    print(folder, flush=True)\n"
        "    signal.pause()\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    theirs = Path(other.stdout.readline().strip())
    with scratch_folder() as folder:
        assert folder != theirs
        assert (theirs / "a.npy").exists()
    other.kill()
    other.communicate()
    assert theirs.exists()
    with scratch_folder():
        assert not theirs.exists()
