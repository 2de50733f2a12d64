"""Augmentations: what each does to a signal whose answer is known."""

from __future__ import annotations

import numpy as np

from sqcodec.training.augment import EQUALIZER_DB, MIXING_SNR_DB, equalize, mix

RATE = 16_000


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(8_000).astype(np.float32)


def test_equalizer_stays_in_its_range_and_keeps_the_phase() -> None:
    crop = noise(0)
    filtered = equalize(crop, RATE, np.random.default_rng(1))
    response = np.fft.rfft(filtered) / np.fft.rfft(crop)
    gains_db = 20 * np.log10(np.abs(response))
    assert filtered.dtype == np.float32
    assert np.abs(gains_db).max() <= EQUALIZER_DB + 0.01
    assert np.ptp(gains_db) > 1
    assert np.abs(response.imag).max() < 0.01


def test_mixing_ratio() -> None:
    crop, other = noise(0), noise(1)
    for seed in range(5):
        added = mix(crop, other, np.random.default_rng(seed)) - crop
        snr_db = 10 * np.log10(np.mean(crop**2) / np.mean(added**2))
        assert MIXING_SNR_DB[0] - 0.01 <= snr_db <= MIXING_SNR_DB[1] + 0.01
        assert np.corrcoef(added, other)[0, 1] > 0.999
