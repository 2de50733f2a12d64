"""The tone of Figure 3, and its trend."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from sqcodec.piano import MIDDLE_C_HZ, middle_c, trend


def test_the_tone_is_middle_c_and_always_the_same() -> None:
    tone = middle_c(16_000)
    assert tone.shape == (16_000,)
    assert np.abs(tone).max() == pytest.approx(0.8)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))  # bins of 1 Hz
    assert np.argmax(spectrum[:400]) == pytest.approx(MIDDLE_C_HZ, abs=1)
    np.testing.assert_array_equal(tone, middle_c(16_000))


def test_partials_are_sharp_of_whole_multiples_and_the_tone_fades() -> None:
    tone = middle_c(16_000)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    tenth = 2500 + np.argmax(spectrum[2500:2750])
    assert 10 * MIDDLE_C_HZ + 20 < tenth < 10 * MIDDLE_C_HZ + 70
    assert np.abs(tone[-1600:]).max() < 0.2 * np.abs(tone[:1600]).max()


def test_the_trend_is_equation_1() -> None:
    found = trend()
    assert found.kernel == 45
    peaks = maximum_filter1d(np.abs(found.audio.astype(np.float64)), found.kernel, mode="constant")
    expected = uniform_filter1d(peaks, found.kernel, mode="constant")
    np.testing.assert_allclose(found.pooled, expected, atol=1e-6)
