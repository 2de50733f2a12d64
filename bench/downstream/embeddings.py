"""Embeddings as evidence: lists of floats that are short to write and exact to read back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vectors = NDArray[np.floating]


def floats(values: ArrayLike) -> list[float]:
    """A vector as Python floats, each with the few digits that single precision needs."""
    return [float(str(value)) for value in np.asarray(values, np.float32).ravel()]


def cosine(one: Vectors, other: Vectors) -> Vectors:
    """Cosines between all vectors of two lists: [A, D], [B, D] -> [A, B]."""
    return normed(one) @ normed(other).T


def normed(vectors: Vectors) -> Vectors:
    """Vectors [N, D], each of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
