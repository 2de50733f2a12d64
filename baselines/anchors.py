"""Anchors: codecs without a model, which make the scores of the others readable.

``reference`` returns the clip itself: the ceiling of every score. ``resample-16k`` takes and
returns 16 kHz, so that it shows what the band limit of a 16 kHz codec costs; the change of
rate is the run's own, as for any codec with a rate of its own. Bits are counted as 16-bit
PCM takes them; the rounding to 16 bits, some 96 dB down, is left out.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from bench.codec import CodecCard, CodecInfo, Encoded

NAMES = ("reference", "resample-16k")

_SAMPLE_RATES = {"reference": None, "resample-16k": 16_000}
_DESCRIPTIONS = {
    "reference": "the clip itself: the ceiling of every score",
    "resample-16k": "to 16 kHz and back: what the band limit of a 16 kHz codec costs",
}
_BITS_PER_SAMPLE = 16


class Identity:
    """A codec that sends its samples as they are.

    Args:
        name: what it is called.
        sample_rate: the rate it works at, Hz; None for the clip's own.
    """

    def __init__(self, name: str, sample_rate: int | None) -> None:
        settings = f"identity {sample_rate} {_BITS_PER_SAMPLE}"
        self._info = CodecInfo(
            name=name,
            sample_rate=sample_rate,
            bitrate_bps=None if sample_rate is None else sample_rate * _BITS_PER_SAMPLE,
            n_codebooks=0,
            codebook_size=0,
            frame_rate_hz=0.0,
            revision=hashlib.sha256(settings.encode()).hexdigest()[:16],
        )

    @property
    def info(self) -> CodecInfo:
        """Name, rate and bitrate."""
        return self._info

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Take clips [B, T] at `sample_rate` (Hz); bits = 16 T per clip."""
        n_clips, length = audio.shape
        bits = (float(_BITS_PER_SAMPLE * length),) * n_clips
        return Encoded(bits=bits, length=length, sample_rate=sample_rate, payload=audio)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Return the clips [B, T] unchanged."""
        return encoded.payload


def load(name: str) -> Identity:
    """The anchor called `name`, one of `NAMES`."""
    return Identity(name, _SAMPLE_RATES[name])


def card(name: str) -> CodecCard:
    """What the anchor called `name` is."""
    info = load(name).info
    return CodecCard(name, _DESCRIPTIONS[name], info.sample_rate, info.bitrate_bps)
