"""Where work runs: processes that may hang, crash or be killed, and cost one call each time.

A `Worker` is a long-lived process that does one call at a time. It is started at the first
call, and again after it was lost: to a signal, to a crash of its own, or to us, when a call
took longer than it may. There is a pipe for each and nothing shared, so that the death of one
cannot block another. When this process dies, however it dies, its workers end too.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from bench.errors import reason

_CONTEXT = get_context("spawn")  # a fork would copy threads and GPU state in the middle of things
_GRACE_S = 10.0  # for a process whose pipe is closed to be gone


class WorkerLost(RuntimeError):
    """A call has no result because its process died or took too long; says which.

    Attributes:
        seconds: after which it was noticed.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class WorkerFailed(RuntimeError):
    """A call raised, or its process could not be prepared for any call; says why."""


@dataclass(frozen=True)
class _Begun:
    """Sent when a call begins: its time counts from now, not from the process's start."""


@dataclass(frozen=True)
class _Returned:
    value: Any


class Worker:
    """One process for one call at a time. A context manager; leaving it ends the process.

    Args:
        name: what the process does, for messages: "codec", "metric".
        prepare: called in every new process before its first call. It, the functions that
            are called, and their arguments and results must be importable and picklable.
    """

    def __init__(self, name: str, prepare: Callable[[], object]) -> None:
        self.busy = False
        self._name = name
        self._prepare = prepare
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._timeout_s = math.inf
        self._begun = math.inf  # on the monotonic clock, once it has
        self._outcome: _Returned | Exception | None = None

    def call(
        self, function: Callable[..., Any], *arguments: object, timeout_s: float = math.inf
    ) -> None:
        """Begin `function(*arguments)` in the process; `result` has what comes of it.

        Args:
            function: of a module's top level.
            arguments: for it.
            timeout_s: how long the call may take, seconds; the process's start is not counted.
        """
        if self.busy:
            raise ValueError(f"the {self._name} process is busy")
        self.busy, self._outcome = True, None
        self._timeout_s, self._begun = timeout_s, math.inf
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._connection is not None
        try:
            self._connection.send((function, arguments))
        except OSError:  # it died between the check and now
            self._start()
            self._connection.send((function, arguments))

    @property
    def ready(self) -> bool:
        """Whether a call would begin at once: the process is there, prepared, and has none."""
        alive = self._process is not None and self._process.is_alive()
        return alive and not self.busy and not math.isinf(self._begun)

    def over(self) -> bool:
        """Whether the call has come to an end."""
        if self._outcome is None and self._connection is not None:
            try:
                while self._outcome is None and self._connection.poll():
                    message = self._connection.recv()
                    if isinstance(message, _Begun):
                        self._begun = time.monotonic()
                    else:
                        self._outcome = message
            except (EOFError, OSError):
                self._outcome = WorkerLost(self._obituary(), self._seconds())
            if self._outcome is None and self.seconds_left() <= 0:
                self.stop()
                message = f"the {self._name} took longer than the {self._timeout_s:g} s of a clip"
                self._outcome = WorkerLost(message, self._seconds())
        return self._outcome is not None

    def seconds_left(self) -> float:
        """Until the call has taken too long; infinite before it has begun."""
        return self._begun + self._timeout_s - time.monotonic()

    def result(self) -> Any:
        """Wait for the call to end and return its result.

        Raises:
            WorkerLost: the process died or was ended after `timeout_s`; the next call has a
                new one.
            WorkerFailed: the call raised.
        """
        wait_for([self])
        outcome, self._outcome, self.busy = self._outcome, None, False
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, _Returned)
        return outcome.value

    def stop(self) -> None:
        """End the process now, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        self.stop()
        self._connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(
            target=_serve, args=(self._name, theirs, self._prepare), daemon=True
        )
        # Ctrl-C reaches every process of the terminal, and we decide what it means. Blocked
        # here, it is blocked in the child from its first instruction on.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()  # so that the child's death closes the pipe

    def _seconds(self) -> float:
        return 0.0 if math.isinf(self._begun) else time.monotonic() - self._begun

    def _obituary(self) -> str:
        assert self._process is not None
        self._process.join(_GRACE_S)
        code = self._process.exitcode
        if code is None:
            return f"the {self._name} process closed its pipe"
        if code >= 0:
            return f"the {self._name} process ended itself (status {code})"
        name = signal.Signals(-code).name
        hint = " from outside (out of memory?)" if name == "SIGKILL" else ""
        return f"the {self._name} process was ended by {name}{hint}"


def wait_for(workers: Sequence[Worker]) -> list[Worker]:
    """Wait until the call of at least one busy worker is over; return all for which it is."""
    busy = [worker for worker in workers if worker.busy]
    while busy and not any(worker.over() for worker in busy):
        left = min(worker.seconds_left() for worker in busy)
        connection.wait(
            [worker._connection for worker in busy if worker._connection is not None],
            None if math.isinf(left) else max(left, 0.0),
        )
    return [worker for worker in busy if worker.over()]


def _serve(name: str, pipe: Connection, prepare: Callable[[], object]) -> None:
    """What a worker's process does: prepare, then call after call."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # what a library prints must not get into the table
    failure: WorkerFailed | None = None
    try:
        prepare()
    except Exception as error:
        failure = WorkerFailed(f"the {name} process cannot start: {reason(error)}")
    # A parent that was killed has closed the pipe, perhaps in the middle of a call.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            function, arguments = pipe.recv()
            pipe.send(_Begun())
            pipe.send(failure or _answer(name, function, arguments))


def _answer(name: str, function: Callable[..., object], arguments: tuple[object, ...]) -> object:
    """What a call comes to."""
    try:
        return _Returned(function(*arguments))
    except Exception as error:
        return WorkerFailed(f"the {name} process failed: {reason(error)}")


def _end_with_parent() -> None:
    """Do not outlive a parent that was killed, not even in a call that hangs."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
