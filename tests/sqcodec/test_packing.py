"""Codes as bytes: exact, and no longer than information has it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqcodec.packing import pack, packed_size, unpack


@given(
    st.sampled_from([3, 125, 117_649, 250_047]).flatmap(
        lambda size: st.tuples(
            st.just(size), st.lists(st.integers(0, size - 1), min_size=1, max_size=40)
        )
    )
)
def test_any_codes_come_back(case: tuple[int, list[int]]) -> None:
    size, codes = case
    data = pack(np.array(codes), size)
    assert len(data) == math.ceil(len(codes) * math.log2(size) / 8)
    assert unpack(data, len(codes), size).tolist() == codes


def test_written_by_hand() -> None:
    # 2 + 1 * 3 + 0 * 9 + 2 * 27 = 59, and 3^4 = 81 numbers fit a byte.
    assert pack(np.array([2, 1, 0, 2]), 3) == bytes([59])


def test_the_largest_codes_of_a_long_block() -> None:
    codes = np.full(7_000, 117_648)
    data = pack(codes, 117_649)
    assert len(data) == packed_size(7_000, 117_649) == math.ceil(7_000 * math.log2(117_649) / 8)
    assert (unpack(data, 7_000, 117_649) == codes).all()


@pytest.mark.parametrize("data", [b"", bytes([81]), bytes([0, 0])])
def test_bytes_that_are_no_codes(data: bytes) -> None:
    with pytest.raises(ValueError, match="do not hold 4 codes of 3"):
        unpack(data, 4, 3)
