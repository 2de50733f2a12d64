"""Augmentations of training crops, float32 [T]; each is a function of the crop and a generator.

Gain is always drawn (see `crops`); the others are options of the run's settings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.float32]

EQUALIZER_DB = 6.0
MIXING_SNR_DB = (0.0, 20.0)
_LOWEST_HZ = 62.5


def equalize(crop: Crop, sample_rate: int, rng: np.random.Generator) -> Crop:
    """Filter with a smooth random response: up to +-`EQUALIZER_DB`, drawn octave by octave."""
    octaves = np.arange(np.log2(sample_rate / 2 / _LOWEST_HZ) + 1)
    gains_db = rng.uniform(-EQUALIZER_DB, EQUALIZER_DB, len(octaves))
    frequencies = np.fft.rfftfreq(len(crop), 1 / sample_rate)
    position = np.log2(np.maximum(frequencies, _LOWEST_HZ) / _LOWEST_HZ)
    response = 10 ** (np.interp(position, octaves, gains_db) / 20)
    return np.fft.irfft(np.fft.rfft(crop) * response, len(crop)).astype(np.float32)


def mix(crop: Crop, other: Crop, rng: np.random.Generator) -> Crop:
    """Add another crop, weaker by a ratio drawn from `MIXING_SNR_DB`; neither is silent."""
    snr_db = rng.uniform(*MIXING_SNR_DB)
    gain = np.sqrt(np.mean(crop**2) / np.mean(other**2)) * 10 ** (-snr_db / 20)
    return crop + np.float32(gain) * other
