"""MEL against its definition worked out anew: own Slaney filters, own frames, no librosa."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.metrics.mel import mel_distance

ROUNDING_OF_SINGLE_PRECISION_FILTERS = 1e-6

Audio = NDArray[np.float64]


def slaney_hz(mel: Audio) -> Audio:
    """Slaney's mel scale: 200/3 Hz a mel up to 1 kHz, then 27 mels for a factor of 6.4."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def slaney_filters(sample_rate: int, n_fft: int, n_mels: int) -> Audio:
    """Triangles of area 1 over Hz, evenly spaced in mel from 0 Hz to Nyquist: [n_mels, bins]."""
    top_mel = 15 + 27 * np.log(sample_rate / 2 / 1000) / np.log(6.4)
    edges_hz = slaney_hz(np.linspace(0, top_mel, n_mels + 2))
    bins_hz = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    filters = np.empty((n_mels, len(bins_hz)))
    for band in range(n_mels):
        left, centre, right = edges_hz[band : band + 3]
        area = (right - left) / 2
        filters[band] = np.interp(bins_hz, [left, centre, right], [0, 1, 0]) / area
    return filters


def mel_by_definition(audio: Audio, sample_rate: int, n_fft: int, n_mels: int) -> Audio:
    half = n_fft // 2
    padded = np.concatenate([audio[half:0:-1], audio, audio[-2 : -half - 2 : -1]])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    n_frames = 1 + len(audio) // (n_fft // 4)
    frames = [padded[i * n_fft // 4 :][:n_fft] * window for i in range(n_frames)]
    magnitudes = np.abs(np.fft.rfft(frames, axis=1))
    return slaney_filters(sample_rate, n_fft, n_mels) @ magnitudes.T  # [n_mels, F]


def mel_distance_by_definition(reference: Audio, estimate: Audio, sample_rate: int) -> float:
    total = 0.0
    for n_fft, n_mels in ((2048, 150), (512, 80)):
        a = mel_by_definition(reference, sample_rate, n_fft, n_mels)
        b = mel_by_definition(estimate, sample_rate, n_fft, n_mels)
        log_a, log_b = (np.log10(np.maximum(mel, 1e-5) ** 2) for mel in (a, b))
        total += np.mean(np.abs(log_a - log_b)) + np.mean(np.abs(a - b))
    return total


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])
def test_equals_the_definition(speech: Audio, noise: Audio, sample_rate: int) -> None:
    reference, estimate = speech[:30_001], np.tanh(4 * speech[:30_001]) + 1e-3 * noise[:30_001]
    expected = mel_distance_by_definition(reference, estimate, sample_rate)
    assert expected > 0.1
    assert mel_distance(reference, estimate, sample_rate) == pytest.approx(
        expected, abs=ROUNDING_OF_SINGLE_PRECISION_FILTERS
    )


def test_the_floor_acts_on_bands_in_the_log_term_only() -> None:
    """Below the floor all levels are alike to the logarithm, while magnitudes still count."""
    faint = 1e-9 * np.random.default_rng(0).standard_normal(16_000)
    difference = mel_distance(faint, 2 * faint, 16_000)
    assert 0 < difference < 1e-6
    assert difference == pytest.approx(mel_distance_by_definition(faint, 2 * faint, 16_000))


def test_a_gain_has_a_known_distance(noise: Audio) -> None:
    """All bands are above the floor: 2 |log10 g| a scale, and |1 - g| times the mean magnitude."""
    gain = 0.5
    mean_magnitude = sum(
        mel_by_definition(noise, 16_000, *scale).mean() for scale in ((2048, 150), (512, 80))
    )
    expected = 2 * 2 * abs(np.log10(gain)) + (1 - gain) * mean_magnitude
    assert mel_distance(noise, gain * noise, 16_000) == pytest.approx(expected, abs=1e-5)


def test_identical_clips_have_none(speech: Audio) -> None:
    assert mel_distance(speech, speech, 16_000) == 0.0


def test_the_sign_of_a_signal_is_not_heard(speech: Audio) -> None:
    assert mel_distance(speech, -speech, 16_000) == 0.0


def test_it_is_symmetric(speech: Audio, noise: Audio) -> None:
    other = 0.1 * noise
    forth, back = mel_distance(speech, other, 16_000), mel_distance(other, speech, 16_000)
    assert forth == pytest.approx(back, rel=1e-12)


def test_silence_is_scored(speech: Audio) -> None:
    silence = np.zeros_like(speech)
    assert mel_distance(silence, silence, 16_000) == 0.0
    expected = mel_distance_by_definition(speech, silence, 16_000)
    assert mel_distance(speech, silence, 16_000) == pytest.approx(expected, abs=1e-6)


def test_the_shortest_clip(noise: Audio) -> None:
    reference, estimate = noise[:1025], noise[1025:2050]
    expected = mel_distance_by_definition(reference, estimate, 16_000)
    assert mel_distance(reference, estimate, 16_000) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="too short for MEL: expected at least 1025 samples, got"):
        mel_distance(reference[:-1], estimate[:-1], 16_000)


def test_invalid_pair(speech: Audio) -> None:
    with pytest.raises(ValueError, match=r"expected the reference as one mono clip \[T\], got"):
        mel_distance(speech[None], speech[None], 16_000)
