"""The five crops of an utterance by which the protocol compares speakers a second time.

Source: the ECAPA-TDNN of TaoRuijie on GitHub, which the challenge ran: crops of 300 frames of
10 ms and the 15 ms that their last window sees beyond, evenly spaced from the first sample to
the last, cut to whole samples; what is shorter than one crop is repeated until it fills it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
N_CROPS = 5
N_SAMPLES = 300 * 160 + 240
"""Of a crop: 3.015 s."""


def five_crops(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Crops of an utterance [T] at 16 kHz: [5, 48240].

    Raises:
        ValueError: there are no samples.
    """
    if len(audio) == 0:
        raise ValueError("the clip has no samples")
    if len(audio) < N_SAMPLES:
        audio = np.pad(audio, (0, N_SAMPLES - len(audio)), "wrap")
    starts = np.linspace(0, len(audio) - N_SAMPLES, num=N_CROPS).astype(int)
    return np.stack([audio[start : start + N_SAMPLES] for start in starts])  # [5, 48240]
