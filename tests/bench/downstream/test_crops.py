"""bench.downstream.crops: five, evenly spaced, of 48,240 samples."""

import numpy as np
import pytest

from bench.downstream.crops import N_SAMPLES, five_crops


def ramp(n_samples: int) -> np.ndarray:
    return np.arange(n_samples, dtype=np.float32)


def test_from_the_first_sample_to_the_last() -> None:
    crops = five_crops(ramp(N_SAMPLES + 402))
    assert crops.shape == (5, N_SAMPLES)
    assert crops[:, 0].tolist() == [0, 100, 201, 301, 402]
    assert crops[4, -1] == N_SAMPLES + 401
    assert np.all(np.diff(crops, axis=1) == 1)


def test_a_short_clip_is_repeated() -> None:
    crops = five_crops(ramp(20_000))
    assert crops.shape == (5, N_SAMPLES)
    assert np.array_equal(crops[0], np.tile(ramp(20_000), 3)[:N_SAMPLES])
    assert np.array_equal(crops[0], crops[4])


def test_no_samples() -> None:
    with pytest.raises(ValueError, match="no samples"):
        five_crops(ramp(0))
