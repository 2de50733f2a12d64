"""Clips that go piece by piece, against the same clips all at once."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import sqcodec
from sqcodec import long_audio, recording
from sqcodec.bitstream_reader import read

# Products of other shapes round differently in float32; the audio lies in -1..1.
FLOAT32_ROUNDING = 1e-4


@pytest.fixture
def codec(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> sqcodec.SQCodec:
    """Takes three seconds for long, and pieces of half a second."""
    monkeypatch.setattr(long_audio, "LONG_S", 3.0)
    monkeypatch.setattr(long_audio, "_PIECE_S", 0.5)
    return sqcodec.load(tiny_weights)


def _noise(*shape: int) -> torch.Tensor:
    swell = torch.linspace(0.01, 0.3, shape[-1])
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * swell


@pytest.mark.parametrize("padding", ["hop", "window"])
@pytest.mark.parametrize("shape", [(70_001,), (3, 60_000)])
def test_long_clips_are_as_all_at_once(
    codec: sqcodec.SQCodec,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    padding: str,
) -> None:
    codec = sqcodec.load(tiny_weights, padding=padding)
    audio = _noise(*shape)
    codes = codec.encode(audio)
    decoded = codec.decode(codes, shape[-1])
    monkeypatch.setattr(long_audio, "LONG_S", 60.0)
    assert torch.equal(codes, codec.encode(audio))
    expected = codec.decode(codes, shape[-1])
    assert decoded.shape == expected.shape
    assert (decoded - expected).abs().max() < FLOAT32_ROUNDING


def test_many_short_clips_go_through_a_few_at_a_time(
    codec: sqcodec.SQCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    encode = codec._network.encode
    monkeypatch.setattr(codec._network, "encode", lambda x: (taken.append(len(x)), encode(x))[1])
    audio = _noise(7, 16_000)  # a second each: three at a time
    codes = codec.encode(audio)
    assert taken == [3, 3, 1]
    assert torch.equal(codes, torch.stack([codec.encode(clip) for clip in audio]))
    expected = torch.stack([codec.decode(clip, 16_000) for clip in codes])
    assert (codec.decode(codes, 16_000) - expected).abs().max() < FLOAT32_ROUNDING


def test_progress_goes_from_nothing_to_all(codec: sqcodec.SQCodec) -> None:
    audio = _noise(64_000)
    encoding: list[float] = []
    codes = codec.encode(audio, on_progress=encoding.append)
    decoding: list[float] = []
    codec.decode(codes, on_progress=decoding.append)
    for told in (encoding, decoding):
        assert len(told) > 5
        assert told == sorted(told)
        assert told[0] < 0.2
        assert told[-1] == 1.0


def test_short_clips_have_no_progress(codec: sqcodec.SQCodec) -> None:
    told: list[float] = []
    codec.decode(codec.encode(_noise(48_000), on_progress=told.append), on_progress=told.append)
    assert told == []


def test_a_long_recording_tells_of_each_channels_parts(tiny_weights: Path) -> None:
    codec = sqcodec.load(tiny_weights)
    told: list[tuple[float, int]] = []

    def progress(done: float, total: int) -> None:
        told.append((done, total))

    file = io.BytesIO()
    audio = np.stack([_noise(100_000).numpy()] * 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_audio, "LONG_S", 3.0)
        recording.encode(codec, audio, 16_000, file, on_progress=progress)
        recording.decode(codec, read(file.getvalue()), on_progress=progress)
    assert {total for _, total in told} == {2}
    assert any(0 < done < 1 for done, _ in told)
    assert any(1 < done < 2 for done, _ in told)


def test_bad_input_is_told_of_long_clips_too(codec: sqcodec.SQCodec) -> None:
    audio = _noise(64_000)
    audio[50_000] = torch.nan
    with pytest.raises(ValueError, match="must be finite"):
        codec.encode(audio)
    with pytest.raises(ValueError, match="1000 codes do not stand for 63936 samples"):
        codec.decode(torch.zeros(1000, dtype=torch.int64), 63_936)


@pytest.mark.slow
def test_one_hour_takes_bounded_memory() -> None:
    script = Path(__file__).with_name("one_hour.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)  # the figures of docs/performance.md
    report = json.loads(done.stdout)
    assert report["shape"] == [640_000, 57_600_000]
    assert report["finite"]
    assert report["rms"] > 0.01
    assert report["codes_compared"] > 5_000
    assert report["codes_differing"] == 0
    assert report["peak_bytes"] < 1.5e9
