"""Recordings through .sqc: what comes out is what the codec makes of what goes in."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import sqcodec
from sqcodec import bitstream, recording
from sqcodec.bitstream import StreamError
from sqcodec.bitstream_reader import Stream, read
from sqcodec.weights import load_weights, save_weights

MINI = Path(__file__).parents[2] / "bench" / "datasets" / "mini"


def _noise(channels: int, length: int, seed: int = 0) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 0.1, (channels, length))
    return noise.astype(np.float32)


def _stream(codec: sqcodec.SQCodec, audio: NDArray[np.float32], sample_rate: int) -> Stream:
    file = io.BytesIO()
    recording.encode(codec, audio, sample_rate, file)
    return read(file.getvalue())


@pytest.fixture
def codec(tiny_weights: Path) -> sqcodec.SQCodec:
    return sqcodec.load(tiny_weights)


# The codec is the same for all examples, and is not changed.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    length=st.integers(1, 4_000),
    channels=st.integers(1, 3),
    sample_rate=st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 48_000]),
)
def test_any_recording_keeps_rate_length_and_channels(
    codec: sqcodec.SQCodec, length: int, channels: int, sample_rate: int
) -> None:
    audio = _noise(channels, length)
    stream = _stream(codec, audio, sample_rate)
    codec_length = -(-length * 16_000 // sample_rate)
    assert stream.codes.shape == (channels, -(-codec_length // codec.info.hop_length))
    decoded = recording.decode(codec, stream)
    assert decoded.shape == audio.shape
    assert np.isfinite(decoded).all()


def test_each_channel_is_what_the_codec_makes_of_it(codec: sqcodec.SQCodec) -> None:
    audio = _noise(2, 3_000)
    decoded = recording.decode(codec, _stream(codec, audio, 16_000))
    for channel, found in zip(audio, decoded, strict=True):
        expected = codec.decode(codec.encode(torch.from_numpy(channel)), 3_000).numpy()
        assert (found == expected).all()


@pytest.mark.parametrize("clip", ["librivox-austen-0890", "asterisk-en-conf-invalid"])
def test_a_mini_clip_is_what_the_codec_makes_of_it(clip: str) -> None:
    codec = sqcodec.load("sqcodec-3k", padding="hop")
    audio, sample_rate = soundfile.read(MINI / f"{clip}.flac", dtype="float32")
    audio = audio[:sample_rate]
    decoded = recording.decode(codec, _stream(codec, audio[np.newaxis], sample_rate))[0]
    expected = audio
    if sample_rate != 16_000:
        expected = soxr.resample(expected, sample_rate, 16_000, quality="HQ")
    tensor = torch.from_numpy(expected)
    expected = codec.decode(codec.encode(tensor), len(tensor)).numpy()
    if sample_rate != 16_000:
        expected = soxr.resample(expected, 16_000, sample_rate, quality="HQ")
    assert (decoded == expected[: len(audio)]).all()


def test_lost_frames_are_silent(codec: sqcodec.SQCodec) -> None:
    stream = replace(_stream(codec, _noise(1, 6_400), 16_000), lost=((10, 20), (99, 100)))
    decoded = recording.decode(codec, stream)[0]
    assert not decoded[640:1_280].any()
    assert not decoded[6_336:].any()
    assert decoded[:640].any()
    assert decoded[1_280:6_336].any()


def test_other_weights_are_refused_unless_told(
    codec: sqcodec.SQCodec, tiny_weights: Path, tmp_path: Path
) -> None:
    stream = _stream(codec, _noise(1, 640), 16_000)
    network, card = load_weights(tiny_weights)
    save_weights(tmp_path / "other.safetensors", network, replace(card, description="another"))
    other = sqcodec.load(tmp_path / "other.safetensors")
    with pytest.raises(recording.OtherWeightsError, match=r"with weights \w{16}, and"):
        recording.decode(other, stream)
    expected = recording.decode(codec, stream)
    assert (recording.decode(other, stream, any_weights=True) == expected).all()


def test_another_preset_is_never_taken(codec: sqcodec.SQCodec) -> None:
    stream = _stream(codec, _noise(1, 640), 16_000)
    other = sqcodec.load("sqcodec-3k")
    with pytest.raises(recording.OtherWeightsError, match="of tiny, which sqcodec-3k cannot"):
        recording.decode(other, stream, any_weights=True)


@pytest.mark.parametrize(
    ("audio", "sample_rate", "why"),
    [
        (np.zeros((1, 0), np.float32), 16_000, "T >= 1"),
        (np.zeros(100, np.float32), 16_000, r"shape \[C, T\]"),
        (np.zeros((1, 100), np.float32), 100, "sample rate must be 1000 to 768000 Hz"),
        (np.zeros((256, 1), np.float32), 16_000, "1 to 255 channels"),
        (np.full((1, 100), np.nan, np.float32), 16_000, "finite"),
        (np.full((1, 100), 1e20, np.float32), 16_000, r"must lie in \[-1, 1\]"),
    ],
)
def test_what_cannot_be_encoded(
    codec: sqcodec.SQCodec, audio: NDArray[np.float32], sample_rate: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        recording.encode(codec, audio, sample_rate, io.BytesIO())


def test_a_small_file_that_claims_hours_is_refused(
    codec: sqcodec.SQCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitstream, "FREE_SAMPLES", 10_000)
    stream = _stream(codec, _noise(1, 6_400), 16_000)  # about 110 bytes
    assert recording.decode(codec, stream).shape == (1, 6_400)
    header = replace(stream.header, sample_rate=768_000)
    claimed = replace(stream, header=header, length=48 * 6_400, file_bytes=10)
    with pytest.raises(
        StreamError, match="it would be 307,200 samples, and 10 bytes may stand for 91,920 at most"
    ):
        recording.decode(codec, claimed)


def test_the_authors_padding_would_send_more(tiny_weights: Path) -> None:
    codec = sqcodec.load(tiny_weights, padding="window")
    with pytest.raises(ValueError, match='padding="hop"'):
        recording.encode(codec, _noise(1, 100), 16_000, io.BytesIO())


def test_progress_is_told_by_channel(codec: sqcodec.SQCodec) -> None:
    told: list[tuple[int, int]] = []
    recording.encode(
        codec,
        _noise(2, 100),
        16_000,
        io.BytesIO(),
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
