"""Damaged .sqc files: what is damaged is lost and named, the rest is read."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sqcodec.bitstream import CODED, END, LENGTH, PACKED, BlockHeader, Header, StreamError, Writer
from sqcodec.bitstream_reader import Stream, read
from sqcodec.packing import pack, packed_size
from sqcodec.stream_info import describe, lines

HEADER = Header("sqcodec-3k", "0123456789abcdef", 16_000, 2, 10)
LENGTH_SAMPLES = 45 * 90  # five blocks, the last of five frames
CODES = np.random.default_rng(0).integers(0, 117_649, (2, 45))


def _file() -> bytes:
    file = io.BytesIO()
    writer = Writer(file, HEADER)
    writer.write(CODES)
    writer.close(LENGTH_SAMPLES)
    return file.getvalue()


START = len(HEADER.to_bytes())
SIZE = BlockHeader.n_bytes + packed_size(20, 117_649)  # of a whole block


def _begin(block: int) -> int:
    return START + block * SIZE


def _flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def _block(kind: int, index: int, n_frames: int, payload: bytes) -> bytes:
    head = BlockHeader(kind, index, n_frames, len(payload), zlib.crc32(payload))
    return head.to_bytes() + payload


def _assert_rest_intact(stream: Stream) -> None:
    kept = np.ones(stream.codes.shape[1], bool)
    for first, end in stream.lost:
        kept[first:end] = False
    assert (stream.codes[:, kept] == CODES[:, : len(kept)][:, kept]).all()
    assert (stream.codes[:, ~kept] == 58_824).all()  # the middle


@pytest.mark.parametrize("block", range(5))
@pytest.mark.parametrize("offset", [0, 3, 8, 14, 15, 29])
def test_a_flipped_bit_costs_its_block(block: int, offset: int) -> None:
    data = _flip(_file(), _begin(block) + offset)
    stream = read(data, lenient=True)
    assert stream.lost == ((10 * block, min(10 * block + 10, 45)),)
    assert stream.length == LENGTH_SAMPLES
    assert len(stream.damage) == 1
    _assert_rest_intact(stream)
    with pytest.raises(StreamError, match=rf"block {block} is damaged|no block at byte"):
        read(data)


@pytest.mark.parametrize("block", range(5))
@pytest.mark.parametrize("change", ["removed", "doubled", "a byte less", "a byte more"])
def test_bytes_that_come_or_go_cost_one_block_at_most(block: int, change: str) -> None:
    data, begin = _file(), _begin(block)
    end = min(begin + SIZE, len(data) - BlockHeader.n_bytes - LENGTH.size)
    inside = begin + 20
    data = {
        "removed": data[:begin] + data[end:],
        "doubled": data[:end] + data[begin:],
        "a byte less": data[:inside] + data[inside + 1 :],
        "a byte more": data[:inside] + b"\0" + data[inside:],
    }[change]
    stream = read(data, lenient=True)
    lost = () if change == "doubled" else ((10 * block, min(10 * block + 10, 45)),)
    assert stream.lost == lost
    assert stream.damage
    _assert_rest_intact(stream)
    with pytest.raises(StreamError):
        read(data)


@pytest.mark.parametrize("kept", [1, 2, 4])
def test_what_is_cut_off(kept: int) -> None:
    data = _file()[: _begin(kept) + 7]
    stream = read(data, lenient=True)
    assert stream.codes.shape == (2, 10 * kept)
    assert stream.length == kept * 10 * 90
    _assert_rest_intact(stream)
    with pytest.raises(StreamError, match="no block at byte"):
        read(data)


def test_cut_exactly_between_blocks() -> None:
    with pytest.raises(StreamError, match="the end is missing: the file is cut short"):
        read(_file()[: _begin(3)])


def test_the_end_alone_is_damaged() -> None:
    data = _flip(_file(), len(_file()) - 1)
    stream = read(data, lenient=True)
    assert stream.length == LENGTH_SAMPLES
    assert (stream.codes == CODES).all()
    assert stream.damage == ("the end is damaged: its checksum differs",)


def test_more_after_the_end() -> None:
    with pytest.raises(StreamError, match="no block at byte"):
        read(_file() + b"more")
    with pytest.raises(StreamError, match="there is more after the end"):
        read(_file() + _file()[START:])
    stream = read(_file() + b"more", lenient=True)
    assert (stream.codes == CODES).all()
    assert stream.lost == ()


class _Counted(int):
    """An index that counts how often it is compared."""

    comparisons = 0

    def __gt__(self, other: int) -> bool:
        _Counted.comparisons += 1
        return int(self) > int(other)

    def __lt__(self, other: int) -> bool:
        _Counted.comparisons += 1
        return int(self) < int(other)


def test_each_block_is_compared_a_few_times_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_blocks = 1_000
    file = io.BytesIO()
    writer = Writer(file, replace(HEADER, block_frames=1))
    writer.write(np.zeros((2, n_blocks), np.int64))
    writer.close(n_blocks * 90)
    from_bytes = BlockHeader.from_bytes

    def counted(data: bytes) -> BlockHeader | None:
        head = from_bytes(data)
        return head and replace(head, index=_Counted(head.index))

    monkeypatch.setattr(BlockHeader, "from_bytes", counted)
    monkeypatch.setattr(_Counted, "comparisons", 0)
    assert read(file.getvalue()).n_blocks == n_blocks
    assert _Counted.comparisons < 10 * n_blocks


def test_most_of_a_file_of_silence_is_cut_out() -> None:
    """What is left stays in its place, though it is a small part."""
    header = replace(HEADER, channels=1, block_frames=800)
    n_blocks, kept = 40, (*range(5), *range(35, 40))
    payload = bytes(100)  # eight codes a byte
    blocks = [_block(CODED, index, 800, payload) for index in range(n_blocks)]
    length = n_blocks * 800 * 90
    end = _block(END, n_blocks, 0, LENGTH.pack(length))
    stream = read(header.to_bytes() + b"".join(blocks[index] for index in kept) + end, lenient=True)
    assert stream.n_blocks == len(kept)
    assert stream.lost == ((5 * 800, 35 * 800),)
    assert stream.length == length
    assert stream.damage == ("block 5 is missing",)
    far = header.to_bytes() + blocks[0] + _block(CODED, 4_000, 800, payload)
    stream = read(far, lenient=True)
    assert stream.n_blocks == 1
    (line,) = stream.damage
    assert line.endswith(f"further on than {len(far)} bytes may reach: it is lost")


@pytest.mark.parametrize("preset", ["sqcodec-3k", "sqcodec-24k-24khz"])
@pytest.mark.parametrize("sample_rate", [1_000, 8_000, 16_000, 44_100, 768_000])
@pytest.mark.parametrize("index", range(6))
def test_without_the_end_nothing_that_was_read_is_left_out(
    preset: str, sample_rate: int, index: int
) -> None:
    header = Header(preset, "0123456789abcdef", sample_rate, 1, 1)
    payload = pack(np.array([5]), header.config.codebook_size)
    stream = read(header.to_bytes() + _block(PACKED, index, 1, payload), lenient=True)
    assert stream.codes[0, index] == 5
    frames = stream.codes.shape[1]
    # At low rates a sample may be longer than a frame.
    assert frames == index + 1 if sample_rate >= 8_000 else frames > index
    info = describe("a.sqc", stream)
    assert info.bits_per_frame == 8 * len(payload)
    assert "nominal" in lines(info)[5]


def test_blocks_that_cannot_hold_their_codes_are_not_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unpack(data: bytes, n_codes: int, size: int) -> NDArray[np.int64]:
        raise AssertionError(f"{n_codes} codes are unpacked from {len(data)} bytes")

    monkeypatch.setattr("sqcodec.bitstream_reader.unpack", unpack)
    header = replace(HEADER, block_frames=3_855)
    data = header.to_bytes() + _block(PACKED, 0, 3_855, b"\0" * 100) * 50
    with pytest.raises(StreamError, match="100 bytes are too few for 7710 codes"):
        read(data, lenient=True)


def test_a_damaged_block_of_a_range_coded_file() -> None:
    file = io.BytesIO()
    writer = Writer(file, HEADER, range_coded=True)
    calm = CODES % 2 + 58_824
    writer.write(calm)
    writer.close(LENGTH_SAMPLES)
    stream = read(_flip(file.getvalue(), START + 20), lenient=True)
    assert stream.lost == ((0, 10),)
    assert stream.n_coded_blocks == 4
    assert (stream.codes[:, 10:] == calm[:, 10:]).all()


def test_nothing_is_left() -> None:
    data = bytearray(_file())
    for block in range(5):
        data[_begin(block) + 20] ^= 1
    with pytest.raises(StreamError, match="nothing of it can be read: block 0 is damaged"):
        read(bytes(data), lenient=True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"hello", "this is not a .sqc file"),
        (b"\x89SQ", "this is not a .sqc file"),
        (b"\x89SQC", "cut short within its header"),
        (b"\x89SQC\x02", "format version 2, where 1 is the newest known"),
        (_file()[:30], "cut short within its header"),
        (_flip(_file(), 9), "the header is damaged"),
        (HEADER.to_bytes(), "the end is missing"),
    ],
)
@pytest.mark.parametrize("lenient", [False, True])
def test_no_file_of_ours(data: bytes, why: str, lenient: bool) -> None:
    with pytest.raises(StreamError, match=why):
        read(data, lenient=lenient)


def _sealed(start: bytes) -> bytes:
    return start + zlib.crc32(start).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        (5, b"\0", "1 to 255 channels, got 0"),
        (6, b"\xff\xff", "a block must have 1 to 3855 frames, got 65535"),
        (8, b"\xff\xff\xff\xff", "the sample rate must be 1000 to 768000 Hz"),
        (12, (24_000).to_bytes(4, "little"), "sqcodec-3k at 24000 Hz, where it has 16000 Hz"),
        (25, b"sqcodec-9k", "no SQCodec preset is called 'sqcodec-9k'"),
        (25, b"\xff\n\0odec-3k", "no SQCodec preset is called"),
    ],
)
def test_a_forged_header(at: int, value: bytes, why: str) -> None:
    start = HEADER.to_bytes()[:-4]
    with pytest.raises(StreamError, match=why):
        read(_sealed(start[:at] + value + start[at + len(value) :]))


PAYLOAD = pack(CODES[:, :10].T.reshape(-1), 117_649)
FIRST = _block(PACKED, 0, 10, PAYLOAD)
SHORT = _block(PACKED, 0, 5, pack(CODES[:, :5].T.reshape(-1), 117_649))


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([_block(PACKED, 0, 10, PAYLOAD[:-1])], "do not hold 20 codes"),
        ([_block(PACKED, 0, 10, b"\xff" * len(PAYLOAD))], "do not hold 20 codes"),
        ([_block(PACKED, 0, 11, PAYLOAD)], "11 frames of at most 10"),
        ([_block(CODED, 0, 10, b"\0\0")], "2 bytes are too few for 20 codes"),
        ([FIRST, _block(PACKED, 2**32 - 1, 10, PAYLOAD)], "block 4294967295 stands where block 1"),
        ([FIRST, FIRST], "block 0 stands where block 1 should"),
        ([FIRST, _block(PACKED, 2, 10, PAYLOAD)], "block 1 is missing"),
        ([FIRST, _block(END, 1, 0, LENGTH.pack(2**64 - 1))], "1 blocks do not make 18446744"),
        ([FIRST, _block(END, 1, 0, LENGTH.pack(0))], "1 blocks do not make 0 samples"),
        ([FIRST, _block(END, 1, 0, LENGTH.pack(90))], "10 frames do not make 90 samples"),
        ([FIRST, _block(END, 9, 0, LENGTH.pack(8_000))], "block 1 is missing"),
        # As many frames as the length takes, but not in their places.
        (
            [SHORT, _block(PACKED, 1, 10, PAYLOAD), _block(END, 2, 0, LENGTH.pack(90 * 15))],
            "block 0 is short, as the last one alone may be",
        ),
    ],
)
def test_forged_blocks(blocks: list[bytes], why: str) -> None:
    data = HEADER.to_bytes() + b"".join(blocks)
    with pytest.raises(StreamError, match=why):
        read(data)
    if blocks[0] is FIRST:
        stream = read(data, lenient=True)
        assert stream.codes.size < 64 * len(data)
