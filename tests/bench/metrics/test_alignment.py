"""Delay and aligned SDR: known shifts come back exactly, and an early estimate is made whole."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from bench.delay import probe
from bench.metrics.alignment import MAX_DELAY_S, aligned_sdr_db, delay
from bench.metrics.sdr import sdr_db

RATE = 16_000
SAMPLING_ERROR_DB = 0.3

Audio = NDArray[np.float64]


def shifted(audio: Audio, n_samples: int) -> Audio:
    """`audio` [T] made late by `n_samples` (early where negative), zeros where nothing comes."""
    late, early = max(n_samples, 0), max(-n_samples, 0)
    return np.pad(audio, (late, early))[early : early + len(audio)]


@pytest.mark.parametrize("n_samples", [0, 1, -1, 8, -8, 312, -1105, 1105, 7999, -8000])
def test_a_known_shift_is_found_exactly(speech: Audio, noise: Audio, n_samples: int) -> None:
    found = delay(speech, shifted(speech, n_samples), RATE)
    assert found.samples == n_samples
    noisy = shifted(speech + 0.03 * noise, n_samples)
    assert delay(speech, noisy, RATE).samples == n_samples


def test_equal_signals_correlate_fully(speech: Audio) -> None:
    assert delay(speech, speech, RATE).correlation == pytest.approx(1.0)
    assert delay(speech, 0.01 * speech, RATE).correlation == pytest.approx(1.0)


def test_inverted_polarity_is_a_negative_correlation(speech: Audio) -> None:
    found = delay(speech, -0.5 * shifted(speech, 40), RATE)
    assert found.samples == 40
    assert found.correlation < -0.5


def test_a_high_pass_does_not_pass_for_a_delay(speech: Audio, noise: Audio) -> None:
    """Where the peak of the plain cross-correlation moves."""
    reference = speech + 0.001 * noise
    high_pass = signal.butter(4, 400, "highpass", fs=RATE, output="sos")
    estimate = shifted(signal.sosfilt(high_pass, reference), 40)
    plain = signal.correlate(estimate, reference)
    assert int(np.argmax(np.abs(plain))) - (len(reference) - 1) != 40
    assert delay(reference, estimate, RATE).samples == 40


@pytest.mark.parametrize("seed", range(6))
def test_the_lowest_frequencies_alone_give_the_delay_to_a_sample(seed: int) -> None:
    """A codec of which the rest is noise; the highest point of its peak is 3 samples off."""
    reference = probe(RATE).astype(np.float64)
    low_pass = signal.butter(6, 600, fs=RATE, output="sos")
    noise = np.random.default_rng(seed).standard_normal(len(reference))
    noise -= signal.sosfiltfilt(low_pass, noise)
    estimate = signal.sosfiltfilt(low_pass, reference) + noise * (np.abs(reference) + 0.01)
    found = delay(reference, shifted(estimate, 40), RATE)
    assert abs(found.samples - 40) <= 1
    assert found.correlation < 0.1


def test_a_shift_beyond_the_limit_is_not_found(noise: Audio) -> None:
    too_late = shifted(noise, round(MAX_DELAY_S * RATE) + 1)
    with pytest.raises(ValueError, match=r"no clear delay: .* peaks of 0\.0\d+ at"):
        delay(noise, too_late, RATE)


def test_unrelated_signals_have_no_delay(noise: Audio) -> None:
    other = np.random.default_rng(9).standard_normal(len(noise))
    with pytest.raises(ValueError, match="no clear delay"):
        delay(noise, other, RATE)


def test_two_equal_echoes_have_no_delay(noise: Audio) -> None:
    with pytest.raises(ValueError, match="no clear delay"):
        delay(noise, shifted(noise, 10) + shifted(noise, 1000), RATE)


def test_a_clip_shorter_than_the_limit(noise: Audio) -> None:
    assert delay(noise[:500], shifted(noise[:500], 30), RATE).samples == 30
    assert delay(noise[:1], noise[:1], RATE).samples == 0


@pytest.mark.parametrize("silent", ["reference", "estimate"])
def test_silence_has_no_delay(noise: Audio, silent: str) -> None:
    pair = {"reference": noise, "estimate": noise, silent: 0 * noise}
    with pytest.raises(ValueError, match=f"the {silent} is silent"):
        delay(**pair, sample_rate=RATE)


@pytest.mark.parametrize("n_samples", [-8, -1, 0, 8, 600])
def test_the_shift_is_taken_back(noise: Audio, n_samples: int) -> None:
    rng = np.random.default_rng(3)
    estimate = shifted(noise + 0.1 * rng.standard_normal(len(noise)), n_samples)
    expected = 20.0  # the noise is 20 dB down
    aligned = aligned_sdr_db(noise, estimate, RATE, n_samples)
    assert aligned == pytest.approx(expected, abs=SAMPLING_ERROR_DB)


def test_the_protocols_sdr_forgives_late_but_not_early(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.1 * speech.std() * noise
    aligned = aligned_sdr_db(speech, shifted(estimate, -8), RATE, -8)
    assert sdr_db(speech, shifted(estimate, -8), RATE) < aligned - 5
    assert sdr_db(speech, shifted(estimate, 8), RATE) > aligned - 1


def test_no_delay_is_the_sdr_itself(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.01 * noise
    assert aligned_sdr_db(speech, estimate, RATE, 0) == sdr_db(speech, estimate, RATE)


@pytest.mark.parametrize("n_samples", [RATE, -RATE, 2 * RATE])
def test_a_delay_longer_than_the_clip(noise: Audio, n_samples: int) -> None:
    clip = noise[:RATE]
    with pytest.raises(
        ValueError, match=rf"nothing is left of 16000 samples once a delay of {n_samples} is"
    ):
        aligned_sdr_db(clip, clip, RATE, n_samples)


def test_invalid_pair(noise: Audio) -> None:
    for call in (delay, lambda *pair: aligned_sdr_db(*pair, 3)):
        with pytest.raises(ValueError, match="of one length, got 64000 and 63999 samples"):
            call(noise, noise[1:], RATE)
