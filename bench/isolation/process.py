"""Calling an isolated worker: a process of another environment that does one call at a time.

```python
from bench.isolation.known import definition
from bench.isolation.process import Isolated

with Isolated(definition("clap"), device="cpu", timeout_s=600) as worker:
    answer = worker.call("judge", clips=[samples, samples])  # float32 [T] each
```

calls ``def judge(clips): ...`` of the definition's worker script. Arguments and results are what
JSON can hold (texts, numbers, lists, dicts with texts as keys, None), and audio: a float32
array [T], anywhere within, goes by a file and arrives as a float32 array again. Other arrays
that a worker returns, and numbers of numpy, arrive as lists and numbers; NaN and infinity do
not pass. What a worker needs once (a model) it loads when its script is loaded, or at its first
call, and keeps in a global: the process stays until `stop`, and is started at the first call.

What can go wrong is one line each:

- `EnvironmentMissingError`: not created, stale or removed; says which command makes it.
- `IsolatedLost`: the worker cannot start, died, took longer than `timeout_s`, or answered
  nonsense. Its process, and all that it started, are dead by then; the next call has a new one.
- `ValueError`: the worker raised one. It says what is wrong with the clip; the process goes on.
- `IsolatedFailed`: the worker raised something else; the process goes on.

The end of the worker's standard error is in `IsolationError.tail`. A Ctrl-C in the terminal is
ours alone; whatever ends a call before its answer ends the process, and when this process dies,
however it dies, the worker ends too. One thread at a time may call.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.isolation import serve
from bench.isolation.definition import Definition
from bench.isolation.environment import (
    EnvironmentMissingError,
    creation_argument,
    environment_of,
)
from bench.names import UnknownNameError
from bench.scratch import scratch_folder

_TAIL_BYTES = 4_096
_MOST_LINE_BYTES = 65_536
_DEAD_WITHIN_S = 30.0


class IsolationError(RuntimeError):
    """A call has no result; the message is one line saying why.

    Attributes:
        tail: the last lines of the worker's standard error.
    """

    def __init__(self, message: str, tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.tail = tail


class IsolatedLost(IsolationError):
    """The worker's process is gone; the next call starts a new one."""


class IsolatedFailed(IsolationError):
    """The worker raised; its process goes on."""


