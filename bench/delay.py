"""The constant delay of a codec: measured once, on broadband audio, for all of its clips.

A lag found clip by clip would follow the clip (pitch periods, a single tone), so a codec is
measured on one piece that has something at every frequency: speech, music and effects of the
mini set at 0.1 RMS and a second of white noise, joined, at the codec's own rate (16 kHz if it
takes any). Real audio is most of it, because a neural codec makes little of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from bench import audio
from bench.codec import Codec
from bench.datasets import mini
from bench.roundtrip import through_codec

PROBE_CLIPS = (
    "librivox-austen-0890",
    "hedgewars-pirate-byebye",
    "klettres-de-a-b-c",
    "frozen-bubble-intro-97s",
    "sonic-pi-loop-compus",
    "sonic-pi-drum-cymbal-open",
)
ANY_RATE_HZ = 16_000

VERSION = f"delay/2 numpy=={version('numpy')} scipy=={version('scipy')} {audio.RESAMPLER}"
"""What decides the delay beside the codec; the 2 is ours, raised when method or clips change."""

_CLIP_S = 2.5
_NOISE_S = 1.0
_RMS = 0.1


@dataclass(frozen=True)
class Delay:
    """By how much a codec's decoded audio is late.

    Attributes:
        samples: at `sample_rate`, negative if it is early; None where `error` says why.
        sample_rate: that it was measured at, Hz.
        correlation: the height of the peak, see `metrics.alignment`; negative if the codec
            inverts the polarity, None without a delay.
        error: why there is no delay, "" where there is one.
    """

    samples: int | None
    sample_rate: int
    correlation: float | None
    error: str = ""

    def at(self, sample_rate: int) -> int | None:
        """The delay in whole samples at another rate (Hz), None where there is none."""
        if self.samples is None:
            return None
        return round(self.samples * sample_rate / self.sample_rate)


def constant_delay(codec: Codec) -> Delay:
    """Measure a codec's delay. A weak correlation gives no delay, with the reason.

    Raises:
        CodecFault: the codec broke its contract; whatever else it raises passes through.
    """
    from bench.metrics.alignment import delay  # takes a second, which only measuring needs

    sample_rate = codec.info.sample_rate or ANY_RATE_HZ
    decoded = through_codec(codec, probe(sample_rate), sample_rate)
    try:
        found = delay(decoded.reference, decoded.estimate, sample_rate)
    except ValueError as error:
        return Delay(None, sample_rate, None, str(error))
    return Delay(found.samples, sample_rate, found.correlation)


def probe(sample_rate: int) -> NDArray[np.float32]:
    """The broadband audio [T] at `sample_rate` (Hz), about 15 s; the same at every call."""
    pieces = []
    for name in PROBE_CLIPS:
        clip, clip_rate = audio.read(mini.FOLDER / f"{name}.flac")
        clip = audio.resample(clip, clip_rate, sample_rate)[: round(_CLIP_S * sample_rate)]
        pieces.append(clip * (_RMS / np.sqrt(np.mean(clip**2))))
    noise = np.random.default_rng(0).standard_normal(round(_NOISE_S * sample_rate))
    joined = np.concatenate([*pieces, _RMS * noise]).astype(np.float32)
    return np.clip(joined, -1.0, 1.0)
