"""Measures beside the scores: how a codec uses its codebooks, and whether it clips.

Usage is taken over all clips of a data set together: a codebook of 1,024 entries cannot show
in a clip of 200 frames. The entropy (of the codes one by one, in bit) is at most log2 of the
codebook's size, which is what the nominal bitrate pays for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CLIPS_AT_ONCE = 256  # bounds the memory of a large run

FULL_SCALE = 32_767 / 32_768
"""The largest sample that 16 bits can hold: at or beyond it, either sign, audio clips."""


@dataclass(frozen=True)
class CodeUsage:
    """How codebooks are used, in their order.

    Attributes:
        used: distinct codes that occur, per codebook.
        entropy_bits: per codebook, -sum p log2 p of the codes' frequencies p.
    """

    used: tuple[int, ...]
    entropy_bits: tuple[float, ...]


def usage(codes: Iterable[NDArray[np.integer]], codebook_size: int) -> CodeUsage:
    """Usage of K codebooks of `codebook_size` entries over clips of codes [K, F], F as may be.

    Raises:
        ValueError: there is no code at all; a clip is no integer array [K, F] or has
            another K than the first; a code is not in 0 to `codebook_size` - 1.
    """
    clips = iter(codes)
    counts = np.zeros((0, codebook_size), np.int64)  # [K, entries]
    n_codebooks = None
    while some := list(islice(clips, _CLIPS_AT_ONCE)):
        joined = _joined(some, n_codebooks)  # [K, F]
        n_codebooks = len(joined)
        if not joined.size:
            continue
        lowest, highest = joined.min(), joined.max()
        if lowest < 0 or highest >= codebook_size:
            raise ValueError(
                f"expected codes from 0 to {codebook_size - 1}, got {lowest} to {highest}"
            )
        new = np.stack([np.bincount(codebook, minlength=codebook_size) for codebook in joined])
        counts = counts + new if len(counts) else new
    if not counts.any():
        raise ValueError("no codes: there is nothing to count")
    occurring = [codebook[codebook > 0] for codebook in counts]
    return CodeUsage(
        used=tuple(len(count) for count in occurring),
        entropy_bits=tuple(_entropy_bits(count) for count in occurring),
    )


def _joined(codes: Sequence[NDArray[np.integer]], n_codebooks: int | None) -> NDArray[np.integer]:
    """The codes of clips, one after the other in time, [K, F]."""
    clips = [np.asarray(clip) for clip in codes]
    for clip in clips:
        if clip.ndim != 2 or not np.issubdtype(clip.dtype, np.integer):
            raise ValueError(
                f"expected the codes of a clip as integers [K, F], got {clip.dtype} "
                f"of shape {list(clip.shape)}"
            )
        n_codebooks = len(clip) if n_codebooks is None else n_codebooks
        if len(clip) != n_codebooks:
            raise ValueError(f"expected {n_codebooks} codebooks in every clip, got {len(clip)}")
    return np.concatenate(clips, axis=1)


def clipped_samples(estimate: ArrayLike) -> int:
    """How many samples of `estimate` [T] have a magnitude of `FULL_SCALE` or more.

    Raises:
        ValueError: it is not one clip [T] of finite floats.
    """
    samples = np.asarray(estimate)
    if samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating):
        raise ValueError(
            f"expected one clip [T] in floating point, got {samples.dtype} of shape "
            f"{list(samples.shape)}"
        )
    if not np.isfinite(samples).all():
        raise ValueError("expected finite samples, got NaN or infinite ones")
    return int(np.count_nonzero(np.abs(samples) >= FULL_SCALE))


def _entropy_bits(counts: NDArray[np.integer]) -> float:
    """Entropy of the frequencies behind counts [N], all above 0: log2 n - (1/n) sum c log2 c."""
    n_codes = counts.sum()
    entropy = np.log2(n_codes) - np.sum(counts * np.log2(counts)) / n_codes
    return max(0.0, float(entropy))  # a single code comes out as 0 up to rounding
