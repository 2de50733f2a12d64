"""The .sqc file: what is written comes back, at the size that was promised."""

from __future__ import annotations

import io
import math
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sqcodec import bitstream
from sqcodec.bitstream import (
    MAX_SAMPLES_PER_BYTE,
    Header,
    StreamError,
    Writer,
    frames_per_block,
    most_samples,
)
from sqcodec.bitstream_reader import Stream, read
from sqcodec.presets import PRESETS, get_config

WEIGHTS = "0123456789abcdef"


def _header(preset: str, channels: int = 1, sample_rate: int | None = None) -> Header:
    config = get_config(preset)
    rate = sample_rate or config.sample_rate
    return Header(preset, WEIGHTS, rate, channels, frames_per_block(config, channels))


def _codes(header: Header, length: int, seed: int = 0, calm: bool = False) -> NDArray[np.int64]:
    size = header.config.codebook_size
    shape = (header.channels, header.n_frames(length))
    low, high = (size // 2, size // 2 + 2) if calm else (0, size)
    return np.random.default_rng(seed).integers(low, high, shape)


def _write(
    header: Header, codes: NDArray[np.int64], length: int, *, range_coded: bool = False
) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, header, range_coded=range_coded)
    writer.write(codes)
    writer.close(length)
    return file.getvalue()


def _bits_of_a_minute(preset: str) -> tuple[Stream, float]:
    header = _header(preset)
    length = 60 * header.sample_rate
    return read(_write(header, _codes(header, length), length)), 60 * header.config.bitrate_bps


