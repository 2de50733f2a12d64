"""Delay: by how much an estimate is late, and the SDR once that is taken back.

`delay` finds the lag by generalised cross-correlation with the phase transform: every
frequency of the cross-spectrum counts alike, so that a filter's or a pitch period's peak
does not pass for the delay, as it may with the plain one. Positive lags are late
estimates. The height of the peak is 1 for a pure delay, -1 for one with inverted polarity, and
about the share of the spectrum whose phase survived otherwise. A codec that keeps the phase of the
lowest frequencies alone has a peak many samples wide, whose highest point is chance: the lag is
the middle of what is as high as the highest point but for the noise of the correlation.

`aligned_sdr_db` takes a delay that is a property of the codec, measured once on broadband audio
(`bench.delay`), never one fitted to the clip. The 512-tap filter of BSS Eval looks back only:
an estimate that is a few samples early loses many dB by it, a late one next to none. Taking a
lateness back cannot gain much, and may cost the little that the taps before the peak held.

Source: C. H. Knapp, G. C. Carter, "The generalized correlation method for estimation of time
delay", IEEE Trans. Acoustics, Speech and Signal Processing 24(4), 1976.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from bench.metrics.sdr import sdr_db
from bench.metrics.validation import checked_pair, refuse_silence

MAX_DELAY_S = 0.5
LOBE_S = 0.005  # as far from the peak as its own side lobes reach
MIN_PEAK_RATIO = 1.5  # of two unrelated signals: 1.0 to 1.2


@dataclass(frozen=True)
class Lag:
    """Where a cross-correlation has its peak.

    Attributes:
        samples: by which the estimate is late; negative for an early one.
        correlation: height of the peak, in [-1, 1]; negative where the estimate's polarity is
            inverted.
    """

    samples: int
    correlation: float


def delay(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> Lag:
    """The delay of `estimate` [T] behind `reference` [T], up to `MAX_DELAY_S` either way.

    Raises:
        ValueError: the signals are not a valid pair (`validation.checked_pair`), one is
            silent, or the highest peak is less than `MIN_PEAK_RATIO` times the next one
            more than `LOBE_S` away, so that it tells nothing.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    refuse_silence(reference, estimate)
    max_lag = min(round(MAX_DELAY_S * sample_rate), len(reference) - 1)
    correlation = _phase_correlation(reference, estimate, max_lag)  # [2 max_lag + 1]
    peak = int(np.argmax(np.abs(correlation)))
    distance = np.abs(np.arange(len(correlation)) - peak)
    in_lobe = distance <= LOBE_S * sample_rate
    noise = float(np.abs(correlation[~in_lobe]).max(initial=0.0))
    if abs(correlation[peak]) < MIN_PEAK_RATIO * noise:
        raise ValueError(
            f"no clear delay: the cross-correlation has peaks of {abs(correlation[peak]):.3f} "
            f"at {peak - max_lag} samples and of {noise:.3f} elsewhere"
        )
    heights = correlation * np.sign(correlation[peak])
    top = np.flatnonzero(in_lobe & (heights >= heights[peak] - noise))
    middle = round(float(np.average(top, weights=heights[top])))
    return Lag(middle - max_lag, float(correlation[peak]))


def aligned_sdr_db(
    reference: ArrayLike, estimate: ArrayLike, sample_rate: int, delay_samples: int
) -> float:
    """SDR (`sdr.sdr_db`) of `estimate` [T] moved back by `delay_samples`, in dB.

    Both signals lose the |delay_samples| that have no counterpart. With 0 it is the SDR itself.

    Raises:
        ValueError: as `sdr.sdr_db`, or the delay leaves nothing of the clip.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    n_left = len(reference) - abs(delay_samples)
    if n_left <= 0:
        raise ValueError(
            f"nothing is left of {len(reference)} samples once a delay of {delay_samples} "
            "is removed"
        )
    late, early = max(delay_samples, 0), max(-delay_samples, 0)
    return sdr_db(reference[early:][:n_left], estimate[late:][:n_left], sample_rate)


def _phase_correlation(
    reference: NDArray[np.float64], estimate: NDArray[np.float64], max_lag: int
) -> NDArray[np.float64]:
    """Cross-correlation of the phases, at lags from -max_lag to max_lag: [2 max_lag + 1]."""
    n_fft = fft.next_fast_len(len(reference) + max_lag, real=True)  # no lag wraps around
    spectrum = fft.rfft(estimate, n_fft) * np.conj(fft.rfft(reference, n_fft))
    spectrum /= np.maximum(np.abs(spectrum), np.finfo(np.float64).tiny)
    correlation = fft.irfft(spectrum, n_fft)
    return np.roll(correlation, max_lag)[: 2 * max_lag + 1]
