"""The clips that benchmarks take of a data set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.datasets.manifest import Manifest


def spread(manifest: Manifest, n_clips: int) -> Manifest:
    """`n_clips` of a manifest, evenly spread, so that every kind is among them."""
    n_clips = min(n_clips, len(manifest.clips))
    picked = np.linspace(0, len(manifest.clips) - 1, n_clips).round().astype(int)
    return replace(manifest, clips=tuple(manifest.clips[index] for index in picked))
