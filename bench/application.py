"""The application suite's run: from codecs and a task's clips to evidence in the store.

A task's clips go through each codec in the codecs' processes. From there, some at a time and in
the order of the plan, they go into the process of the task's evaluator, which is the only one in
memory. What has evidence is not judged again: not for another codec's sake, nor in another run.
Failures are kept with their reason, and tried again by the next run.
"""

from __future__ import annotations

import functools
import os
import platform
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import soundfile

from bench import audio, judging
from bench.cells import Hearing, Judgement
from bench.codec import CodecInfo
from bench.coders import Coders, Taken
from bench.coding import Coded, Uncoded
from bench.datasets.manifest import Clip
from bench.downstream.contract import EvaluatorInfo
from bench.executors import Worker, WorkerFailed, WorkerLost, wait_for
from bench.judging import Judged
from bench.scratch import scratch_folder
from bench.store import Store
from bench.team import RunError, Team

_BATCH = 8  # clips of like duration that are judged together
_MOST_WAITING = 2 * _BATCH  # decoded and not yet judged: bounds the disk they take


@dataclass(frozen=True)
class Job:
    """One clip through one codec that an evaluator has not judged yet."""

    hearing: Hearing
    clip: Clip
    shown_path: str

    @property
    def codec(self) -> str:
        """Its name."""
        return self.hearing.codec

    @property
    def codec_revision(self) -> str:
        """What the codec's must be."""
        return self.hearing.codec_revision


@dataclass(frozen=True)
class Plan:
    """What is to be judged.

    Attributes:
        jobs: codec by codec, the shortest clips first, so that like ones come together.
        n_kept: clips, through all codecs, that have evidence already.
    """

    jobs: tuple[Job, ...]
    n_kept: int


@dataclass(frozen=True)
class Step:
    """One job is done; `error` says why there is no evidence, "" where there is."""

    codec: str
    clip: str
    error: str


def hearing_of(info: CodecInfo, evaluator: EvaluatorInfo) -> Hearing:
    """What all evidence of an evaluator on a codec has in common."""
    return Hearing(
        codec=info.name,
        codec_revision=info.revision,
        evaluator=evaluator.name,
        evaluator_revision=evaluator.revision,
        reader=audio.READER,
        resampler=audio.RESAMPLER,
    )


def evaluator_process(task: str, name: str, device: str, classes: Sequence[str] = ()) -> Worker:
    """A process for one evaluator; a zero-shot one chooses from `classes`."""
    return Worker("evaluator", functools.partial(judging.prepare, task, name, device, classes))


def opened(worker: Worker) -> EvaluatorInfo | str:
    """Load the evaluator of a process; return what it is, or why it cannot run, in a line."""
    try:
        worker.call(judging.evaluator)
        return worker.result()
    except (WorkerLost, WorkerFailed) as error:
        return f"it does not load: {error}"


def plan_task(
    clips: Sequence[Clip], codecs: Iterable[CodecInfo], evaluator: EvaluatorInfo, store: Store
) -> Plan:
    """Find the clips that an evaluator has not judged yet, through each codec."""
    folder = os.path.commonpath([os.path.abspath(clip.path.parent) for clip in clips])
    lengths = {clip.id: _duration_s(clip.path) for clip in clips}
    by_length = sorted(clips, key=lambda clip: lengths[clip.id])
    jobs = []
    n_kept = 0
    for info in codecs:
        hearing = hearing_of(info, evaluator)
        judged = store.judged(hearing)
        for clip in by_length:
            if clip.sha256 in judged:
                n_kept += 1
                continue
            judged.add(clip.sha256)  # of two clips with one file, one is enough
            jobs.append(Job(hearing, clip, os.path.relpath(clip.path, folder)))
    return Plan(tuple(jobs), n_kept)


