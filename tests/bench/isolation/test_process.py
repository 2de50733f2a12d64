"""bench.isolation.process: audio there and back; a worker that fails, dies, hangs, or is gone."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path

import numpy as np
import pytest

from bench.isolation.definition import Definition
from bench.isolation.environment import FOLDER_VARIABLE, EnvironmentMissingError
from bench.isolation.process import Isolated, IsolatedFailed, IsolatedLost
from bench.names import UnknownNameError


@pytest.fixture
def definition(
    made_once: tuple[Path, Definition], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Definition:
    monkeypatch.setenv(FOLDER_VARIABLE, str(made_once[0]))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return made_once[1]


@pytest.fixture
def worker(definition: Definition) -> Iterator[Isolated]:
    with Isolated(definition) as worker:
        yield worker


def die(pidfds: list[int]) -> bool:
    """Wait until all these processes have ended; False if they go on for a minute."""
    deadline = time.monotonic() + 60
    for pidfd in pidfds:
        if not connection.wait([pidfd], max(0.0, deadline - time.monotonic())):
            return False
        os.close(pidfd)
    return True


def test_values_and_audio_come_back(worker: Isolated, tmp_path: Path) -> None:
    audio = np.linspace(-1, 1, 1_000, dtype=np.float32)
    value = {"text": "Ä\n", "numbers": [1, 2.5, None], "clips": [audio, audio[:0], audio[::2]]}
    found = worker.call("echo", value=value)
    assert (found["text"], found["numbers"]) == (value["text"], value["numbers"])
    for clip, sent in zip(found["clips"], value["clips"], strict=True):
        assert clip.dtype == np.float32
        np.testing.assert_array_equal(clip, sent)
    np.testing.assert_array_equal(worker.call("half", audio=audio), audio / 2)
    assert worker.call("kind", audio=audio) == "array"  # there is no numpy in it
    assert worker.call("echo", value=np.arange(6).reshape(2, 3)) == [[0, 1, 2], [3, 4, 5]]
    assert not list(tmp_path.glob("bench-decoded-*"))


def test_one_process_of_another_environment_does_all_calls(worker: Isolated) -> None:
    pids = {worker.call("pid") for _ in range(3)}
    assert len(pids) == 1
    assert os.getpid() not in pids
    worker.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pids.pop(), 0)
    worker.stop()


def test_what_a_worker_prints_is_no_answer(
    worker: Isolated, capfd: pytest.CaptureFixture[str]
) -> None:
    assert worker.call("shout", text="loading\n") == 8
    assert capfd.readouterr() == ("", "")


def test_an_error_is_told_and_the_process_goes_on(worker: Isolated) -> None:
    pid = worker.call("pid")
    with pytest.raises(ValueError, match=r"^the clip is silent$"):
        worker.call("refuse", why="the clip\nis silent")
    with pytest.raises(IsolatedFailed, match=r"^the worker of tiny failed: KeyError: 'x'$") as e:
        worker.call("fail", why="x")
    assert "raise KeyError(why)" in e.value.tail
    with pytest.raises(IsolatedFailed, match="the answer cannot be handed over: TypeError"):
        worker.call("strange")
    assert worker.call("pid") == pid


def test_a_verb_of_no_name_has_its_nearest_suggested(worker: Isolated) -> None:
    with pytest.raises(UnknownNameError, match="no verb of tiny is called 'ech'; did you mean ech"):
        worker.call("ech")


@pytest.mark.parametrize(
    ("verb", "arguments", "told"),
    [
        ("leave", {"status": 3}, r"ended itself \(status 3\)$"),
        ("kill", {"name": "SIGKILL"}, "was ended by SIGKILL: model not found$"),
        ("kill", {"name": "SIGSEGV"}, "was ended by SIGSEGV: model not found$"),
    ],
)
def test_a_worker_that_dies_is_replaced(
    worker: Isolated, verb: str, arguments: dict[str, object], told: str
) -> None:
    pid, child = worker.call("pid"), os.pidfd_open(worker.call("start_child"))
    with pytest.raises(IsolatedLost, match=f"^the worker of tiny {told}"):
        worker.call(verb, **arguments)
    assert die([child])
    assert worker.call("pid") != pid


def test_a_worker_that_hangs_is_dead_before_the_next_call(definition: Definition) -> None:
    with Isolated(definition, timeout_s=0.2) as worker:
        # Begun with time enough: a loaded machine may need more for these two.
        worker._timeout_s = 600
        pid, child = worker.call("pid"), os.pidfd_open(worker.call("start_child"))
        worker._timeout_s = 0.2
        with pytest.raises(IsolatedLost, match=r"^the worker of tiny took longer than 0\.2 s$"):
            worker.call("hang")
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert die([child])
        worker._timeout_s = 600
        assert worker.call("pid") != pid


def test_nonsense_for_an_answer_ends_the_worker(worker: Isolated, tmp_path: Path) -> None:
    pid = worker.call("pid")
    with pytest.raises(IsolatedLost, match=r"worker of tiny (ended itself|answered nonsense)"):
        worker.call("garble", folder=str(tmp_path))
    assert worker.call("pid") != pid


@pytest.mark.parametrize("said", ["", "no JSON", "[]", '"text"', "answered"])
def test_a_greeting_of_another_program_is_nonsense(
    definition: Definition, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.py"
    other.write_text(f"print({said!r}, flush=True)\ninput()\n")
    monkeypatch.setattr("bench.isolation.serve.__file__", str(other))
    with (
        Isolated(definition) as worker,
        pytest.raises(IsolatedLost, match="worker of tiny answered nonsense: "),
    ):
        worker.call("pid")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("import no_such_package", "cannot start: ModuleNotFoundError: No module named 'no_such"),
        ("import numpy", "cannot start: ModuleNotFoundError: No module named 'numpy'"),
        ("import bench", "cannot start: ModuleNotFoundError: No module named 'bench'"),
        ("def (", "cannot start: SyntaxError: "),
        ("raise SystemExit(4)", r"ended itself \(status 4\)"),
        ("import signal; signal.pause()", r"took longer than 0\.5 s"),
    ],
)
def test_a_script_that_does_not_load(
    definition: Definition, script: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text(script + "\n")
    broken = replace(definition, worker=tmp_path / "broken.py")
    limit = 0.5 if "pause" in script else 600
    with (
        Isolated(broken, start_timeout_s=limit) as worker,
        pytest.raises(IsolatedLost, match=f"^the worker of tiny {told}"),
    ):
        worker.call("pid")


def test_a_worker_shares_code_through_its_helpers(definition: Definition, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text("def pid():\n    return 'from shared'\n")
    (tmp_path / "using.py").write_text("from shared import pid\n")
    using = replace(definition, worker=tmp_path / "using.py", helpers=(tmp_path / "shared.py",))
    with Isolated(using) as worker:
        assert worker.call("pid") == "from shared"
        before = worker.revision
        (tmp_path / "shared.py").write_text("def pid():\n    return 'another'\n")
        assert worker.revision != before
    with (
        Isolated(replace(using, helpers=())) as worker,
        pytest.raises(IsolatedLost, match="No module named 'shared'"),
    ):
        worker.call("pid")


def test_an_environment_that_is_missing_or_removed_meanwhile(
    worker: Isolated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert worker.call("echo", value=1) == 1
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "elsewhere"))
    assert worker.call("echo", value=1) == 1
    worker.stop()
    told = re.escape(f"tiny was not created: run `bench env create {worker.definition.path}`")
    with pytest.raises(EnvironmentMissingError, match=told):
        worker.call("pid")
    with pytest.raises(EnvironmentMissingError, match=told):
        _ = worker.revision


def test_an_environment_that_lost_its_python(
    worker: Isolated, made_once: tuple[Path, Definition], tmp_path: Path, monkeypatch
) -> None:
    shutil.copytree(made_once[0], tmp_path / "copy", symlinks=True)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "copy"))
    (python,) = (tmp_path / "copy").glob("tiny/venv-*/bin/python")
    python.unlink()
    with pytest.raises(EnvironmentMissingError, match="tiny has lost its Python: run `bench env"):
        worker.call("pid")
    python.write_text("no program")
    with pytest.raises(EnvironmentMissingError, match="tiny was removed or damaged: run `bench"):
        worker.call("pid")


def test_an_interrupt_ends_the_worker(worker: Isolated, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = worker.call("pid")

    def interrupted(timeout_s: float) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(worker, "_line", interrupted)
        with pytest.raises(KeyboardInterrupt):
            worker.call("hang")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert worker.call("pid") != pid


def test_on_the_cpu_a_worker_sees_no_gpu(definition: Definition, tmp_path: Path) -> None:
    script = "import os\ndef pid():\n    return os.environ.get('CUDA_VISIBLE_DEVICES')\n"
    (tmp_path / "seeing.py").write_text(script)
    with Isolated(replace(definition, worker=tmp_path / "seeing.py")) as worker:
        assert worker.call("pid") == ""


ORPHAN = """
import os, signal, sys
from pathlib import Path
from bench.isolation.definition import read_definition
from bench.isolation.process import Isolated

# What a shell starts in its background inherits that the signal is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
worker = Isolated(read_definition(Path(sys.argv[1])))
print(worker.call("pid"), worker.call("start_child"), flush=True)
worker.call("hang")
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_worker_that_hangs_does_not_outlive_its_caller(
    definition: Definition, end: signal.Signals
) -> None:
    caller = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(definition.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert caller.stdout is not None
    pidfds = [os.pidfd_open(int(pid)) for pid in caller.stdout.readline().split()]
    assert len(pidfds) == 2
    caller.send_signal(end)
    assert die(pidfds)
    caller.communicate()
