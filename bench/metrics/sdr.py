"""SDR: the signal-to-distortion ratio of BSS Eval version 3, in dB.

The estimate is projected onto the reference and its delays by 0 to 511 samples (the
least-squares filter of 512 taps); SDR is the energy of the projection over the energy of what
is left. Gain, a fixed delay of up to 511 samples and any filtering of that length therefore
cost nothing. Computed by `mir_eval.separation.bss_eval_sources`, as the Codec-SUPERB protocol
does; mir_eval 0.8 deprecates it and 0.9 drops it.

Of a perfect estimate the residual is the rounding of the projection: 220 to 310 dB, depending
on the signal and, in its last digits, on the machine. It reads as "perfect", not as a quantity.

Source: E. Vincent, R. Gribonval, C. Févotte, "Performance measurement in blind audio source
separation", IEEE Trans. Audio, Speech and Language Processing 14(4), 2006.
"""

from __future__ import annotations

import math
import warnings

from mir_eval.separation import bss_eval_sources
from numpy.typing import ArrayLike

from bench.metrics.validation import checked_pair, refuse_silence


def sdr_db(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> float:
    """SDR of `estimate` [T] against `reference` [T], in dB; higher is better.

    Raises:
        ValueError: the signals are not a valid pair (`validation.checked_pair`), one is
            silent, or the residual is exactly 0, so that the ratio is infinite and no mean
            could hold it. Of the last only a single impulse has been seen.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    refuse_silence(reference, estimate)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"mir_eval\.separation\.bss_eval_sources", FutureWarning)
        sdr, _, _, _ = bss_eval_sources(
            reference[None], estimate[None], compute_permutation=False
        )  # [1, T], [1, T] -> [1]
    value = float(sdr[0])
    if not math.isfinite(value):
        raise ValueError(f"no finite SDR: mir_eval found {value} dB")
    return value
