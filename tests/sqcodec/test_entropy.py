"""Range coding: what goes in comes out, and what can be expected costs little."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sqcodec.entropy import decode, encode

SEVENS = (7, 7, 7, 7, 7, 7)
NINES = (9, 9, 9, 7, 7, 7)


def _calm(n_frames: int, levels: tuple[int, ...], seed: int = 0) -> NDArray[np.int64]:
    """Codes whose digits are mostly near the middle, as those of a codec in a quiet place."""
    generator = np.random.default_rng(seed)
    code = np.zeros(n_frames, np.int64)
    for level in reversed(levels):
        digits = np.rint(generator.normal(level // 2, level / 9, n_frames))
        code = code * level + np.clip(digits, 0, level - 1).astype(np.int64)
    return code


@given(
    st.sampled_from([(3,), (5, 5, 5), SEVENS, NINES]),
    st.integers(1, 4),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_any_codes_come_back(
    levels: tuple[int, ...], channels: int, n_frames: int, seed: int, calm: bool
) -> None:
    n_codes = channels * n_frames
    if calm:
        codes = _calm(n_codes, levels, seed)
    else:
        codes = np.random.default_rng(seed).integers(0, math.prod(levels), n_codes)
    assert (decode(encode(codes, channels, levels), n_codes, channels, levels) == codes).all()


@pytest.mark.parametrize("edge", [0, 7**6 - 1])
def test_codes_that_are_always_the_same(edge: int) -> None:
    codes = np.full(3_000, edge)
    data = encode(codes, 1, SEVENS)
    assert len(data) < 150  # of 6,317 packed; the carries run far here
    assert (decode(data, 3_000, 1, SEVENS) == codes).all()


def test_calm_codes_shrink_towards_their_entropy() -> None:
    codes = _calm(3_000, SEVENS)
    digits = np.stack([codes // 7**i % 7 for i in range(6)])  # [6, F]
    shares = np.bincount(digits.ravel(), minlength=7) / digits.size
    entropy_bits = -6 * sum(share * math.log2(share) for share in shares if share)
    bits = len(encode(codes, 1, SEVENS)) * 8 / len(codes)
    assert entropy_bits < bits < 1.06 * entropy_bits < 0.75 * math.log2(7**6)


def test_codes_without_a_pattern_hardly_grow() -> None:
    codes = np.random.default_rng(0).integers(0, 7**6, 1_778)
    packed = 1_778 * math.log2(7**6) / 8
    assert packed <= len(encode(codes, 1, SEVENS)) < 1.02 * packed


def test_a_channel_that_repeats_another_is_almost_free() -> None:
    codes = _calm(1_000, SEVENS)
    alone = len(encode(codes, 1, SEVENS))
    assert len(encode(np.repeat(codes, 2), 2, SEVENS)) < alone + 40


def test_any_bytes_give_codes() -> None:
    generator = np.random.default_rng(0)
    for size in (0, 1, 5, 200):
        codes = decode(generator.bytes(size), 50, 2, NINES)
        assert len(codes) == 50
        assert 0 <= codes.min() <= codes.max() < math.prod(NINES)


def test_the_bytes_are_the_format() -> None:
    """Files written today are to be read for good: another model is another version."""
    codes = np.arange(600) ** 2 % 250_047 // np.repeat([1, 90, 250_047], 200)
    data = encode(codes, 2, NINES)
    assert hashlib.sha256(data).hexdigest()[:16] == "57ab3bc5ef847a1c"