@settings(max_examples=60)
@given(
    preset=st.sampled_from(list(PRESETS)),
    channels=st.integers(1, 6),
    sample_rate=st.sampled_from([None, 8_000, 11_025, 44_100, 48_000]),
    length=st.integers(1, 60_000),
    block_frames=st.integers(1, 200),
    seed=st.integers(0, 2**32 - 1),
    range_coded=st.booleans(),
    calm=st.booleans(),
)
def test_any_codes_come_back(
    preset: str,
    channels: int,
    sample_rate: int | None,
    length: int,
    block_frames: int,
    seed: int,
    range_coded: bool,
    calm: bool,
) -> None:
    header = replace(_header(preset, channels, sample_rate), block_frames=block_frames)
    length = min(length, 3_000 * header.sample_rate // 16_000)
    codes = _codes(header, length, seed, calm)
    stream = read(_write(header, codes, length, range_coded=range_coded))
    assert stream.header == header
    assert stream.length == length
    assert (stream.codes == codes).all()
    assert (stream.damage, stream.lost) == ((), ())


@pytest.mark.parametrize("preset", list(PRESETS))
def test_the_codes_of_a_minute_take_the_nominal_bitrate(preset: str) -> None:
    stream, nominal_bits = _bits_of_a_minute(preset)
    assert stream.n_blocks >= 6
    assert stream.payload_bytes * 8 == pytest.approx(nominal_bits, rel=0.005)


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("length", [1, 359, 361, 16_001, 12 * 16_000, 240 * 16_000])
def test_the_codes_of_any_clip_take_less_than_a_frame_more(preset: str, length: int) -> None:
    header = _header(preset)
    bits = header.config.bits_per_frame
    n_frames = math.ceil(length / header.config.hop_length)
    stream = read(_write(header, _codes(header, length), length))
    assert n_frames * bits <= stream.payload_bytes * 8 < (n_frames + 1) * bits


@pytest.mark.parametrize("channels", [1, 2, 255])
@pytest.mark.parametrize("preset", ["sqcodec-0.75k", "sqcodec-24k-24khz"])
def test_range_coding_never_costs(preset: str, channels: int) -> None:
    header = _header(preset, channels)
    length = 2 * header.sample_rate if channels < 3 else 2_000
    codes = _codes(header, length)
    packed = _write(header, codes, length)
    assert len(_write(header, codes, length, range_coded=True)) <= len(packed)


def test_range_coding_of_silence_stops_at_a_bit_a_code() -> None:
    header = _header("sqcodec-3k")
    length = 8 * 16_000
    codes = np.full((1, header.n_frames(length)), 58_824)
    data = _write(header, codes, length, range_coded=True)
    stream = read(data)
    assert stream.n_coded_blocks == stream.n_blocks == 1
    assert stream.payload_bytes == math.ceil(codes.size / 8)
    assert (stream.codes == codes).all()


@pytest.mark.parametrize("preset", list(PRESETS))
def test_packed_codes_stay_far_below_what_a_file_may_be_decoded_to(preset: str) -> None:
    config = get_config(preset)
    samples_per_byte = config.hop_length * 8 / config.bits_per_frame
    highest = samples_per_byte * 192_000 / config.sample_rate
    assert most_samples(10**6) - most_samples(0) == 10**6 * MAX_SAMPLES_PER_BYTE
    assert highest < MAX_SAMPLES_PER_BYTE / 3.9


@pytest.mark.parametrize(("sample_rate", "channels"), [(96_000, 2), (768_000, 1)])
def test_silence_of_high_rates_is_written_so_that_it_may_be_decoded(
    monkeypatch: pytest.MonkeyPatch, sample_rate: int, channels: int
) -> None:
    monkeypatch.setattr(bitstream, "FREE_SAMPLES", 0)
    header = _header("sqcodec-0.75k", channels, sample_rate)
    length = 20 * sample_rate
    codes = np.full((channels, header.n_frames(length)), header.config.codebook_size // 2)
    data = _write(header, codes, length, range_coded=True)
    assert length * channels <= most_samples(len(data))
    assert (read(data).codes == codes).all()
    assert len(data) <= len(_write(header, codes, length))


def test_written_by_hand() -> None:
    """The bytes of docs/sqc.md."""
    header = Header("sqcodec-3k", WEIGHTS, 44_100, 1, 1_770)
    data = _write(header, np.array([[5, 7]]), 300)  # ceil(300 * 16000 / 44100) = 109 samples
    start = (
        b"\x89SQC\x01\x01"
        + (1_770).to_bytes(2, "little")
        + (44_100).to_bytes(4, "little")
        + (16_000).to_bytes(4, "little")
        + bytes.fromhex(WEIGHTS)
        + b"\x0asqcodec-3k"
    )
    payload = (5 + 7 * 117_649).to_bytes(5, "little")
    block = b"\xb0" + bytes(4) + b"\x02\x00\x05\x00" + zlib.crc32(payload).to_bytes(4, "little")
    length = (300).to_bytes(8, "little")
    end = b"\xbe\x01\0\0\0\0\0\x08\0" + zlib.crc32(length).to_bytes(4, "little")
    assert data == b"".join(
        [
            start + zlib.crc32(start).to_bytes(4, "little"),
            block + (zlib.crc32(block) & 0xFFFF).to_bytes(2, "little") + payload,
            end + (zlib.crc32(end) & 0xFFFF).to_bytes(2, "little") + length,
        ]
    )


def test_written_in_pieces_it_is_the_same() -> None:
    header = replace(_header("sqcodec-1.5k", 2), block_frames=50)
    length = 180 * 321
    codes = _codes(header, length)
    file = io.BytesIO()
    writer = Writer(file, header)
    for start in range(0, codes.shape[1], 77):
        writer.write(codes[:, start : start + 77])
    writer.close(length)
    assert file.getvalue() == _write(header, codes, length)


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        (np.zeros((2, 3), np.int64), r"codes must be \[1, F\]"),
        (np.full((1, 3), 117_649), r"codes must lie in 0..117648"),
        (np.full((1, 3), -1), r"codes must lie in 0..117648"),
    ],
)
def test_codes_that_no_file_can_have(codes: NDArray[np.int64], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Writer(io.BytesIO(), _header("sqcodec-3k")).write(codes)


def test_a_length_that_is_not_that_of_the_codes() -> None:
    writer = Writer(io.BytesIO(), _header("sqcodec-3k"))
    writer.write(np.zeros((1, 3), np.int64))
    with pytest.raises(ValueError, match="271 samples take 4 frames, not 3"):
        writer.close(271)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sample_rate": 999}, "sample rate must be 1000 to 768000 Hz, got 999"),
        ({"channels": 0}, "1 to 255 channels, got 0"),
        ({"channels": 256}, "1 to 255 channels, got 256"),
        ({"block_frames": 0}, "a block must have 1 to 7710 frames, got 0"),
        ({"block_frames": 7_711}, "a block must have 1 to 7710 frames, got 7711"),
        ({"weights": "abc"}, "hash must have 16 digits"),
        ({"preset": "sqcodec-4k"}, "no SQCodec preset is called 'sqcodec-4k'"),
    ],
)
def test_headers_that_no_file_can_have(change: dict[str, object], why: str) -> None:
    with pytest.raises(StreamError, match=why):
        replace(_header("sqcodec-3k"), **change)
