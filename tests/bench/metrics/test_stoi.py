"""STOI against an implementation of the paper in the protocol's variant, and against pystoi."""

from itertools import pairwise

import numpy as np
import pystoi
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bench.metrics.stoi import stoi

RATE = 16_000
FRAME, HOP = 256, 128
WINDOW = np.sin(np.pi * np.arange(1, FRAME + 1) / (FRAME + 1)) ** 2
"""Hann, without the zeros at its ends."""

Audio = NDArray[np.float64]


def stoi_of_the_protocol(
    reference: Audio, estimate: Audio, rate: int, *, silence_offset: int = -1
) -> float:
    """STOI as in the paper, resampled with scipy's default filter, as the protocol does.

    The protocol looks for silent frames one sample before the frames that it keeps
    (`silence_offset`; the first one wraps around to the clip's last sample).
    """
    if rate != 10_000:
        reference = resample_poly(reference, 10_000, rate)
        estimate = resample_poly(estimate, 10_000, rate)
    starts = np.arange(0, len(reference) - FRAME, HOP)
    samples = starts[:, None] + np.arange(FRAME)  # [F, FRAME]
    level_db = 20 * np.log10(
        np.linalg.norm(reference[samples + silence_offset] * WINDOW, axis=1) + 1e-300
    )
    heard = samples[level_db > level_db.max() - 40]

    x, y = (bands(overlap_added(signal[heard] * WINDOW)) for signal in (reference, estimate))
    x = sliding_window_view(x, 30, axis=1)  # [15, S, 30], S stretches of 30 frames
    y = sliding_window_view(y, 30, axis=1)
    y = y * np.linalg.norm(x, axis=2, keepdims=True) / np.linalg.norm(y, axis=2, keepdims=True)
    y = np.minimum(y, x * (1 + 10 ** (15 / 20)))  # Eq. (3), lower bound of -15 dB
    x, y = (z - z.mean(axis=2, keepdims=True) for z in (x, y))
    correlation = np.sum(x * y, axis=2) / np.linalg.norm(x, axis=2) / np.linalg.norm(y, axis=2)
    return correlation.mean()  # Eq. (6)


def overlap_added(frames: Audio) -> Audio:
    joined = np.zeros((len(frames) + 1, HOP))
    joined[:-1] += frames[:, :HOP]
    joined[1:] += frames[:, HOP:]
    return joined.ravel()


def bands(signal: Audio) -> Audio:
    """Third-octave magnitudes, Eq. (1): [15, M]. The last frame is left out, as all ports do."""
    frames = sliding_window_view(signal, FRAME)[::HOP][:-1] * WINDOW
    power = np.abs(np.fft.rfft(frames, 512)) ** 2
    edges_hz = 150 * 2 ** ((2 * np.arange(16) - 1) / 6)
    edges = np.round(edges_hz * 512 / 10_000).astype(int)
    return np.sqrt([power[:, a:b].sum(axis=1) for a, b in pairwise(edges)])


def degraded(speech: Audio, noise: Audio) -> dict[str, Audio]:
    rms = np.sqrt(np.mean(speech**2))
    return {
        "20 dB": speech + 0.1 * rms * noise,
        "0 dB": speech + rms * noise,
        "coarse": np.round(speech * 30) / 30,
    }


@pytest.mark.parametrize("kind", ["20 dB", "0 dB", "coarse"])
def test_equals_the_paper_at_its_own_rate(speech: Audio, noise: Audio, kind: str) -> None:
    """At 10 kHz nothing is resampled: pystoi and the definition agree to the last digits."""
    estimate = degraded(speech, noise)[kind]
    expected = stoi_of_the_protocol(speech, estimate, 10_000, silence_offset=0)
    assert 0.1 < expected < 0.999
    assert stoi(speech, estimate, 10_000) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
@pytest.mark.parametrize("kind", ["20 dB", "0 dB", "coarse"])
def test_close_to_the_protocols_variant(speech: Audio, noise: Audio, kind: str, rate: int) -> None:
    estimate = degraded(speech, noise)[kind]
    assert stoi(speech, estimate, rate) == pytest.approx(
        stoi_of_the_protocol(speech, estimate, rate), abs=0.01
    )


def test_equals_pystoi(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.05 * noise
    assert stoi(speech, estimate, RATE) == pystoi.stoi(speech, estimate, RATE, extended=False)


def test_identical_clips(speech: Audio) -> None:
    assert stoi(speech, speech, RATE) == pytest.approx(1.0, abs=1e-12)


def test_gain_is_not_heard(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.05 * noise
    expected = stoi(speech, estimate, RATE)
    assert stoi(speech, 0.01 * estimate, RATE) == pytest.approx(expected, abs=1e-9)


def test_unrelated_noises_are_near_zero(noise: Audio) -> None:
    assert abs(stoi(noise, noise[::-1], RATE)) < 0.05


def test_too_short(noise: Audio) -> None:
    shortest = 6_554  # 0.4096 s and one sample more at 16 kHz
    assert stoi(noise[:shortest], noise[:shortest], RATE) == pytest.approx(1.0)
    clip = noise[: shortest - 1]
    with pytest.raises(ValueError, match=r"expected more than 0\.4096 s, got 0\.4096 s"):
        stoi(clip, clip, RATE)


def test_too_little_speech(noise: Audio) -> None:
    burst = np.zeros(2 * RATE)
    burst[8000:10000] = noise[:2000]
    with pytest.raises(ValueError, match="too little speech for STOI: fewer than 30 frames"):
        stoi(burst, burst, RATE)


@pytest.mark.parametrize("silent", ["reference", "estimate"])
def test_silence(speech: Audio, silent: str) -> None:
    pair = {"reference": speech, "estimate": speech, silent: 0 * speech}
    with pytest.raises(ValueError, match=f"the {silent} is silent"):
        stoi(**pair, sample_rate=RATE)


def test_invalid_pair(speech: Audio) -> None:
    with pytest.raises(ValueError, match=r"the estimate has NaN or infinite samples: 1 of 64000"):
        stoi(speech, np.where(np.arange(len(speech)) == 5, np.nan, speech), RATE)
