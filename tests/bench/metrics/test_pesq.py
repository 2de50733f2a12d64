"""PESQ against the package called directly, pinned scores, and what it cannot score."""

import numpy as np
import pesq as upstream
import pytest
import soxr
from numpy.typing import NDArray

from bench.metrics.pesq import pesq

RATE = 16_000
BEST = 4.644
SAME_C_CODE = 1e-4

Audio = NDArray[np.float64]


def test_equals_the_package_at_16_khz(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.005 * noise
    expected = upstream.pesq(RATE, speech, estimate, "wb")
    assert 1.1 < expected < 4.5
    assert pesq(speech, estimate, RATE) == expected


def test_other_rates_are_resampled_first(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.005 * noise
    at_44k, estimate_at_44k = (soxr.resample(x, RATE, 44_100) for x in (speech, estimate))
    expected = upstream.pesq(
        RATE,
        soxr.resample(at_44k, 44_100, RATE, quality="HQ"),
        soxr.resample(estimate_at_44k, 44_100, RATE, quality="HQ"),
        "wb",
    )
    assert pesq(at_44k, estimate_at_44k, 44_100) == expected
    # There and back changes little; taking 44.1 kHz for 16 kHz would change much.
    assert expected == pytest.approx(pesq(speech, estimate, RATE), abs=0.1)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_identical_clips(speech: Audio, rate: int) -> None:
    assert pesq(speech, speech, rate) == pytest.approx(BEST, abs=0.001)


def test_more_noise_is_worse(speech: Audio, noise: Audio) -> None:
    scores = [pesq(speech, speech + level * noise, RATE) for level in (1e-4, 1e-3, 1e-2)]
    assert scores[0] > scores[1] > scores[2]


def test_single_precision_in(speech: Audio, noise: Audio) -> None:
    reference, estimate = speech.astype(np.float32), (speech + 0.01 * noise).astype(np.float32)
    expected = upstream.pesq(RATE, reference.astype(float), estimate.astype(float), "wb")
    assert pesq(reference, estimate, RATE) == expected


def test_too_short_and_too_long(speech: Audio) -> None:
    clip = speech[8000:11999]
    with pytest.raises(ValueError, match=r"takes clips of 0\.25 to 60\.0 s, got 0\.2499 s"):
        pesq(clip, clip, RATE)
    long = np.tile(speech, 16)
    with pytest.raises(ValueError, match=r"takes clips of 0\.25 to 60\.0 s, got 64\.0000 s"):
        pesq(long, long, RATE)


def test_no_utterance(noise: Audio) -> None:
    click = np.zeros(RATE)
    click[8000:8400] = 0.1 * noise[:400]
    with pytest.raises(ValueError, match="PESQ found no utterance in the reference"):
        pesq(click, click, RATE)


def test_an_estimate_too_faint_for_single_precision(speech: Audio) -> None:
    with pytest.raises(ValueError, match="PESQ gave no number"):
        pesq(speech, 1e-30 * speech, RATE)


@pytest.mark.parametrize("silent", ["reference", "estimate"])
def test_silence(speech: Audio, silent: str) -> None:
    pair = {"reference": speech, "estimate": speech, silent: 0 * speech}
    with pytest.raises(ValueError, match=f"the {silent} is silent"):
        pesq(**pair, sample_rate=RATE)


def test_invalid_pair(speech: Audio) -> None:
    with pytest.raises(ValueError, match="of one length"):
        pesq(speech, speech[:-1], RATE)