def judge(
    plan: Plan,
    store: Store,
    team: Team,
    worker: Worker,
    on_start: Callable[[Job], None] = lambda job: None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Do the jobs of a plan and store what the evaluator says.

    An interrupt (KeyboardInterrupt, say) costs the clips that are at work, no other.

    Args:
        plan: of one task.
        store: where evidence goes.
        team: whose codecs are those of the plan.
        worker: of the evaluator.
        on_start: called when a clip goes into the codec.
        on_step: called when its judgement is stored.

    Raises:
        RunError: decoded audio cannot be handed over, or the evaluator broke its contract.
        StoreError: the store cannot be written.
    """
    try:
        with scratch_folder() as folder:
            coders = Coders(team, plan.jobs, folder, on_start)
            _Line(store, team, worker, coders, on_step).work()
    except WorkerFailed as error:
        raise RunError(
            f"{error}; what was finished is kept, the same command goes on from it"
        ) from error


def _duration_s(path: Path) -> float:
    """By the file's header; what cannot be read comes first, and is told of when it is read."""
    try:
        return float(soundfile.info(path).duration)
    except (soundfile.LibsndfileError, OSError):
        return 0.0


@dataclass(frozen=True)
class _Decoded:
    """A job whose clip went through the codec, and the file it left."""

    job: Job
    coded: Coded
    pair: Path


class _Line:
    """Moves jobs through the codecs' processes and the evaluator's into the store."""

    def __init__(
        self,
        store: Store,
        team: Team,
        worker: Worker,
        coders: Coders[Job],
        on_step: Callable[[Step], None],
    ) -> None:
        self._store = store
        self._team = team
        self._worker = worker
        self._coders = coders
        self._on_step = on_step
        self._early: dict[int, Taken[Job]] = {}  # by number, before one that is in a codec yet
        self._n_taken = 0
        self._waiting: deque[_Decoded] = deque()
        self._singly: deque[_Decoded] = deque()  # of a batch that the evaluator died of
        self._judging: list[_Decoded] = []
        self._host = platform.node()

    def work(self) -> None:
        """Do all jobs."""
        while True:
            if len(self._waiting) + len(self._early) < _MOST_WAITING:
                self._coders.give_out()
            last = not self._coders.busy
            if not self._worker.busy and (batch := self._next_batch(last)):
                self._judge(batch)
            if not self._coders.busy and not self._worker.busy:
                return
            for worker in wait_for([*self._team.coders, self._worker]):
                if worker is self._worker:
                    self._take_judged()
                elif (taken := self._coders.take(worker)) is not None:
                    self._early[taken.number] = taken
            while (taken := self._early.pop(self._n_taken, None)) is not None:
                self._n_taken += 1
                self._take_decoded(taken)

    def _next_batch(self, last: bool) -> list[_Decoded]:
        """Clips to judge together; fewer than a batch only where no more will come."""
        if self._singly:
            return [self._singly.popleft()]
        if len(self._waiting) < _BATCH and not last:
            return []
        return [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]

    def _take_decoded(self, taken: Taken[Job]) -> None:
        job, coded = taken.job, taken.coded
        if isinstance(coded, Uncoded):
            self._finish([(job, None, Judged(None, coded.error, coded.seconds))])
        else:
            self._waiting.append(_Decoded(job, coded, taken.pair))

    def _judge(self, batch: list[_Decoded]) -> None:
        self._judging = batch
        self._worker.call(
            judging.judge_files,
            batch[0].job.hearing.evaluator_revision,
            [(one.pair, one.coded.sample_rate) for one in batch],
            timeout_s=self._team.clip_timeout_s * len(batch),
        )

    def _take_judged(self) -> None:
        batch, self._judging = self._judging, []
        try:
            judged = self._worker.result()
        except WorkerLost as lost:
            if len(batch) > 1:  # which clip it was is found out one by one
                self._singly.extend(batch)
                return
            judged = [Judged(None, str(lost), lost.seconds)]
        for one in batch:
            one.pair.unlink()
        self._finish(
            [(one.job, one.coded, found) for one, found in zip(batch, judged, strict=True)]
        )

    def _finish(self, done: Sequence[tuple[Job, Coded | None, Judged]]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for hearing in dict.fromkeys(job.hearing for job, _, _ in done):
            self._store.put_evidence(
                hearing,
                [
                    Judgement(
                        clip_sha256=job.clip.sha256,
                        clip=job.clip.id,
                        evidence=judged.evidence,
                        error=judged.error,
                        bits=None if coded is None else coded.bits,
                        duration_s=None if coded is None else coded.n_samples / coded.sample_rate,
                        seconds=judged.seconds,
                        host=self._host,
                        judged_at=now,
                    )
                    for job, coded, judged in done
                    if job.hearing == hearing
                ],
            )
        for job, _, judged in done:
            self._on_step(Step(job.hearing.codec, job.clip.id, judged.error or ""))
