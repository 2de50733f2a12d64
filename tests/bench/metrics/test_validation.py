"""Each kind of bad input gets its own message."""

import numpy as np
import pytest

from bench.metrics.validation import checked_pair, refuse_silence

CLIP = np.linspace(-1, 1, 100, dtype=np.float32)


def test_a_valid_pair_comes_back_in_double_precision() -> None:
    reference, estimate = checked_pair(CLIP, CLIP[::-1], 16_000)
    assert reference.dtype == estimate.dtype == np.float64
    assert np.array_equal(reference, CLIP)
    assert np.array_equal(estimate, CLIP[::-1])


@pytest.mark.parametrize(
    ("reference", "estimate", "message"),
    [
        (CLIP[None], CLIP[None], r"expected the reference as one mono clip \[T\], got shape \(1, "),
        (CLIP, np.float32(0.5), r"expected the estimate as one mono clip \[T\], got shape \(\)"),
        (CLIP, np.ones(100, dtype=np.int16), "expected the estimate in floating point, got int16"),
        (CLIP[:0], CLIP[:0], "the reference is empty"),
        (CLIP, CLIP[:-1], "one length, got 100 and 99 samples"),
        (CLIP, np.full(100, np.nan), "the estimate has NaN or infinite samples: 100 of 100"),
        (np.append(CLIP[1:], np.inf), CLIP, "reference has NaN or infinite samples: 1 of 100"),
    ],
)
def test_bad_signals(reference: np.ndarray, estimate: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_pair(reference, estimate, 16_000)


@pytest.mark.parametrize("sample_rate", [0, -16_000, 16_000.0, "16000"])
def test_bad_rate(sample_rate: object) -> None:
    with pytest.raises(ValueError, match=f"whole, positive Hz, got {sample_rate!r}"):
        checked_pair(CLIP, CLIP, sample_rate)


def test_silence_is_no_energy() -> None:
    quietest_16_bit = np.zeros(100)
    quietest_16_bit[50] = 2**-15
    refuse_silence(quietest_16_bit, quietest_16_bit)
    for silent in (np.zeros(100), np.full(100, 1e-170)):
        with pytest.raises(ValueError, match="the reference is silent"):
            refuse_silence(silent, quietest_16_bit)
        with pytest.raises(ValueError, match="the estimate is silent"):
            refuse_silence(quietest_16_bit, silent)
