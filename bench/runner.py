"""The runner: from a plan to cells in the store.

A clip that lacks any cell goes through the codec once, in a process of its own, while other
processes score earlier ones; its cells are written in one transaction. Whatever goes wrong
with one clip (its file, the codec, a metric, a process that dies or hangs) becomes the error
in its cells, and the run goes on.
"""

from __future__ import annotations

import json
import platform
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import scoring
from bench.cells import Cell
from bench.coding import Coded, Uncoded
from bench.executors import Worker, WorkerFailed, WorkerLost, wait_for
from bench.metrics import BESIDE, METRICS, Metric
from bench.plan import MEASURE_UNITS, Job, Plan, lacking
from bench.scoring import Outcome
from bench.scratch import scratch_folder
from bench.store import Store
from bench.team import RunError, Team

_LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "torch")
_WAITING_PER_WORKER = 2  # clips decoded and not yet scored: bounds the disk they take


@dataclass(frozen=True)
class Step:
    """One job is done.

    Attributes:
        codec, clip: their names.
        n_scored: cells that got a value now.
        n_failed: cells that got an error now.
        n_kept: cells that another run has computed meanwhile.
    """

    codec: str
    clip: str
    n_scored: int
    n_failed: int
    n_kept: int = 0


def run(
    plan: Plan,
    store: Store,
    team: Team,
    on_start: Callable[[Job], None] = lambda job: None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Do the jobs of a plan and store their cells.

    An interrupt (KeyboardInterrupt, say) costs the clips that are at work, no other.

    Args:
        plan: from `plan_run`.
        store: where the cells go.
        team: whose codecs are those of the plan.
        on_start: called when a clip goes into the codec.
        on_step: called when its cells are stored.

    Raises:
        RunError: decoded audio cannot be handed over, or a metric cannot be loaded.
        StoreError: the store cannot be written.
    """
    try:
        with scratch_folder() as folder:
            _Crew(store, team, folder, on_start, on_step).work(plan)
    except WorkerFailed as error:
        raise RunError(
            f"{error}; what was finished is kept, the same command goes on from it"
        ) from error


@dataclass(frozen=True)
class _Decoded:
    """A job whose clip went through the codec, and the file it left."""

    job: Job
    coded: Coded
    pair: Path


class _Crew:
    """Moves jobs through the codec's process and those of the metrics into the store."""

    def __init__(
        self,
        store: Store,
        team: Team,
        folder: Path,
        on_start: Callable[[Job], None],
        on_step: Callable[[Step], None],
    ) -> None:
        self._store = store
        self._team = team
        self._folder = folder
        self._on_start = on_start
        self._on_step = on_step
        self._coding: tuple[Job, Path] | None = None
        self._waiting: deque[_Decoded] = deque()
        self._scoring: dict[Worker, _Decoded] = {}
        self._most_waiting = _WAITING_PER_WORKER * len(team.metrics)
        self._libraries = json.dumps({name: version(name) for name in _LIBRARIES})
        self._host = platform.node()

    def work(self, plan: Plan) -> None:
        """Do all jobs."""
        codec, metrics = self._team.codec, self._team.metrics
        jobs = enumerate(plan.jobs)
        while True:
            while not codec.busy and len(self._waiting) < self._most_waiting:
                number, job = next(jobs, (0, None))
                if job is None:
                    break
                self._code(job, self._folder / f"{number}.npy")
            for worker in metrics:
                if self._waiting and not worker.busy:
                    self._score(worker, self._waiting.popleft())
            done = wait_for([codec, *metrics])
            if not done:
                return
            for worker in done:
                if worker is codec:
                    self._take_decoded()
                else:
                    self._take_scores(worker)

    def _code(self, job: Job, pair: Path) -> None:
        """Send a clip into the codec, unless another run has dealt with it meanwhile."""
        present = self._store.scored(job.source, job.clip.id)
        missing = lacking(job.missing, job.clip, present)
        if not missing:
            self._on_step(Step(job.source.codec, job.clip.id, 0, 0, len(job.missing)))
            return
        self._coding = replace(job, missing=missing), pair
        self._on_start(job)
        self._team.send(job.source.codec, job.source.codec_revision, job.clip, job.shown_path, pair)

    def _take_decoded(self) -> None:
        assert self._coding is not None
        job, pair = self._coding
        self._coding = None
        coded = self._team.coded(pair)
        if isinstance(coded, Uncoded):
            failed = Outcome(None, coded.error, coded.seconds)
            self._finish(job, dict.fromkeys(job.missing, failed))
        else:
            self._waiting.append(_Decoded(job, coded, pair))

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

    def _take_scores(self, worker: Worker) -> None:
        decoded = self._scoring.pop(worker)
        try:
            outcomes = worker.result()
        except WorkerLost as lost:
            failed = Outcome(None, str(lost), lost.seconds)
            outcomes = dict.fromkeys(decoded.job.missing, failed)
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
        self._finish(decoded.job, outcomes | measured, coded.codes)

    def _finish(
        self, job: Job, outcomes: dict[str, Outcome], codes: NDArray[np.int64] | None = None
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        cells = [
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
        ]
        self._store.put(job.source, cells, {} if codes is None else {job.clip.sha256: codes})
        n_failed = sum(cell.error is not None for cell in cells)
        self._on_step(Step(job.source.codec, job.clip.id, len(cells) - n_failed, n_failed))


def _metric(name: str) -> Metric | None:
    """The metric of that name; None for a measure of the run itself."""
    return METRICS.get(name) or BESIDE.get(name)


def _unit(name: str) -> str:
    metric = _metric(name)
    return MEASURE_UNITS[name] if metric is None else metric.unit
