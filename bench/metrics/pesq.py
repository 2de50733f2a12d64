"""PESQ: wide-band perceptual evaluation of speech quality (ITU-T P.862.2), as MOS-LQO.

Computed by the `pesq` package at 16 kHz. Clips at another rate are resampled to 16 kHz first,
both signals alike (soxr, HQ); the protocol's script hands them to PESQ as if they were 16 kHz.
The score is between about 1.02 and 4.64, which is that of an identical estimate.

Limits of the C code: it needs 1/4 s, finds its "utterances" by a level of its own (a clip of
noise bursts may have none), and keeps 50 of them in arrays that it does not guard: beyond, it
overwrites its memory, and 60 bursts of 0.26 s in 30 s ended the process. Two utterances are
at least 0.2 s of sound and more than 0.2 s of pause apart, so below 20 s this cannot happen;
read speech has about one in 3 s. `MAX_DURATION_S` leaves room for speech with more than twice
as many pauses and refuses what is longer. P.862 itself is meant for 8 to 12 s.

Source: ITU-T Recommendations P.862 (2001), P.862.2 (2007).
"""

from __future__ import annotations

import soxr
from numpy.typing import ArrayLike
from pesq import NoUtterancesError, PesqError
from pesq import pesq as p862_2

from bench.metrics.validation import checked_pair, refuse_silence

RATE_HZ = 16_000
MIN_DURATION_S = 0.25
MAX_DURATION_S = 60.0


def pesq(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> float:
    """Wide-band PESQ of `estimate` [T] against `reference` [T], MOS-LQO; higher is better.

    Raises:
        ValueError: the signals are not a valid pair (`validation.checked_pair`), one is
            silent, shorter than `MIN_DURATION_S` or longer than `MAX_DURATION_S`, or PESQ
            finds no speech in the reference or fails on the estimate.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate)
    refuse_silence(reference, estimate)
    duration_s = len(reference) / sample_rate
    if not MIN_DURATION_S <= duration_s <= MAX_DURATION_S:
        raise ValueError(
            f"PESQ takes clips of {MIN_DURATION_S} to {MAX_DURATION_S} s, got {duration_s:.4f} s"
        )
    if sample_rate != RATE_HZ:
        reference = soxr.resample(reference, sample_rate, RATE_HZ, quality="HQ")
        estimate = soxr.resample(estimate, sample_rate, RATE_HZ, quality="HQ")
    try:
        return float(p862_2(RATE_HZ, reference, estimate, "wb"))
    except NoUtterancesError:
        raise ValueError("PESQ found no utterance in the reference") from None
    except PesqError as error:
        raise ValueError(f"PESQ failed: {type(error).__name__}") from None
    except ValueError:  # the package tries to look up the error message number NaN
        raise ValueError("PESQ gave no number: the estimate is silent to its eyes") from None
