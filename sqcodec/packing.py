"""Codes as bytes without loss of a bit: a block of codes is one number.

A code of a codebook of N takes log2(N) bits, which is no whole number. n codes are the digits
of a number to the base N, the first code being the least significant; the number is written in
the fewest whole bytes that hold N^n - 1, least significant byte first. So a block wastes less
than eight bits, however long it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def packed_size(n_codes: int, codebook_size: int) -> int:
    """Return the bytes that `n_codes` codes take: ceil(log2(N^n) / 8), in integers."""
    return -(-(codebook_size**n_codes - 1).bit_length() // 8)


def pack(codes: NDArray[np.int64], codebook_size: int) -> bytes:
    """Codes [n], each in 0..codebook_size - 1 -> `packed_size(n, codebook_size)` bytes."""
    numbers, base = codes.tolist(), codebook_size
    while len(numbers) > 1:  # neighbours become one number, to twice the base's length
        odd = numbers[-1:] if len(numbers) % 2 else []
        pairs = zip(numbers[0::2], numbers[1::2], strict=False)
        numbers = [low + high * base for low, high in pairs] + odd
        base *= base
    return numbers[0].to_bytes(packed_size(len(codes), codebook_size), "little")


def unpack(data: bytes, n_codes: int, codebook_size: int) -> NDArray[np.int64]:
    """Undo `pack`: bytes -> codes, int64 [n].

    Raises:
        ValueError: the bytes are not those of `n_codes` codes.
    """
    number = int.from_bytes(data, "little")
    limit = codebook_size**n_codes
    if len(data) != packed_size(n_codes, codebook_size) or number >= limit:
        raise ValueError(f"{len(data)} bytes do not hold {n_codes} codes of {codebook_size}")
    bases = [codebook_size]
    while 2 ** len(bases) < n_codes:
        bases.append(bases[-1] ** 2)
    numbers = [number]
    for base in reversed(bases):
        numbers = [part for both in numbers for part in reversed(divmod(both, base))]
    return np.array(numbers[:n_codes], dtype=np.int64)
