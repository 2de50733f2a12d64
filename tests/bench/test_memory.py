"""bench.memory: what the system tells, and what this process holds."""

from pathlib import Path

import numpy as np
import pytest

from bench import memory
from bench.memory import peak_bytes, reset_peak

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


def test_the_peak_is_what_was_held_and_is_forgotten() -> None:
    peaks = []
    for size in (0, BLOCK_BYTES, 0):
        reset_peak()
        block = np.ones(size, np.uint8)
        peaks.append(peak_bytes())
        del block
    before, held, after = peaks
    if before is None or held is None or after is None:
        assert peaks == [None] * 3  # no Linux
        return
    assert held - before > 0.9 * BLOCK_BYTES
    assert held - after > 0.9 * BLOCK_BYTES
