"""From jobs to the cells of each: processes of the codecs, and those of the metrics beside them.

A clip goes through the codec once, in a process for that, while other processes score
earlier ones. Whatever goes wrong with one clip (its file, the codec, a metric, a process that
dies or hangs) becomes the error in its cells, and the others go on.
"""

from __future__ import annotations

import json
import platform
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import scoring
from bench.cells import Cell
from bench.coders import Coders, Taken
from bench.coding import Coded, Uncoded
from bench.executors import Worker, WorkerLost, wait_for
from bench.metrics import BESIDE, METRICS, Metric
from bench.plan import MEASURE_UNITS, Job
from bench.scoring import Outcome
from bench.scratch import scratch_folder
from bench.team import Team

_LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "torch")
_WAITING_PER_WORKER = 2  # clips decoded and not yet scored: bounds the disk they take


@dataclass(frozen=True)
class Done:
    """A job that is done.

    Attributes:
        job: which.
        cells: what was asked of it, each a value or an error.
        codes: int64 [K, F]; None if the codec has no tokens, or failed.
    """

    job: Job
    cells: tuple[Cell, ...]
    codes: NDArray[np.int64] | None = None


def work(
    jobs: Iterable[Job], team: Team, on_start: Callable[[Job], None] = lambda job: None
) -> Generator[Done, None, None]:
    """Do jobs, and yield each as it is done; no work begins while the caller has one in hand.

    Args:
        jobs: taken one by one, when a codecs' process is free for the next.
        team: whose codecs are those of the jobs.
        on_start: called when a clip goes into the codec.

    Raises:
        WorkerFailed: decoded audio cannot be handed over, or a metric cannot be loaded.
        OSError: there is no room for a folder of temporary files.
    """
    with scratch_folder() as folder:
        yield from _Crew(team, Coders(team, jobs, folder, on_start)).work()


def failed(job: Job, outcome: Outcome) -> Done:
    """A job of which nothing came but the error of `outcome`."""
    return _Origin().done(job, dict.fromkeys(job.missing, outcome))


@dataclass(frozen=True)
class _Decoded:
    """A job whose clip went through the codec, and the file it left."""

    job: Job
    coded: Coded
    pair: Path


class _Crew:
    """Moves jobs through the codecs' processes and those of the metrics."""

    def __init__(self, team: Team, coders: Coders[Job]) -> None:
        self._team = team
        self._coders = coders
        self._waiting: deque[_Decoded] = deque()
        self._scoring: dict[Worker, _Decoded] = {}
        self._most_waiting = _WAITING_PER_WORKER * len(team.metrics)
        self._origin = _Origin()

    def work(self) -> Iterator[Done]:
        """Do all jobs."""
        metrics = self._team.metrics
        while True:
            if len(self._waiting) < self._most_waiting:
                self._coders.give_out()
            for worker in metrics:
                if self._waiting and not worker.busy:
                    self._score(worker, self._waiting.popleft())
            if not self._coders.busy and not self._scoring:
                return  # a process that gets ready has nothing left to do
            for worker in wait_for([*self._team.coders, *metrics]):
                if worker in self._scoring:
                    yield self._take_scores(worker)
                elif (taken := self._coders.take(worker)) is not None:
                    yield from self._take_decoded(taken)

    def _take_decoded(self, taken: Taken[Job]) -> Iterator[Done]:
        """A clip that waits for its scores now, or is done because it has failed."""
        job, coded = taken.job, taken.coded
        if isinstance(coded, Uncoded):
            outcome = Outcome(None, coded.error, coded.seconds)
            yield self._origin.done(job, dict.fromkeys(job.missing, outcome))
        else:
            self._waiting.append(_Decoded(job, coded, taken.pair))

    def _score(self, worker: Worker, decoded: _Decoded) -> None:
        self._scoring[worker] = decoded
        job, sample_rate = decoded.job, decoded.coded.sample_rate
        worker.call(
            scoring.score_file,
            [metric for name in job.missing if (metric := _metric(name)) is not None],
            decoded.pair,
            sample_rate,
            None if job.delay is None else job.delay.at(sample_rate),
            timeout_s=self._team.clip_timeout_s,
        )

    def _take_scores(self, worker: Worker) -> Done:
        decoded = self._scoring.pop(worker)
        try:
            outcomes = worker.result()
        except WorkerLost as lost:
            outcome = Outcome(None, str(lost), lost.seconds)
            outcomes = dict.fromkeys(decoded.job.missing, outcome)
        decoded.pair.unlink()
        coded = decoded.coded
        measured = {
            "bits": Outcome(coded.bits, None, coded.seconds),
            "duration": Outcome(coded.n_samples / coded.sample_rate, None, 0.0),
            "sample_rate": Outcome(float(coded.sample_rate), None, 0.0),
            "clipped_samples": Outcome(float(coded.n_clipped), None, 0.0),
        }
        if coded.codes is not None:
            measured["frames"] = Outcome(float(coded.codes.shape[1]), None, 0.0)
        return self._origin.done(decoded.job, outcomes | measured, coded.codes)


class _Origin:
    """Makes cells of what was computed on this machine, with the libraries that are here."""

    def __init__(self) -> None:
        self._host = platform.node()
        self._libraries = json.dumps({name: version(name) for name in _LIBRARIES})

    def done(
        self, job: Job, outcomes: dict[str, Outcome], codes: NDArray[np.int64] | None = None
    ) -> Done:
        """The job with its cells, now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        cells = tuple(
            Cell(
                clip=job.clip.id,
                clip_sha256=job.clip.sha256,
                metric=name,
                metric_version=metric_version,
                value=outcomes[name].value,
                unit=_unit(name),
                error=outcomes[name].error,
                seconds=outcomes[name].seconds,
                host=self._host,
                libraries=self._libraries,
                measured_at=now,
            )
            for name, metric_version in job.missing.items()
        )
        return Done(job, cells, codes)


def _metric(name: str) -> Metric | None:
    """The metric of that name; None for a measure of the run itself."""
    return METRICS.get(name) or BESIDE.get(name)


def _unit(name: str) -> str:
    metric = _metric(name)
    return MEASURE_UNITS[name] if metric is None else metric.unit
