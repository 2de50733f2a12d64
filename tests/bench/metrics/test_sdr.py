"""SDR against least squares solved in full, against mir_eval, and where its value is known."""

import mir_eval
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import toeplitz

from bench.metrics.sdr import sdr_db

RATE = 16_000
TAPS = 512
SOLVERS_AGREE_DB = 1e-6
SAMPLING_ERROR_DB = 0.1

Audio = NDArray[np.float64]


def sdr_by_least_squares(reference: Audio, estimate: Audio) -> float:
    """The definition: project the estimate onto all delays of the reference, without FFTs."""
    first_column = np.concatenate([reference, np.zeros(TAPS - 1)])
    delays = toeplitz(first_column, np.zeros(TAPS))  # [T + TAPS - 1, TAPS]
    padded = np.concatenate([estimate, np.zeros(TAPS - 1)])
    taps, *_ = np.linalg.lstsq(delays, padded)
    projection = delays @ taps
    return 10 * np.log10(np.sum(projection**2) / np.sum((padded - projection) ** 2))


@pytest.fixture
def white() -> Audio:
    return np.random.default_rng(0).standard_normal(4 * RATE)


def test_equals_the_full_least_squares(speech: Audio, noise: Audio) -> None:
    reference = speech[8000:11000]
    estimate = np.tanh(3 * reference) + 0.01 * noise[:3000]
    expected = sdr_by_least_squares(reference, estimate)
    assert 0 < expected < 40
    assert sdr_db(reference, estimate, RATE) == pytest.approx(expected, abs=SOLVERS_AGREE_DB)


def test_equals_mir_eval(speech: Audio, noise: Audio) -> None:
    estimate = speech + 0.02 * noise
    with pytest.warns(FutureWarning, match="bss_eval_sources"):
        expected, _, _, _ = mir_eval.separation.bss_eval_sources(speech, estimate)
    assert sdr_db(speech, estimate, RATE) == expected[0]


@pytest.mark.parametrize("level_db", [40, 20, 0])
def test_white_noise_at_a_known_level(white: Audio, noise: Audio, level_db: float) -> None:
    """The filter takes its 512 of all 64,511 dimensions of the noise for signal."""
    power = 10 ** (-level_db / 10)
    fitted = TAPS / (len(white) + TAPS - 1)
    expected = 10 * np.log10((1 + power * fitted) / (power * (1 - fitted)))
    estimate = white + np.sqrt(power) * noise
    assert sdr_db(white, estimate, RATE) == pytest.approx(expected, abs=SAMPLING_ERROR_DB)


def test_gain_costs_nothing(white: Audio, noise: Audio) -> None:
    estimate = white + 0.1 * noise
    expected = sdr_db(white, estimate, RATE)
    for gain in (-3.0, 1e-4):
        assert sdr_db(white, gain * estimate, RATE) == pytest.approx(expected, abs=1e-6)


def test_only_a_delay_within_the_filter_is_forgiven(white: Audio) -> None:
    def delayed(n_samples: int) -> Audio:
        return np.concatenate([np.zeros(n_samples), white[:-n_samples]])

    assert sdr_db(white, delayed(TAPS - 1), RATE) > 20
    assert sdr_db(white, delayed(TAPS + 1), RATE) < -10


def test_single_precision_loses_nothing(speech: Audio, noise: Audio) -> None:
    reference, estimate = speech.astype(np.float32), (speech + 0.01 * noise).astype(np.float32)
    expected = sdr_db(reference.astype(float), estimate.astype(float), RATE)
    assert sdr_db(reference, estimate, RATE) == expected


def test_identical_clips_read_as_perfect(speech: Audio, white: Audio) -> None:
    assert sdr_db(white, white, RATE) > 200
    assert sdr_db(speech, speech, RATE) > 200


def test_infinite_ratio_is_an_error() -> None:
    impulse = np.eye(1, RATE)[0]
    with pytest.raises(ValueError, match="no finite SDR: mir_eval found inf dB"):
        sdr_db(impulse, impulse, RATE)


@pytest.mark.parametrize("silent", ["reference", "estimate"])
def test_silence(white: Audio, silent: str) -> None:
    pair = {"reference": white, "estimate": white, silent: 0 * white}
    with pytest.raises(ValueError, match=f"the {silent} is silent"):
        sdr_db(**pair, sample_rate=RATE)


def test_invalid_pair(white: Audio) -> None:
    with pytest.raises(ValueError, match="of one length, got 64000 and 63999 samples"):
        sdr_db(white, white[1:], RATE)
