"""bench.memory: what the system tells, and what this process holds."""

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import memory
from bench.memory import give_back_free, peak_bytes, reset_peak

BLOCK_BYTES = 64 * 2**20


def test_what_the_system_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, clear = tmp_path / "status", tmp_path / "clear_refs"
    monkeypatch.setattr(memory, "_STATUS", status)
    monkeypatch.setattr(memory, "_CLEAR", clear)
    assert peak_bytes() is None
    reset_peak()
    assert not clear.exists()
    clear.touch()
    reset_peak()
    assert clear.read_text() == "5"
    status.write_text("VmPeak:\t9 kB\n")
    assert peak_bytes() is None
    status.write_text("VmPeak:\t9 kB\nVmHWM:\t  2048 kB\n")
    assert peak_bytes() == 2 * 2**20


def test_freed_memory_in_small_pieces_is_not_held() -> None:
    pieces = [bytes(1000) for _ in range(BLOCK_BYTES // 1000)]
    reset_peak()
    held = peak_bytes()
    last = pieces[-1]  # keeps what lies before it from going back by itself
    del pieces
    give_back_free()
    reset_peak()
    after = peak_bytes()
    assert len(last) == 1000
    if sys.platform == "linux":
        assert held is not None
        assert after is not None
        assert held - after > 0.5 * BLOCK_BYTES


def test_the_peak_is_what_was_held_and_is_forgotten() -> None:
    peaks = []
    for size in (1, BLOCK_BYTES, 1):
        reset_peak()
        # Mapped, not allocated: an allocator may keep what is freed.
        with mmap.mmap(-1, size) as block:
            np.frombuffer(block, np.uint8).fill(1)
            peaks.append(peak_bytes())
    before, held, after = peaks
    if before is None or held is None or after is None:
        assert peaks == [None] * 3  # no Linux
        return
    assert held - before > 0.9 * BLOCK_BYTES
    assert held - after > 0.9 * BLOCK_BYTES
