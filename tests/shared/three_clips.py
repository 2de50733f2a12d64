"""A tiny data set for tests of runs, codecs that do little, and metrics that cost nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from baselines.anchors import Identity
from bench import audio
from bench.codec import Encoded
from bench.datasets.manifest import Clip
from bench.runner import Step

RATE = 16_000

Run = Callable[..., list[Step]]
"""Does what codecs lack on the three clips, and returns the steps."""


def mean_difference(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that costs nothing."""
    return float(np.abs(reference - estimate).mean())


def aligned_difference(
    reference: NDArray[np.float32],
    estimate: NDArray[np.float32],
    sample_rate: int,
    delay_samples: int,
) -> float:
    n_left = len(reference) - delay_samples
    return mean_difference(reference[:n_left], estimate[delay_samples:], sample_rate)


class Gain(Identity):
    """A codec that halves its input, and remembers how often it was called."""

    def __init__(self, name: str = "gain") -> None:
        super().__init__(name, None)
        self.n_calls = 0

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        self.n_calls += 1
        return 0.5 * super().decode(encoded)


class Tokens(Identity):
    """A codec of two codebooks of four entries, whose audio comes `late` samples late."""

    def __init__(self, late: int = 0) -> None:
        super().__init__("tokens", RATE)
        self._info = replace(self._info, n_codebooks=2, codebook_size=4, frame_rate_hz=100.0)
        self._late = late

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        n_frames = audio.shape[1] // 160
        codes = np.arange(2 * n_frames).reshape(1, 2, n_frames) % 4
        return replace(super().encode(audio, sample_rate), codes=codes)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        return np.roll(super().decode(encoded), self._late, axis=1)


def three_clips(folder: Path) -> Iterator[Clip]:
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (3, RATE // 10))
    noise[1] *= 2
    names = [("talk", "a", "speech"), ("talk", "b", "speech"), ("songs", "c", "music")]
    for samples, (dataset, name, kind) in zip(noise, names, strict=True):
        path = folder / f"{name}.wav"
        soundfile.write(path, samples, RATE)
        yield Clip(
            dataset=dataset,
            id=f"{dataset}/{name}",
            kind=kind,
            path=path,
            sha256=audio.sha256(path),
            group=name,
        )


def values_of(frame) -> dict[tuple[str, str], float]:
    return {(row.clip, row.metric): row.value for row in frame.itertuples()}
