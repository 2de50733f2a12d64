"""A clip with the makings of speech, for the metrics that listen for it."""

import numpy as np
import pytest
from numpy.typing import NDArray

RATE = 16_000


@pytest.fixture(scope="session")
def speech() -> NDArray[np.float64]:
    """Synthetic voice, 4 s at 16 kHz: gliding harmonics in syllables, hiss between some, pauses."""
    rng = np.random.default_rng(7)
    time = np.arange(4 * RATE) / RATE
    pitch_hz = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    voiced = sum(np.sin(k * phase) * np.exp(-(((k * 120 - 600) / 900) ** 2)) for k in range(1, 30))
    hiss = 0.2 * np.diff(rng.standard_normal(len(time)), prepend=0.0)
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, None) ** 0.5
    phrases = (np.sin(2 * np.pi * 0.5 * time + 0.5) > -0.6).astype(float)
    clip = (voiced * syllables + hiss * np.roll(syllables, RATE // 8)) * phrases
    return 0.3 * clip / np.abs(clip).max()


@pytest.fixture(scope="session")
def noise() -> NDArray[np.float64]:
    """White noise of the speech's length, at standard deviation 1."""
    return np.random.default_rng(8).standard_normal(4 * RATE)
