"""Usage of codebooks and clipped samples, against values counted by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.metrics import codes as codes_module
from bench.metrics.codes import FULL_SCALE, CodeUsage, clipped_samples, usage


def test_by_hand() -> None:
    clips = [
        np.array([[0, 0, 1], [5, 5, 5]]),  # [K, F], K = 2
        np.array([[2], [5]]),
    ]
    # 0 0 1 2: 1/2 at 1 bit, twice 1/4 at 2 bits
    assert usage(clips, 6) == CodeUsage(used=(3, 1), entropy_bits=(1.5, 0.0))


def test_uneven_frequencies() -> None:
    (entropy,) = usage([np.array([[7] * 3 + [3]])], 8).entropy_bits
    assert entropy == pytest.approx(0.25 * 2 + 0.75 * math.log2(4 / 3))


def test_all_codes_alike_reach_the_bits_paid_for() -> None:
    found = usage([np.arange(1024).reshape(1, -1)] * 3, 1024)
    assert found.used == (1024,)
    assert found.entropy_bits == pytest.approx((10.0,))


def test_clips_together_are_their_frames_joined() -> None:
    codes = np.random.default_rng(0).integers(0, 20, (3, 100))
    assert usage([codes[:, :30], codes[:, 30:30], codes[:, 30:]], 20) == usage([codes], 20)


SIZES_AND_CODES = st.integers(1, 40).flatmap(
    lambda size: st.tuples(
        st.just(size),
        arrays(
            np.int64,
            st.tuples(st.integers(1, 4), st.integers(1, 60)),  # [K, F]
            elements=st.integers(0, size - 1),
        ),
    )
)


@given(SIZES_AND_CODES)
def test_entropy_is_within_what_the_used_codes_allow(case: tuple[int, np.ndarray]) -> None:
    size, codes = case
    found = usage([codes], size)
    assert len(found.used) == len(found.entropy_bits) == len(codes)
    for used, entropy, codebook in zip(found.used, found.entropy_bits, codes, strict=True):
        assert used == len(set(codebook.tolist())) <= size
        assert 0 <= entropy <= math.log2(used) + 1e-9
        frequencies = [np.mean(codebook == code) for code in range(size)]
        expected = -sum(p * math.log2(p) for p in frequencies if p > 0)
        assert entropy == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("codes", [[], [np.zeros((1, 0), np.int64)]])
def test_no_code_at_all(codes: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="no codes: there is nothing to count"):
        usage(codes, 4)


@pytest.mark.parametrize(("code", "span"), [(-1, "-1 to 0"), (4, "0 to 4")])
def test_a_code_outside_the_codebook(code: int, span: str) -> None:
    with pytest.raises(ValueError, match=f"expected codes from 0 to 3, got {span}"):
        usage([np.array([[0, code]])], 4)


def test_codes_of_another_kind() -> None:
    with pytest.raises(ValueError, match=r"integers \[K, F\], got float64 of shape \[1, 2\]"):
        usage([np.zeros((1, 2))], 4)
    with pytest.raises(ValueError, match=r"integers \[K, F\], got int64 of shape \[2\]"):
        usage([np.zeros(2, np.int64)], 4)
    with pytest.raises(ValueError, match="expected 2 codebooks in every clip, got 1"):
        usage([np.zeros((2, 3), np.int64), np.zeros((1, 3), np.int64)], 4)


def test_clipped_samples_by_hand() -> None:
    below = np.nextafter(FULL_SCALE, 0)
    assert clipped_samples(np.array([0.0, below, -below, 0.99])) == 0
    assert clipped_samples(np.array([FULL_SCALE, -FULL_SCALE, 1.0, -1.0, 1.7, 0.5])) == 5
    assert clipped_samples(np.array([], np.float32)) == 0


def test_what_16_bits_hold_at_most_counts_in_single_precision() -> None:
    pcm = np.array([32_767, -32_768, -32_767, 32_766], np.int16)
    assert clipped_samples(pcm.astype(np.float32) / 32_768) == 3


def test_what_is_no_clip() -> None:
    with pytest.raises(ValueError, match=r"one clip \[T\] in floating point, got int16 of"):
        clipped_samples(np.zeros(3, np.int16))
    with pytest.raises(ValueError, match=r"got float64 of shape \[1, 3\]"):
        clipped_samples(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="finite samples"):
        clipped_samples(np.array([0.0, np.nan]))


def test_many_clips_are_counted_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = list(np.random.default_rng(0).integers(0, 9, (7, 2, 5)))
    whole = usage(clips, 9)
    monkeypatch.setattr(codes_module, "_CLIPS_AT_ONCE", 2)
    assert usage(iter(clips), 9) == whole
    with pytest.raises(ValueError, match="expected 2 codebooks in every clip, got 1"):
        usage([*clips, clips[0][:1]], 9)
    with pytest.raises(ValueError, match="codes from 0 to 7, got 0 to 8"):
        usage(iter(clips), 8)