class Isolated:
    """The worker of a definition. A context manager; leaving it ends the process.

    Args:
        definition: says which environment, script and verbs.
        device: "cpu" or "cuda"; on "cpu" the worker sees no GPU.
        timeout_s: how long a call may take, seconds.
        start_timeout_s: how long the script may take to load, seconds.
    """

    def __init__(
        self,
        definition: Definition,
        *,
        device: str = "cpu",
        timeout_s: float = 600.0,
        start_timeout_s: float = 600.0,
    ) -> None:
        self.definition = definition
        self._device = device
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self._unread = b""
        self._errors = -1

    @property
    def revision(self) -> str:
        """A hash of the worker's script, its helpers, and every version in its environment.

        Raises:
            EnvironmentMissingError: there is no environment.
        """
        environment = environment_of(self.definition)
        versions = {"python": environment.python, **environment.versions}
        digest = hashlib.sha256(json.dumps(sorted(versions.items())).encode())
        for script in self.definition.scripts:
            digest.update(script.read_bytes())
        return digest.hexdigest()[:16]

    def call(self, verb: str, **arguments: object) -> Any:
        """Call the worker's function `verb` and return what it returns.

        Raises:
            UnknownNameError: the definition has no such verb.
            EnvironmentMissingError, IsolatedLost, IsolatedFailed, ValueError: as the module says.
        """
        if verb not in self.definition.verbs:
            kind = f"verb of {self.definition.name}"
            raise UnknownNameError(kind, verb, self.definition.verbs)
        with scratch_folder() as folder:
            content = serve.pack(arguments, str(folder), "request")
            request = json.dumps({"verb": verb, "arguments": content}, allow_nan=False)
            (folder / "request.json").write_text(request, encoding="utf-8")
            try:
                answer = self._exchange(folder)
                if "value" in answer:
                    return serve.unpack(answer["value"], str(folder))
                kind, said = answer["kind"], " ".join(str(answer["error"]).split())
            except (KeyError, TypeError, OSError, ValueError) as error:
                raise self._lost(f"answered nonsense ({type(error).__name__})") from error
            except BaseException:  # a Ctrl-C, say: the answer would be the next call's
                self.stop()
                raise
        if kind == "ValueError" and said:
            raise ValueError(said)
        message = f"the worker of {self.definition.name} failed: {kind}: {said}"
        raise IsolatedFailed(message, self._tail())

    def start(self) -> None:
        """Start the process unless it runs, so that what is wrong with it shows before a call.

        Raises:
            EnvironmentMissingError, IsolatedLost: as the module says.
        """
        if self._process is not None:
            return
        environment = environment_of(self.definition)
        theirs, self._lifeline = os.pipe()
        self._unread = b""
        with tempfile.TemporaryFile() as errors:
            self._errors = os.dup(errors.fileno())
        command = [str(environment.interpreter), "-I", serve.__file__, str(theirs)]
        try:
            self._process = subprocess.Popen(
                [*command, *map(str, self.definition.scripts)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_variables(self._device),
                pass_fds=[theirs],
                start_new_session=True,  # Ctrl-C is ours; and it ends with all that it starts
            )
        except OSError as error:
            os.close(self._lifeline)
            os.close(self._errors)
            raise EnvironmentMissingError(
                f"the environment {self.definition.name} was removed or damaged: "
                f"run `bench env create {creation_argument(self.definition)}`"
            ) from error
        finally:
            os.close(theirs)
        said = self._line(self._start_timeout_s)
        try:
            failure = json.loads(said).get("error")
        except (ValueError, AttributeError):
            raise self._lost(f"answered nonsense: {said[:80]!r}") from None
        if failure is not None:
            raise self._lost(f"cannot start: {' '.join(failure.split())}")

    def stop(self) -> None:
        """End the process and all that it started, whatever they do; they are dead on return."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        # Also where it died by itself: what it left behind, the guard of `serve` at least, is
        # of its group, and while one is the number of the group is no other's.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        os.close(self._lifeline)
        process.wait()
        self._until_closed(process)  # what it forked held the pipe too
        process.stdin.close()
        process.stdout.close()
        os.close(self._errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _exchange(self, folder: Path) -> dict[str, Any]:
        """Have the request in a folder answered."""
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{folder}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise self._lost(self._obituary()) from None
        said = self._line(self._timeout_s)
        if said != "answered":
            raise self._lost(f"answered nonsense: {said[:80]!r}")
        return json.loads((folder / "answer.json").read_text(encoding="utf-8"))

    def _line(self, timeout_s: float) -> str:
        """The next line from the process."""
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            if len(self._unread) > _MOST_LINE_BYTES:
                raise self._lost("answered nonsense: a line without end")
            if not connection.wait([pipe], max(deadline - time.monotonic(), 0.0)):
                raise self._lost(f"took longer than {timeout_s:g} s")
            data = os.read(pipe, _MOST_LINE_BYTES)
            if not data:
                raise self._lost(self._obituary())
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace")

    def _obituary(self) -> str:
        """How the process, which closed its pipe, came to its end."""
        assert self._process is not None
        try:
            code = self._process.wait(_DEAD_WITHIN_S)
        except subprocess.TimeoutExpired:
            return "closed its pipe"
        if code >= 0:
            return f"ended itself (status {code})"
        return f"was ended by {signal.Signals(-code).name}"

    def _lost(self, what: str) -> IsolatedLost:
        """End the process; the error says what it did."""
        tail = self._tail()
        self.stop()
        last = f": {tail[-1]}" if tail and what.startswith(("ended", "was ended", "closed")) else ""
        return IsolatedLost(f"the worker of {self.definition.name} {what}{last}", tail)

    def _tail(self) -> tuple[str, ...]:
        if self._process is None:
            return ()
        size = os.fstat(self._errors).st_size
        # Read without moving the place where the worker goes on writing.
        data = os.pread(self._errors, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        lines = data.decode(errors="replace").splitlines()
        return tuple(line.strip() for line in lines if line.strip())

    def _until_closed(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        deadline = time.monotonic() + _DEAD_WITHIN_S
        while connection.wait([pipe], max(deadline - time.monotonic(), 0.0)):
            if not os.read(pipe, _MOST_LINE_BYTES):
                return


def _variables(device: str) -> Mapping[str, str]:
    if device == "cpu":
        return {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    return os.environ
