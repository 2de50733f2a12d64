"""What runs in the other environment: it loads a worker's script and does one call at a time.

Standard library alone, and Python 3.8 or newer: nothing of ours is there. Started as
``python -I serve.py LIFELINE WORKER [HELPER ...]``. Each line on standard input is a folder
with a ``request.json``; the answer goes to ``answer.json`` in it, and a line says so. Audio,
float32 [T], lies beside as .npy and stands in the JSON as ``{"@audio": file}``; the worker gets
it as a numpy array, or as ``array.array("f")`` in an environment without numpy. Whatever the
worker prints goes to standard error.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import struct
import sys
import traceback
from array import array
from typing import Any

_AUDIO = "@audio"
_MAGIC = b"\x93NUMPY\x01\x00"


def serve() -> None:
    """Load the worker and answer requests until there are no more."""
    lifeline, *scripts = sys.argv[1:]
    _die_with_caller(int(lifeline))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    requests = os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        *_, worker = [_load(script) for script in reversed(scripts)]
    except Exception as error:
        traceback.print_exc()
        answers.write(json.dumps({"error": _said(error)}) + "\n")
        return
    answers.write(json.dumps({"python": sys.version.split()[0]}) + "\n")
    answers.flush()
    for line in requests:
        folder = line.rstrip("\n")
        answer = _answer(worker, folder)
        with open(os.path.join(folder, "answer.json"), "w", encoding="utf-8") as file:
            file.write(answer)
        answers.write("answered\n")
        answers.flush()


def _answer(worker: Any, folder: str) -> str:
    try:
        with open(os.path.join(folder, "request.json"), encoding="utf-8") as file:
            request = json.load(file)
        arguments = unpack(request["arguments"], folder)
        value = getattr(worker, request["verb"])(**arguments)
    except Exception as error:
        traceback.print_exc()
        return json.dumps({"error": str(error), "kind": type(error).__name__})
    try:
        return json.dumps({"value": pack(value, folder, "answer")}, allow_nan=False)
    except (TypeError, ValueError, OSError) as error:
        said = "the answer cannot be handed over: " + _said(error)
        return json.dumps({"error": said, "kind": "RuntimeError"})


def pack(value: Any, folder: str, prefix: str) -> Any:
    """Write the audio in a value into files; what is left is for JSON."""
    n_files = 0

    def packed(part: Any) -> Any:
        nonlocal n_files
        if isinstance(part, dict):
            return {str(key): packed(item) for key, item in part.items()}
        if isinstance(part, (list, tuple)):
            return [packed(item) for item in part]
        if _is_audio(part):
            name = f"{prefix}-{n_files}.npy"
            n_files += 1
            _write(os.path.join(folder, name), part)
            return {_AUDIO: name}
        if hasattr(part, "tolist"):  # other arrays, and numbers of numpy
            return part.tolist()
        return part

    return packed(value)


def unpack(value: Any, folder: str) -> Any:
    """Undo `pack`."""
    if isinstance(value, dict):
        if list(value) == [_AUDIO]:
            return _read(os.path.join(folder, value[_AUDIO]))
        return {key: unpack(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [unpack(item, folder) for item in value]
    return value


def _is_audio(value: Any) -> bool:
    if isinstance(value, array):
        return value.typecode == "f"
    is_array = type(value).__name__ == "ndarray"
    return is_array and str(value.dtype) == "float32" and value.ndim == 1


def _write(path: str, samples: Any) -> None:
    shape = (len(samples),)
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape})
    n_before = len(_MAGIC) + 2 + len(header) + 1
    padded = header.encode() + b" " * (-n_before % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(_MAGIC + struct.pack("<H", len(padded)) + padded + samples.tobytes())


def _read(path: str) -> Any:
    with open(path, "rb") as file:
        data = file.read()
    (n_header,) = struct.unpack_from("<H", data, len(_MAGIC))
    samples = array("f")
    samples.frombytes(data[len(_MAGIC) + 2 + n_header :])
    if importlib.util.find_spec("numpy") is None:
        return samples
    import numpy

    return numpy.frombuffer(samples, dtype=numpy.float32)


def _load(script: str) -> Any:
    """Import a script by its name; only what was handed along can be imported so."""
    name = os.path.splitext(os.path.basename(script))[0]
    spec = importlib.util.spec_from_file_location(name, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _die_with_caller(lifeline: int) -> None:
    """End this process and all that it starts when the caller is gone.

    A process of its own waits for that, the other end of its pipe being the caller's: a thread
    could not, beside native code that hangs and lets no other thread run.
    """
    if os.fork():
        os.close(lifeline)
        return
    for standard in (0, 1, 2):
        os.close(standard)
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    serve()
