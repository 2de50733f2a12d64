"""What a metric process does: score one clip's decoded audio, which it reads from a file.

A process has one thread for linear algebra: more would fight for the cores, and change the
last digits of a score. A metric that raises costs that one score.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
from numpy.typing import NDArray

from bench import threads
from bench.errors import reason
from bench.metrics import Metric


@dataclass(frozen=True)
class Outcome:
    """What came of computing one cell.

    Attributes:
        value: the score, None where `error` says why there is none.
        seconds: what it took.
    """

    value: float | None
    error: str | None
    seconds: float


def prepare(functions: Sequence[str]) -> None:
    """Load the metrics' functions ("module:function"), whose libraries get one thread."""
    for function in functions:
        resolve_name(function)
    threads.limit_to_one()


def score_file(
    metrics: Sequence[Metric], pair: Path, sample_rate: int, delay_samples: int | None = None
) -> dict[str, Outcome]:
    """Score the reference and estimate in a file [2, T] by each metric, by its name."""
    reference, estimate = np.load(pair)
    return score(metrics, reference, estimate, sample_rate, delay_samples)


def score(
    metrics: Sequence[Metric],
    reference: NDArray[np.float32],
    estimate: NDArray[np.float32],
    sample_rate: int,
    delay_samples: int | None = None,
) -> dict[str, Outcome]:
    """Score one clip [T] by each metric; what a metric raises is its outcome.

    `delay_samples`, the codec's constant delay at `sample_rate`, goes to the metrics that
    remove it. With none to remove, such a metric is the other one, and is not computed again.
    """
    outcomes: dict[str, Outcome] = {}
    for metric in metrics:
        extra: Mapping[str, int] = {}
        if metric.less_delay:
            assert delay_samples is not None
            if delay_samples == 0 and metric.less_delay in outcomes:
                outcomes[metric.name] = replace(outcomes[metric.less_delay], seconds=0.0)
                continue
            extra = {"delay_samples": delay_samples}
        start = time.perf_counter()
        value, error = None, None
        try:
            value = float(metric(reference, estimate, sample_rate, **extra))
            if not math.isfinite(value):
                value, error = None, f"the metric returned {value}"
        except Exception as raised:  # a crash in a metric costs this one score
            error = reason(raised)
        outcomes[metric.name] = Outcome(value, error, time.perf_counter() - start)
    return outcomes
