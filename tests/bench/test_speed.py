"""bench.speed: medians by a clock of our own; memory as the system tells it."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from bench import memory, registry
from bench.architecture import Architecture, AsCounted
from bench.speed import measure, measure_in_process

N_THREADS = torch.get_num_threads()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    def architecture(name: str) -> Architecture:
        return Architecture(
            name,
            100,
            30,
            nn.Identity(),
            encode=lambda audio: audio,
            quantize=torch.round,
            dequantize=lambda codes: codes,
            decode=lambda latent: latent,
            as_counted=AsCounted(),
        )

    monkeypatch.setattr(registry, "architecture", architecture)


def test_times_are_medians_without_the_first_turn(toy: None) -> None:
    # Per turn: before, after encoding, after decoding.
    durations = [(50.0, 50.0), (1.0, 8.0), (2.0, 4.0), (9.0, 2.0)]
    ticks = itertools.chain.from_iterable((0.0, e, e + d) for e, d in durations)
    found = measure("toy", 1.0, 3, N_THREADS, clock=lambda: next(ticks))
    assert (found.encode, found.decode) == (1 / 2, 1 / 4)
    assert (found.n_turns, found.n_threads) == (3, N_THREADS)


def test_memory_is_the_peak_of_the_process(
    toy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = tmp_path / "status"
    status.write_text("VmHWM:\t  2048 kB\n")
    monkeypatch.setattr(memory, "_STATUS", status)
    assert measure("toy", 1.0, 1, N_THREADS).peak_memory_bytes == 2 * 2**20
    status.unlink()
    assert measure("toy", 1.0, 1, N_THREADS).peak_memory_bytes is None


def test_a_process_of_its_own_times_a_codec() -> None:
    found = measure_in_process("sqcodec-3k", 0.1, 1, 1)
    assert found.encode > 0
    assert found.decode > 0
    assert found.n_threads == 1
