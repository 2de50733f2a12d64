"""What is stored: a cell, and what all cells of one codec on one data set have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """What one run of a suite over a dataset with a codec has in common: part of a cell's key.

    Attributes:
        suite, dataset, dataset_revision: what was asked and on what data.
        codec, codec_revision: the codec and a hash of what decides its output.
        reader: what read the clips' files.
        resampler: what changes rates around the codec, "" where nothing does.
    """

    suite: str
    dataset: str
    dataset_revision: str
    codec: str
    codec_revision: str
    reader: str
    resampler: str


@dataclass(frozen=True)
class Cell:
    """One metric of one clip: a value, or the error why there is none.

    Attributes:
        clip, clip_sha256: the clip's id in its dataset and the hash of its file.
        metric, metric_version: what was computed, and by what.
        value: the score in `unit`, None where `error` says why.
        seconds: what it took to compute.
        host: the machine it was computed on.
        libraries: versions of the libraries at work, a JSON object.
        measured_at: when, ISO 8601 in UTC.
    """

    clip: str
    clip_sha256: str
    metric: str
    metric_version: str
    value: float | None
    unit: str
    error: str | None
    seconds: float
    host: str
    libraries: str
    measured_at: str

    def __post_init__(self) -> None:
        if (self.value is None) == (self.error is None):
            raise ValueError(f"a cell has a value or an error, got {self.value} and {self.error}")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a cell's value must be finite, got {self.value}")


@dataclass(frozen=True)
class CodecDelay:
    """A codec's constant delay, as `bench.delay` measures it.

    Attributes:
        samples: by which the decoded audio is late, at `sample_rate` (Hz); None without one.
        correlation: how sure it is, in [-1, 1].
        error: why there is none, "" where there is one.
    """

    samples: int | None
    sample_rate: int
    correlation: float | None
    error: str
