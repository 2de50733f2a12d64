"""Where metrics run: a pool of processes on this machine, a clip's metrics in one of them.

Each process has one thread for linear algebra: more would fight for the cores, and change the
last digits of a score. A metric that raises costs that one score, not the run.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pkgutil import resolve_name

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.metrics import METRICS, Metric


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


def score_clip(
    metrics: Sequence[Metric],
    reference: NDArray[np.float32],
    estimate: NDArray[np.float32],
    sample_rate: int,
) -> dict[str, Outcome]:
    """Score one clip [T] by each metric; what a metric raises is its outcome. Runs in a worker."""
    outcomes = {}
    for metric in metrics:
        start = time.perf_counter()
        value, error = None, None
        try:
            value = float(metric(reference, estimate, sample_rate))
            if not math.isfinite(value):
                value, error = None, f"the metric returned {value}"
        except Exception as raised:  # a crash in a metric costs this one score
            error = reason(raised)
        outcomes[metric.name] = Outcome(value, error, time.perf_counter() - start)
    return outcomes


def reason(error: Exception) -> str:
    """An error in one line. A `ValueError` was written for the user, others need their name."""
    message = " ".join(str(error).split())
    if isinstance(error, ValueError) and message:
        return message
    return f"{type(error).__name__}: {message}"


def metric_processes(n_workers: int) -> ProcessPoolExecutor:
    """A pool of processes that run `score_clip`."""
    return ProcessPoolExecutor(
        n_workers, mp_context=get_context("spawn"), initializer=_start_metric_process
    )


def _start_metric_process() -> None:
    # Ctrl-C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for metric in METRICS.values():
        resolve_name(metric.function)  # loads the libraries whose threads are limited next
    threadpool_limits(limits=1)
