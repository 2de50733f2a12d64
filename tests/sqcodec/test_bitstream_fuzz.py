"""10,000 mutated .sqc files: a clear error or what is intact, in bounded time and memory."""

from __future__ import annotations

import io
import random
import tracemalloc
import zlib
from collections import Counter
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from sqcodec import bitstream, recording
from sqcodec.bitstream import (
    CODED,
    MAX_PAYLOAD,
    PACKED,
    BlockHeader,
    Header,
    StreamError,
    Writer,
    most_samples,
)
from sqcodec.bitstream_reader import read
from sqcodec.inference import SQCodec
from sqcodec.stream_info import describe, lines

N_FILES = 10_000
# Bytes of memory: an index of eight bytes for each of 64 codes a byte, a few times over, and what a
# single block may take.
BYTES_PER_BYTE, BYTES_AT_LEAST = 1_024, 1 << 20


def _originals() -> list[bytes]:
    found = []
    generator = np.random.default_rng(0)
    for preset, rate, channels, block_frames, length in (
        ("sqcodec-3k", 16_000, 1, 5, 1_200),
        ("sqcodec-0.75k", 44_100, 2, 2, 6_000),
        ("sqcodec-24k-24khz", 8_000, 3, 3, 40),
        ("sqcodec-6k", 48_000, 1, 400, 2_000),
    ):
        header = Header(preset, "0123456789abcdef", rate, channels, block_frames)
        size = header.config.codebook_size
        codes = generator.integers(size // 2, size // 2 + 9, (channels, header.n_frames(length)))
        for range_coded in (False, True):
            file = io.BytesIO()
            writer = Writer(file, header, range_coded=range_coded)
            writer.write(codes)
            writer.close(length)
            found.append(file.getvalue())
    return found


def _mutate(dice: random.Random, data: bytes) -> bytes:
    """Change a file in one to four places, half of the time with its checksums made right."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(changed) + 1)
        size = dice.choice([1, 2, 4, dice.randrange(64)])
        kind = dice.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            changed[at : at + size] = dice.randbytes(size)
        elif kind == 2:
            changed[at : at + size] = dice.choice([b"\0", b"\xff", b"\xb0\xb1\xbe"]) * size
        elif kind == 3:
            del changed[at : at + size]
        elif kind == 4:
            begin = dice.randrange(len(changed) + 1)
            changed[at:at] = changed[begin : begin + 4 * size]
        else:
            del changed[at:]
    return bytes(_sealed(changed) if dice.random() < 0.5 else changed)


def _sealed(data: bytearray) -> bytearray:
    """Make right what checksums there are, so that what lies behind them is tried."""
    if len(data) < 29:
        return data
    end = 25 + data[24]
    data[end : end + 4] = zlib.crc32(data[:end]).to_bytes(4, "little")
    at = end + 4
    while at + 15 <= len(data):
        size = int.from_bytes(data[at + 7 : at + 9], "little")
        payload = data[at + 15 : at + 15 + size]
        data[at + 9 : at + 13] = zlib.crc32(payload).to_bytes(4, "little")
        data[at + 13 : at + 15] = (zlib.crc32(data[at : at + 13]) & 0xFFFF).to_bytes(2, "little")
        at += 15 + size
    return data


def _outcome(data: bytes, *, lenient: bool) -> str:
    """Read a file; what is read must be whole in itself, whatever it is."""
    try:
        stream = read(data, lenient=lenient)
    except StreamError as error:
        return f"error, lenient {lenient}" if str(error).isprintable() else f"unclear: {error}"
    shape = stream.header.channels, stream.header.n_frames(stream.length)
    assert stream.codes.shape == shape
    assert 0 <= stream.codes.min() <= stream.codes.max() < stream.header.config.codebook_size
    assert lenient or not (stream.damage or stream.lost)
    assert stream.codes.size <= 65 * len(data)
    info = describe("a.sqc", stream)
    assert info.bits_per_frame > 0
    assert all(line.isprintable() for line in lines(info))
    return "damaged" if stream.damage else "intact"


def test_mutated_files_give_a_clear_error_or_what_is_intact() -> None:
    dice = random.Random(0)
    originals = _originals()
    outcomes = Counter(
        _outcome(_mutate(dice, dice.choice(originals)), lenient=lenient)
        for _ in range(N_FILES // 2)
        for lenient in (False, True)
    )
    # Each outcome is common: the mutations neither spare the files nor destroy them.
    assert set(outcomes) == {"error, lenient False", "error, lenient True", "damaged", "intact"}
    assert min(outcomes.values()) > N_FILES // 50, outcomes


def test_memory_is_bounded_by_the_size_of_the_file() -> None:
    dice = random.Random(1)
    originals = _originals()
    tracemalloc.start()
    try:
        for _ in range(300):
            data = _mutate(dice, dice.choice(originals))
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            _outcome(data, lenient=True)
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < BYTES_AT_LEAST + BYTES_PER_BYTE * len(data)
    finally:
        tracemalloc.stop()


class _Zeros:
    """A codec in whose place any would do: all audio is zero."""

    def __init__(self, header: Header) -> None:
        self.config = header.config
        self.info = SimpleNamespace(name="zeros", weights_sha256=header.weights)

    def decode(self, codes: torch.Tensor, length: int, **_: object) -> torch.Tensor:
        assert len(codes) == -(-length // self.config.hop_length)
        return torch.from_numpy(np.zeros(length, np.float32))


def test_what_is_decoded_is_bounded_by_the_size_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dice = random.Random(2)
    originals = _originals()
    # Such small files would need no bound.
    monkeypatch.setattr(bitstream, "FREE_SAMPLES", 1 << 12)
    monkeypatch.setattr(bitstream, "MAX_SAMPLES_PER_BYTE", 1 << 8)
    # Of what a sample stands for, the resampler and the channel before it keep copies.
    bytes_per_sample = 4 * 4
    outcomes = Counter[str]()
    tracemalloc.start()
    try:
        for _ in range(400):
            data = bytearray(_mutate(dice, dice.choice(originals)))
            if dice.random() < 0.5 and len(data) >= 29:  # of any rate
                data[8:12] = dice.randrange(1_000, 768_001).to_bytes(4, "little")
                data = _sealed(data)
            try:
                stream = read(bytes(data), lenient=True)
            except StreamError:
                continue
            most = most_samples(len(data))
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                audio = recording.decode(cast(SQCodec, _Zeros(stream.header)), stream)
            except StreamError as error:
                outcomes["refused" if "may stand for" in str(error) else str(error)] += 1
            else:
                assert audio.shape == (stream.header.channels, stream.length)
                assert audio.size <= most
                outcomes["decoded"] += 1
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < BYTES_AT_LEAST + bytes_per_sample * most
    finally:
        tracemalloc.stop()
    assert set(outcomes) == {"decoded", "refused"}
    assert min(outcomes.values()) > 5, outcomes


_HEADER = Header("sqcodec-3k", "0123456789abcdef", 16_000, 1, 100).to_bytes()


@pytest.mark.parametrize(
    "filling",
    [
        b"\xb0",
        b"\xb0\xb1\xbe",
        BlockHeader(PACKED, 0, 1, MAX_PAYLOAD, crc=0).to_bytes(),
        BlockHeader(CODED, 0, 1, 0, crc=0).to_bytes(),
    ],
)
def test_would_be_blocks_without_end_do_not_hang(filling: bytes) -> None:
    with pytest.raises(StreamError, match="nothing of it can be read"):
        read(_HEADER + filling * (300_000 // len(filling)), lenient=True)
