"""What every signal metric demands of its input, checked once at the edge.

A metric gets one mono clip: `reference` and `estimate` are float arrays [T] of one length, at
one rate. Each check raises `ValueError` with what was expected and what came; the benchmark
stores that message as the reason why a clip has no score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked_pair(
    reference: ArrayLike, estimate: ArrayLike, sample_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both signals as float64 [T], the precision that the protocol's scripts read files in.

    Raises:
        ValueError: a signal is not a float array [T], empty, or has NaN or infinite samples;
            the lengths differ; the rate is not a positive whole number.
    """
    if not isinstance(sample_rate, int | np.integer) or sample_rate <= 0:
        raise ValueError(f"expected a sample rate of whole, positive Hz, got {sample_rate!r}")
    checked_reference = _checked("reference", reference)
    checked_estimate = _checked("estimate", estimate)
    if len(checked_reference) != len(checked_estimate):
        raise ValueError(
            "expected reference and estimate of one length, "
            f"got {len(checked_reference)} and {len(checked_estimate)} samples"
        )
    return checked_reference, checked_estimate


def _checked(name: str, signal: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(signal)
    if array.ndim != 1:
        raise ValueError(f"expected the {name} as one mono clip [T], got shape {array.shape}")
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected the {name} in floating point, got {array.dtype}")
    if array.size == 0:
        raise ValueError(f"the {name} is empty")
    n_bad = array.size - int(np.isfinite(array).sum())
    if n_bad:
        raise ValueError(f"the {name} has NaN or infinite samples: {n_bad} of {array.size}")
    return array.astype(np.float64)


def refuse_silence(reference: NDArray[np.float64], estimate: NDArray[np.float64]) -> None:
    """Raise `ValueError` if a signal [T] has no energy, for metrics that divide by it.

    Energy too small for a normal double counts as none: every ratio of it is rounding.
    """
    for name, signal in (("reference", reference), ("estimate", estimate)):
        if np.dot(signal, signal) < np.finfo(np.float64).tiny:
            raise ValueError(f"the {name} is silent: this score is undefined on silence")
