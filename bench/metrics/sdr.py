"""SDR: the signal-to-distortion ratio of BSS Eval version 3, in dB.

The estimate is projected onto the reference and its delays by 0 to 511 samples (the
least-squares filter of 512 taps); SDR is the energy of the projection over the energy of what
is left. Gain, a fixed delay of up to 511 samples and any filtering of that length therefore
cost nothing. The Codec-SUPERB protocol calls `mir_eval.separation.bss_eval_sources`, which
projects twice, onto all sources and onto one: of a single source the same projection. Here it is
made once, by mir_eval, and what follows is summed in mir_eval's order: the score is the same to
the last bit, in half the time. mir_eval 0.8 deprecates the module and 0.9 drops it.

Of a perfect estimate the residual is the rounding of the projection: 220 to 310 dB, depending
on the signal and, in its last digits, on the machine. It reads as "perfect", not as a quantity.

Source: E. Vincent, R. Gribonval, C. Févotte, "Performance measurement in blind audio source
separation", IEEE Trans. Audio, Speech and Language Processing 14(4), 2006.
"""

from __future__ import annotations

import math

import numpy as np
from mir_eval import separation
from numpy.typing import ArrayLike

from bench.metrics.validation import checked_pair, refuse_silence

N_TAPS = 512


def sdr_db(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> float:
    """SDR of `estimate` [T] against `reference` [T], in dB; higher is better.

    Raises:
        ValueError: the signals are not a valid pair (`validation.checked_pair`), one is
            silent, or the residual is exactly 0, so that the ratio is infinite and no mean
            could hold it. Of the last only a single impulse has been seen.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    refuse_silence(reference, estimate)
    projection = separation._project(reference[None], estimate, N_TAPS)  # [T + N_TAPS - 1]
    padding = np.zeros(N_TAPS - 1)
    target = np.concatenate([reference, padding])
    filtering = projection - target
    interference = projection - target - filtering
    artifacts = -target - filtering - interference
    artifacts[: len(estimate)] += estimate
    value = float(
        separation._safe_db(
            np.sum((target + filtering) ** 2), np.sum((interference + artifacts) ** 2)
        )
    )
    if not math.isfinite(value):
        raise ValueError(f"no finite SDR: mir_eval found {value} dB")
    return value
