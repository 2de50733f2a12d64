"""The .sqc file: codes of one recording, in blocks that stand and fall alone.

    header | block 0 | block 1 | ... | end

The header names preset, weights, rates and channels. A block holds the codes of all channels
for a fixed number of frames (the last one for what is left), packed to the bit
(`sqcodec.packing`) or range coded (`sqcodec.entropy`), whichever is smaller. The end gives the
recording's length, which a writer into a pipe does not know earlier. docs/sqc.md has it byte by
byte.

Checksums are there for the accidents of disks and networks. Payloads and the file's header have
CRC-32, which misses one damage in four thousand million; a block's header has half of one, which
misses one in 65,536. Against forgery no checksum without a key helps; the reader
(`sqcodec.bitstream_reader`) holds out without.

Conventions: codes are int64 [C, F], C channels of F frames, F = ceil(T / hop) for T samples at
the codec's rate; `length` is in samples at the recording's own rate.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcodec import entropy
from sqcodec.packing import pack
from sqcodec.presets import SQCodecConfig, get_config

MAGIC = b"\x89SQC"  # no text begins with this byte
VERSION = 1
MAX_PAYLOAD = 1 << 14  # bytes of a block; with it, what a damaged file can cost is bounded
SAMPLE_RATES = (1_000, 768_000)  # Hz; a forged rate must not blow seconds up to days

MAX_SAMPLES_PER_BYTE = 1 << 13  # of a file: what its recording, decoded, may come to ...
FREE_SAMPLES = 1 << 26  # ... beside these, 256 MiB of floats, that any file may have

PACKED, CODED, END = 0xB0, 0xB1, 0xBE  # kinds of blocks
LENGTH = struct.Struct("<Q")  # payload of the end

_HEADER = struct.Struct("<4sBBHII8sB")
_CRC = struct.Struct("<I")
_BLOCK = struct.Struct("<BIHHI")
_BLOCK_CRC = struct.Struct("<H")
_BLOCK_S = 10.0


class StreamError(ValueError):
    """Not a .sqc file, or a damaged one; the message says what is wrong with it."""


@dataclass(frozen=True)
class Header:
    """What a file says of the codes in it.

    Attributes:
        preset: name of the codec's configuration.
        weights: the first 16 hexadecimal digits of the SHA-256 of the weights file.
        sample_rate: of the recording, Hz; the codec's own rate is the preset's.
        channels: C.
        block_frames: frames in each block but the last.

    Raises:
        StreamError: values that no file can have.
    """

    preset: str
    weights: str
    sample_rate: int
    channels: int
    block_frames: int

    def __post_init__(self) -> None:
        low, high = SAMPLE_RATES
        if not low <= self.sample_rate <= high:
            raise StreamError(f"the sample rate must be {low} to {high} Hz, got {self.sample_rate}")
        if len(self.weights) != 16:
            raise StreamError(f"the weights' hash must have 16 digits, got {self.weights!r}")
        if not 1 <= self.channels <= 255:
            raise StreamError(f"there must be 1 to 255 channels, got {self.channels}")
        most = most_frames(self.config, self.channels)
        if not 1 <= self.block_frames <= most:
            raise StreamError(f"a block must have 1 to {most} frames, got {self.block_frames}")

    @cached_property
    def config(self) -> SQCodecConfig:
        """The preset's configuration."""
        try:
            return get_config(self.preset)
        except ValueError as error:
            raise StreamError(str(error)) from None

    def codec_length(self, length: int) -> int:
        """Return T at the codec's rate for `length` samples of the recording."""
        return -(-length * self.config.sample_rate // self.sample_rate)

    def n_frames(self, length: int) -> int:
        """Return F for `length` samples of the recording."""
        return -(-self.codec_length(length) // self.config.hop_length)

    def longest(self, n_frames: int) -> int:
        """Return the samples of the longest recording that takes `n_frames` at most."""
        return n_frames * self.config.hop_length * self.sample_rate // self.config.sample_rate

    def to_bytes(self) -> bytes:
        """The header as it stands in the file, its checksum included."""
        name = self.preset.encode()
        start = _HEADER.pack(
            MAGIC,
            VERSION,
            self.channels,
            self.block_frames,
            self.sample_rate,
            self.config.sample_rate,
            bytes.fromhex(self.weights),
            len(name),
        )
        return start + name + _CRC.pack(zlib.crc32(start + name))

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Header, int]:
        """Return the header at the beginning of a file, and its size in bytes.

        Raises:
            StreamError: there is none, or it is damaged, or of a version not known here.
        """
        if not data:
            raise StreamError("the file is empty (0 bytes)")
        if not data.startswith(MAGIC):
            raise StreamError("this is not a .sqc file")
        if data[4:5] not in (b"", bytes([VERSION])):
            raise StreamError(f"format version {data[4]}, where {VERSION} is the newest known")
        named = data[_HEADER.size - 1] if len(data) >= _HEADER.size else 0
        size = _HEADER.size + named + _CRC.size
        if len(data) < size:
            raise StreamError("the file is cut short within its header")
        *_, channels, block_frames, sample_rate, codec_rate, weights, _ = _HEADER.unpack_from(data)
        name = data[_HEADER.size : size - _CRC.size]
        if _CRC.pack(zlib.crc32(data[: size - _CRC.size])) != data[size - _CRC.size : size]:
            raise StreamError("the header is damaged: its checksum differs")
        header = cls(
            name.decode(errors="replace"), weights.hex(), sample_rate, channels, block_frames
        )
        if codec_rate != header.config.sample_rate:
            raise StreamError(
                f"{header.preset} at {codec_rate} Hz, where it has {header.config.sample_rate} Hz"
            )
        return header, size


@dataclass(frozen=True)
class BlockHeader:
    """What stands before a block.

    Attributes:
        kind: PACKED, CODED or END.
        index: of the block, from 0; at the end, the number of blocks before it.
        n_frames: frames in the block; 0 at the end.
        size: bytes of its payload.
        crc: CRC-32 of its payload.
    """

    kind: int
    index: int
    n_frames: int
    size: int
    crc: int

    n_bytes: ClassVar[int] = _BLOCK.size + _BLOCK_CRC.size

    def to_bytes(self) -> bytes:
        """The header as it stands in the file: its own checksum is half a CRC-32."""
        start = _BLOCK.pack(self.kind, self.index, self.n_frames, self.size, self.crc)
        return start + _BLOCK_CRC.pack(zlib.crc32(start) & 0xFFFF)

    @classmethod
    def from_bytes(cls, data: bytes) -> BlockHeader | None:
        """Read `n_bytes` bytes; None if they are no block's header."""
        if len(data) < cls.n_bytes:
            return None
        start, crc = data[: _BLOCK.size], data[_BLOCK.size : cls.n_bytes]
        if _BLOCK_CRC.pack(zlib.crc32(start) & 0xFFFF) != crc:
            return None
        found = cls(*_BLOCK.unpack(start))
        is_end = found.kind == END and (found.n_frames, found.size) == (0, LENGTH.size)
        is_block = found.kind in (PACKED, CODED) and found.n_frames and found.size <= MAX_PAYLOAD
        return found if is_end or is_block else None


def most_frames(config: SQCodecConfig, channels: int) -> int:
    """Return the frames that a block may have: those that certainly fit its payload."""
    return MAX_PAYLOAD * 8 // (channels * config.codebook_size.bit_length())


def least_coded(n_codes: int) -> int:
    """Return the bytes that a range-coded block has at least: a bit a code.

    Shorter ones are filled up with zeros. Without the bound, a small file could ask for any
    amount of memory.
    """
    return -(-n_codes // 8)


def most_samples(n_bytes: int) -> int:
    """Return the samples of all channels that a file of `n_bytes` may be decoded to.

    Packed codes stand for 2,052 samples a byte at most, at any preset and up to 192 kHz; range
    coded they stand for half as many again. Only silence would have more than is allowed, range
    coded at a high rate, and the writer fills it up. Without the bound, a small file that claims
    a high sample rate could ask for far more memory than its codes take.
    """
    return FREE_SAMPLES + MAX_SAMPLES_PER_BYTE * n_bytes


def frames_per_block(config: SQCodecConfig, channels: int) -> int:
    """Return the frames of a block: about ten seconds, wasting next to no bits.

    Between half of what is allowed and all of it, that number is taken whose codes come
    closest to whole bytes.
    """
    most = min(most_frames(config, channels), int(_BLOCK_S * config.frame_rate_hz))

    def waste(n_frames: int) -> float:
        return -(n_frames * channels * config.bits_per_frame) % 8 / n_frames

    return min(range(-(-most // 2), most + 1), key=waste)


class Writer:
    """Write a file front to back, block by block; what is written is never touched again.

    Args:
        file: where to; it need not be seekable.
        header: of the file.
        range_coded: range code every block that becomes smaller by it.
    """

    def __init__(self, file: BinaryIO, header: Header, *, range_coded: bool = False) -> None:
        self._file, self._header, self._range_coded = file, header, range_coded
        self._waiting = np.empty((header.channels, 0), np.int64)
        self._n_frames = self._n_blocks = 0
        file.write(header.to_bytes())

    def write(self, codes: NDArray[np.int64]) -> None:
        """Append codes [C, any number of frames].

        Raises:
            ValueError: another number of channels, or codes out of the codebook.
        """
        size = self._header.config.codebook_size
        if codes.ndim != 2 or len(codes) != self._header.channels:
            raise ValueError(f"codes must be [{self._header.channels}, F], got {codes.shape}")
        if codes.size and not 0 <= codes.min() <= codes.max() < size:
            raise ValueError(f"codes must lie in 0..{size - 1}")
        self._n_frames += codes.shape[1]
        self._waiting = np.concatenate([self._waiting, codes], axis=1)
        step = self._header.block_frames
        while self._waiting.shape[1] >= step:
            self._block(self._waiting[:, :step])
            self._waiting = self._waiting[:, step:]

    def close(self, length: int) -> None:
        """Write what is left, and the end; the file itself stays open.

        Raises:
            ValueError: `length` samples take another number of frames than were written.
        """
        expected = self._header.n_frames(length)
        if length < 1 or self._n_frames != expected:
            raise ValueError(f"{length} samples take {expected} frames, not {self._n_frames}")
        if self._waiting.shape[1]:
            self._block(self._waiting)
        self._put(END, 0, LENGTH.pack(length))

    def _block(self, codes: NDArray[np.int64]) -> None:
        flat = codes.T.reshape(-1)  # [C, F] -> [F * C], frame by frame
        config = self._header.config
        kind, payload = PACKED, pack(flat, config.codebook_size)
        if self._range_coded:
            coded = entropy.encode(flat, self._header.channels, config.fsq_levels)
            n_samples = flat.size * config.hop_length * self._header.sample_rate
            least = -(-n_samples // (config.sample_rate * MAX_SAMPLES_PER_BYTE))
            coded += bytes(max(0, max(least, least_coded(flat.size)) - len(coded)))
            if len(coded) < len(payload):
                kind, payload = CODED, coded
        self._put(kind, codes.shape[1], payload)
        self._n_blocks += 1

    def _put(self, kind: int, n_frames: int, payload: bytes) -> None:
        head = BlockHeader(kind, self._n_blocks, n_frames, len(payload), zlib.crc32(payload))
        self._file.write(head.to_bytes() + payload)
