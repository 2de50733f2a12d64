"""bench.threads: a process computes with one thread, whatever it was told before."""

import sys

import pytest
from threadpoolctl import threadpool_info

from bench import threads
from bench.executors import Worker

TORCH = "__import__('torch').get_num_threads()"


def _result(worker: Worker, function, *arguments):
    worker.call(function, *arguments)
    return worker.result()


def test_libraries_of_a_process_have_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with Worker("test", threads.limit_to_one) as worker:
        assert _result(worker, eval, TORCH) == 1  # loaded after it was said
        _result(worker, eval, "__import__('torch').set_num_threads(3)")
        assert _result(worker, eval, TORCH) == 3
        _result(worker, threads.limit_to_one)
        assert _result(worker, eval, TORCH) == 1
        assert {library["num_threads"] for library in _result(worker, threadpool_info)} == {1}


def test_processes_that_it_starts_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    child = [sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]
    with Worker("test", threads.limit_to_one) as worker:
        said = f"__import__('subprocess').run({child!r}, capture_output=True, text=True).stdout"
        assert _result(worker, eval, said) == "1\n"
