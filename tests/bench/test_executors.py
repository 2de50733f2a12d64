"""bench.executors: a process that raises, hangs, crashes or is killed costs one call."""

import functools
import importlib
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from threadpoolctl import threadpool_info

from bench import scoring
from bench.executors import Worker, WorkerFailed, WorkerLost, wait_for
from bench.metrics import METRICS


def _worker(prepare: Callable[[], object] = int) -> Worker:
    return Worker("test", prepare)


def _result(worker: Worker, function, *arguments, **limits):
    worker.call(function, *arguments, **limits)
    return worker.result()


def test_calls_are_done_by_one_process_that_is_not_ours() -> None:
    with _worker() as worker:
        assert _result(worker, operator.add, 2, 3) == 5
        pids = {_result(worker, os.getpid) for _ in range(3)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_leaving_ends_the_process() -> None:
    with _worker() as worker:
        pid = _result(worker, os.getpid)
        worker.call(signal.pause)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_call_that_raises_is_told_and_the_process_goes_on() -> None:
    with _worker() as worker:
        pid = _result(worker, os.getpid)
        with pytest.raises(WorkerFailed, match=r"test process failed: ZeroDivisionError: "):
            _result(worker, operator.truediv, 1, 0)
        assert _result(worker, os.getpid) == pid


def test_a_process_that_cannot_be_prepared_says_why() -> None:
    with _worker(functools.partial(importlib.import_module, "no_such_module")) as worker:
        for _ in range(2):
            with pytest.raises(
                WorkerFailed,
                match="the test process cannot start: ModuleNotFoundError: No module named 'no_su",
            ):
                _result(worker, int)


def test_a_call_that_hangs_is_ended_and_the_next_has_a_new_process() -> None:
    with _worker() as worker:
        pid = _result(worker, os.getpid)
        with pytest.raises(
            WorkerLost, match=r"the test took longer than the 0\.2 s of a clip"
        ) as e:
            _result(worker, signal.pause, timeout_s=0.2)
        assert e.value.seconds >= 0.2
        assert _result(worker, os.getpid, timeout_s=60) != pid


@pytest.mark.parametrize(
    ("death", "told"),
    [
        (
            functools.partial(signal.raise_signal, signal.SIGKILL),
            r"ended by SIGKILL from outside \(out of memory\?\)",
        ),
        (functools.partial(signal.raise_signal, signal.SIGSEGV), "ended by SIGSEGV"),
        (functools.partial(os._exit, 3), r"ended itself \(status 3\)"),
    ],
)
def test_a_process_that_dies_is_replaced(death, told: str) -> None:
    with _worker() as worker:
        with pytest.raises(WorkerLost, match=f"the test process .*{told}"):
            _result(worker, death)
        assert _result(worker, operator.add, 2, 3) == 5


def test_a_process_that_dies_between_calls_is_replaced() -> None:
    with _worker() as worker:
        pid = _result(worker, os.getpid)
        os.kill(pid, signal.SIGKILL)
        for process in multiprocessing.active_children():
            if process.pid == pid:
                process.join()  # until it is dead: a call to a dying one is lost
        assert _result(worker, os.getpid) != pid


def test_the_first_of_several_to_end_is_not_held_up() -> None:
    with _worker() as slow, _worker() as quick:
        slow.call(signal.pause)
        quick.call(operator.add, 2, 3)
        assert wait_for([slow, quick]) == [quick]
        assert quick.result() == 5
        assert slow.busy
        with pytest.raises(ValueError, match="test process is busy"):
            slow.call(int)


def test_nobody_to_wait_for() -> None:
    with _worker() as worker:
        assert wait_for([worker]) == []


def test_ctrl_c_is_not_for_a_worker() -> None:
    with _worker() as worker:
        assert _result(worker, signal.raise_signal, signal.SIGINT) is None
        assert _result(worker, operator.add, 2, 3) == 5
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_what_a_worker_prints_does_not_get_into_the_table(capfd: pytest.CaptureFixture) -> None:
    with _worker() as worker:
        _result(worker, os.write, 1, b"loading weights\n")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == "loading weights\n"


ORPHAN = """
import os, signal, sys
from bench.executors import Worker

worker = Worker("test", int)
worker.call(os.getpid)
worker.result()
worker.call(signal.pause)
print("hangs", flush=True)
signal.pause()
"""


def test_a_worker_that_hangs_does_not_outlive_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline() == "hangs\n"
    parent.kill()
    # The worker holds the other end of this pipe too: it ends only with the last of them.
    assert parent.stderr.read() == ""
    parent.communicate()


def test_a_metric_process_has_one_thread_for_linear_algebra() -> None:
    functions = [metric.function for metric in METRICS.values()]
    with _worker(functools.partial(scoring.prepare, functions)) as worker:
        libraries = _result(worker, threadpool_info)
    assert libraries
    assert {library["num_threads"] for library in libraries} == {1}
