"""What is stored: a cell, and what all cells of one codec on one data set have in common.

Beside them, what an evaluator says of a clip, and what all that it says of a codec has in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


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


@dataclass(frozen=True)
class Hearing:
    """What all evidence of one evaluator on one codec has in common: part of its key.

    Attributes:
        codec, codec_revision: the codec and a hash of what decides its output.
        evaluator, evaluator_revision: the same of the evaluator.
        reader: what read the clips' files.
        resampler: what changed rates around the codec and before the evaluator.
    """

    codec: str
    codec_revision: str
    evaluator: str
    evaluator_revision: str
    reader: str
    resampler: str


@dataclass(frozen=True)
class Judgement:
    """What an evaluator says of one clip: evidence, or the error why there is none.

    Attributes:
        clip_sha256: the hash of the clip's file; what is said holds under whatever id.
        clip: its id in the data set that it was judged in.
        evidence: values that JSON can hold; None where `error` says why.
        bits: what the codec sent; None where it failed.
        duration_s: of the clip; None where it could not be read.
        seconds: what judging it took.
        host: the machine that it was judged on.
        judged_at: when, ISO 8601 in UTC.
    """

    clip_sha256: str
    clip: str
    evidence: dict[str, Any] | None
    error: str | None
    bits: float | None
    duration_s: float | None
    seconds: float
    host: str
    judged_at: str

    def __post_init__(self) -> None:
        if (self.evidence is None) == (self.error is None):
            raise ValueError("a judgement has evidence or an error, got both or neither")


@dataclass(frozen=True)
class CheckOutcome:
    """One check of a codec's certification: its name, what it measured, and the verdict.

    Attributes:
        name: of the check.
        value: what was measured, in words.
        passed: None where it does not apply.
    """

    name: str
    value: str
    passed: bool | None


@dataclass(frozen=True)
class CodecCertificate:
    """What certification found about a revision of a codec.

    Attributes:
        version: of the checks.
        passed: whether none failed.
        verified_at: when, ISO 8601 in UTC.
        checks: each of them.
    """

    version: str
    passed: bool
    verified_at: str
    checks: tuple[CheckOutcome, ...]

    def __post_init__(self) -> None:
        failed = [check.name for check in self.checks if check.passed is False]
        if self.passed == bool(failed):
            verdict = "passed" if self.passed else "did not pass"
            raise ValueError(f"a certificate that {verdict}, with failed checks {failed}")
