"""The most memory that this process held, as Linux tells it; elsewhere it is not known."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def reset_peak() -> None:
    """Forget the most that was held so far: what is held now is the most, then."""
    if _CLEAR.exists():
        _CLEAR.write_text(_RESET_PEAK)


def give_back_free() -> None:
    """Give the system what the C library keeps of freed memory, which counts as held."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
        if trim is not None:
            trim(0)


def peak_bytes() -> int | None:
    """Return the most bytes held (VmHWM) since `reset_peak`, or since the process began."""
    if not _STATUS.is_file():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return None
