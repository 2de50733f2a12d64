"""TPooling at work on a second of middle C, as in the paper's Figure 3.

The tone is modelled, not recorded, so that it needs no file and no licence: stiff strings,
whose partials lie a little above whole multiples of the fundamental and fade the faster the
higher they are, two strings a note slightly out of tune with each other, and the hammer's
thump. The trend is computed by the model's own `sqcodec.tconv.tpooling`.

Sources: SQCodec paper, section 3.1.1 and Figure 3; N. H. Fletcher, T. D. Rossing, "The Physics
of Musical Instruments", 1998, chapter 12 (inharmonicity, decay, pairs of strings).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sqcodec.tconv import TCONV_KERNELS, tpooling

MIDDLE_C_HZ = 261.63
ORIGIN = "modelled piano tone (stiff strings, two a note, hammer noise), not a recording"

_INHARMONICITY = 3.5e-4
_N_PARTIALS = 20
_DETUNED_BY = 1.0006  # about one cent between the two strings
_HAMMER_S = 0.004
_PEAK = 0.8
_SEED = 0


@dataclass(frozen=True)
class Trend:
    """A tone and what TPooling makes of it.

    Attributes:
        sample_rate: Hz.
        audio: float32 [T].
        kernel: K, in samples.
        pooled: float32 [T], TPooling(audio, K).
    """

    sample_rate: int
    audio: NDArray[np.float32]
    kernel: int
    pooled: NDArray[np.float32]


def trend(sample_rate: int = 16_000, kernel: int = max(TCONV_KERNELS)) -> Trend:
    """A second of middle C, and its trend at a kernel size of the TConv unit."""
    audio = middle_c(sample_rate)
    pooled = tpooling(torch.from_numpy(audio)[None], kernel)[0]  # [T]
    return Trend(sample_rate, audio, kernel, pooled.numpy())


def middle_c(sample_rate: int, duration_s: float = 1.0) -> NDArray[np.float32]:
    """A modelled piano's C4, float32 [T], peak 0.8; the same samples every time.

    Partial n of a stiff string: f_n = n f_0 sqrt(1 + B n^2), B the inharmonicity.
    """
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    tone = np.zeros_like(time_s)
    for n in range(1, _N_PARTIALS + 1):
        frequency_hz = n * MIDDLE_C_HZ * np.sqrt(1 + _INHARMONICITY * n**2)
        if frequency_hz >= sample_rate / 2:
            break
        amplitude = n**-1.1 * abs(np.sin(np.pi * n / 8))  # struck at an eighth of its length
        decay = np.exp(-time_s * (1.5 + 0.55 * n))
        strings = np.sin(2 * np.pi * frequency_hz * time_s) + 0.8 * np.sin(
            2 * np.pi * frequency_hz * _DETUNED_BY * time_s + 0.3
        )
        tone += amplitude * decay * strings
    attack = 1 - np.exp(-time_s / 0.002)
    hammer = np.random.default_rng(_SEED).standard_normal(len(time_s))
    tone = attack * tone + 0.25 * hammer * np.exp(-time_s / _HAMMER_S)
    return (_PEAK * tone / np.abs(tone).max()).astype(np.float32)
