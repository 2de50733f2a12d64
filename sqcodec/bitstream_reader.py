"""Reading .sqc files, of which anything may be damaged, or meant to harm.

Time and memory are bounded by the size of the file, whatever is in it: a byte of it stands for
eight codes at most, or, with those that are lost, for 64.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcodec import entropy
from sqcodec.bitstream import (
    CODED,
    END,
    LENGTH,
    PACKED,
    BlockHeader,
    Header,
    StreamError,
    least_coded,
)
from sqcodec.packing import unpack

# With the codes that are lost. So a packed file may have lost 99 parts in a hundred, silence that
# is range coded seven in eight; whatever claims to come from further on may be a forger's.
_MAX_CODES_PER_BYTE = 64
_KINDS = re.compile(b"[" + re.escape(bytes([PACKED, CODED, END])) + b"]")


@dataclass(frozen=True)
class Stream:
    """A file that was read.

    Attributes:
        header: what it says of itself.
        codes: int64 [C, F]; the middle of the codebook where they are lost.
        length: samples per channel at the recording's rate.
        lost: frames that are lost, as ranges (first, one past the last).
        damage: what was wrong, a line each; empty for an intact file.
        payload_bytes: bytes of the codes alone.
        n_blocks: blocks that were read.
        n_coded_blocks: those of them that are range coded.
        file_bytes: of the whole file.
    """

    header: Header
    codes: NDArray[np.int64]
    length: int
    lost: tuple[tuple[int, int], ...]
    damage: tuple[str, ...]
    payload_bytes: int
    n_blocks: int
    n_coded_blocks: int
    file_bytes: int


def read(data: bytes, *, lenient: bool = False) -> Stream:
    """Read a file.

    Args:
        data: the whole file.
        lenient: leave out what is damaged instead of raising; the header must be intact.

    Raises:
        StreamError: this is no .sqc file, it is damaged, or nothing of it is left.
    """
    header, start = Header.from_bytes(data)
    most_blocks = len(data) * _MAX_CODES_PER_BYTE // (header.block_frames * header.channels) + 1
    blocks: dict[int, NDArray[np.int64]] = {}
    damage: list[str] = []
    length = None
    expected = payload_bytes = n_coded = 0
    for part in _parts(data, start):
        if isinstance(part, str):
            damage.append(part)
            continue
        head, payload = part
        if length is not None:
            damage.append("there is more after the end")
            break
        if not expected <= head.index <= most_blocks:
            what = "the end" if head.kind == END else f"block {head.index}"
            far = f", further on than {len(data)} bytes may reach: it is lost"
            damage.append(
                f"{what} stands where block {expected} should"
                + (far if head.index > most_blocks else "")
            )
            continue
        if head.index > expected and not damage:
            damage.append(f"block {expected} is missing")
        if head.kind == END:
            (length,) = LENGTH.unpack(payload)
            if length < 1 or -(-header.n_frames(length) // header.block_frames) != head.index:
                damage.append(f"{head.index} blocks do not make {length} samples")
                length = None
                break
            continue
        before = blocks.get(head.index - 1)
        if before is not None and before.shape[1] < header.block_frames:
            damage.append(f"block {head.index - 1} is short, as the last one alone may be")
        try:
            blocks[head.index] = _codes(head, payload, header)
        except ValueError as error:
            damage.append(f"block {head.index} is damaged: {error}")
            continue
        expected = head.index + 1
        payload_bytes += len(payload)
        n_coded += head.kind == CODED
    if length is None and not damage:
        damage.append("the end is missing: the file is cut short")
    n_frames = sum(codes.shape[1] for codes in blocks.values())
    if not damage and length is not None and n_frames != header.n_frames(length):
        damage.append(f"{n_frames} frames do not make {length} samples")
    if damage and not lenient:
        raise StreamError(damage[0])
    if not blocks:
        raise StreamError(f"nothing of it can be read: {damage[0]}")
    codes, length, lost = _assemble(blocks, header, length)
    return Stream(
        header=header,
        codes=codes,
        length=length,
        lost=lost,
        damage=tuple(damage),
        payload_bytes=payload_bytes,
        n_blocks=len(blocks),
        n_coded_blocks=n_coded,
        file_bytes=len(data),
    )


def _parts(data: bytes, start: int) -> Iterator[tuple[BlockHeader, bytes] | str]:
    """Yield each intact block, and a line for each damage.

    After a damage it goes on at the next intact block header, wherever that is.
    """
    position: int | None = start
    while position is not None and position < len(data):
        begin = position + BlockHeader.n_bytes
        head = BlockHeader.from_bytes(data[position:begin])
        if head is None:
            yield f"there is no block at byte {position}"
        else:
            payload = data[begin : begin + head.size]
            if len(payload) == head.size and zlib.crc32(payload) == head.crc:
                yield head, payload
                position = begin + head.size
                continue
            what = "the end" if head.kind == END else f"block {head.index}"
            short = len(payload) < head.size
            yield f"{what} is {'cut short' if short else 'damaged: its checksum differs'}"
        position = next(
            (
                found.start()
                for found in _KINDS.finditer(data, position + 1)
                if BlockHeader.from_bytes(data[found.start() : found.start() + BlockHeader.n_bytes])
            ),
            None,
        )


def _codes(head: BlockHeader, payload: bytes, header: Header) -> NDArray[np.int64]:
    """Return the codes of a block, [C, its frames]; ValueError if they cannot be."""
    if head.n_frames > header.block_frames:
        raise ValueError(f"it has {head.n_frames} frames of at most {header.block_frames}")
    n_codes, size = head.n_frames * header.channels, header.config.codebook_size
    # Unpacking takes time by the codes: what cannot hold them must not come so far.
    least = n_codes * (size.bit_length() - 1) // 8 if head.kind == PACKED else least_coded(n_codes)
    if len(payload) < least:
        raise ValueError(f"{len(payload)} bytes are too few for {n_codes} codes")
    if head.kind == PACKED:
        codes = unpack(payload, n_codes, size)
    else:
        codes = entropy.decode(payload, n_codes, header.channels, header.config.fsq_levels)
    return codes.reshape(head.n_frames, header.channels).T  # [F * C] -> [C, F]


def _assemble(
    blocks: dict[int, NDArray[np.int64]], header: Header, length: int | None
) -> tuple[NDArray[np.int64], int, tuple[tuple[int, int], ...]]:
    """Put the blocks in their places; return all codes [C, F], the length and the lost frames.

    Without a known length it is the longest recording that takes no more frames than reach to the
    end of the last block. A rate far below the codec's may have none that takes just so many: it
    is then the shortest that takes them all.
    """
    step = header.block_frames
    if length is None:
        last = max(blocks)
        reached = last * step + blocks[last].shape[1]
        length = max(header.longest(reached), header.longest(reached - 1) + 1)
    n_frames = header.n_frames(length)
    codes = np.full((header.channels, n_frames), header.config.codebook_size // 2)  # [C, F]
    is_lost = np.ones(n_frames + 2, bool)
    is_lost[[0, -1]] = False
    for index, block in blocks.items():
        begin = index * step
        block = block[:, : max(0, n_frames - begin)]
        codes[:, begin : begin + block.shape[1]] = block
        is_lost[begin + 1 : begin + 1 + block.shape[1]] = False
    edges = np.flatnonzero(np.diff(is_lost)).tolist()
    return codes, length, tuple(zip(edges[0::2], edges[1::2], strict=True))
