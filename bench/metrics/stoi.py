"""STOI: short-time objective intelligibility, the classic (not extended) measure.

Both signals at 10 kHz, without the frames of silence in the reference (40 dB below its
loudest); 15 third-octave bands from 150 Hz over frames of 256 samples; in each stretch of 30
frames (0.4 s) the correlation of the bands' envelopes, after the estimate is scaled to the
reference and clipped at -15 dB SDR; the mean over stretches and bands.

Computed by `pystoi`, which resamples with a filter of Octave's kind. The Codec-SUPERB protocol
has a port of its own, which resamples with scipy's default filter, looks for silence one sample
earlier, and divides by 0 on a silent band. On 36 clips of real speech at 16, 24 and 44.1 kHz in
five degradations the two differ by 0.000006 in the median, 0.0073 at most (where another set of
frames counts as silent), and 0.0002 in the mean, below the two decimals of the paper. The tests
hold that variant (`tests/bench/metrics/test_stoi.py`).

Source: C. H. Taal et al., "An Algorithm for Intelligibility Prediction of Time-Frequency
Weighted Noisy Speech", IEEE Trans. Audio, Speech and Language Processing 19(7), 2011.
"""

from __future__ import annotations

import warnings

import pystoi
from numpy.typing import ArrayLike

from bench.metrics.validation import checked_pair, refuse_silence

MIN_DURATION_S = 0.4096  # exclusive: pystoi drops the last frame, so 32 hops at 10 kHz and more


def stoi(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> float:
    """STOI of `estimate` [T] against `reference` [T]: at most 1, higher is better.

    Raises:
        ValueError: the signals are not a valid pair (`validation.checked_pair`), one is
            silent, or fewer than 30 frames are left once silent frames are removed
            (pystoi would make up 1e-5 for such a clip).
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    refuse_silence(reference, estimate)
    duration_s = len(reference) / sample_rate
    if duration_s <= MIN_DURATION_S:
        raise ValueError(
            f"too short for STOI: expected more than {MIN_DURATION_S} s, got {duration_s:.4f} s"
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
        try:
            return float(pystoi.stoi(reference, estimate, sample_rate))
        except RuntimeWarning:
            raise ValueError(
                "too little speech for STOI: fewer than 30 frames (0.4 s) of the reference are "
                "within 40 dB of its loudest"
            ) from None
