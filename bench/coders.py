"""Jobs through the processes of the codecs: each goes to whichever is free.

The first process takes the first job. Where a job is left over, another process gets ready,
one at a time; it takes jobs once the codecs are loaded, and no job waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bench.coding import Coded, Uncoded
from bench.datasets.manifest import Clip
from bench.executors import Worker
from bench.team import Team


class ClipJob(Protocol):
    """A clip that is to go through a codec; `shown_path` is how errors call its file."""

    @property
    def clip(self) -> Clip: ...
    @property
    def shown_path(self) -> str: ...
    @property
    def codec(self) -> str: ...
    @property
    def codec_revision(self) -> str: ...


AnyJob = TypeVar("AnyJob", bound=ClipJob)


@dataclass(frozen=True)
class Taken(Generic[AnyJob]):
    """A job that came back from a codec.

    Attributes:
        number: of the job, counted from 0 as they were given out.
        job: which.
        coded: what came of it.
        pair: the file that it left, unless it did not get through.
    """

    number: int
    job: AnyJob
    coded: Coded | Uncoded
    pair: Path


class Coders(Generic[AnyJob]):
    """Gives jobs to the codecs' processes of a team, and takes what comes of them.

    Args:
        team: whose codecs are those of the jobs.
        jobs: taken one by one, when they are needed.
        folder: for the files that clips leave.
        on_start: called when a clip goes into the codec.
    """

    def __init__(
        self,
        team: Team,
        jobs: Iterable[AnyJob],
        folder: Path,
        on_start: Callable[[AnyJob], None],
    ) -> None:
        self._team = team
        self._jobs = enumerate(jobs)
        self._folder = folder
        self._on_start = on_start
        self._next: tuple[int, AnyJob] | None = None
        self._coding: dict[Worker, tuple[int, AnyJob, Path]] = {}

    @property
    def busy(self) -> bool:
        """Whether a clip is in a codec."""
        return bool(self._coding)

    def give_out(self) -> None:
        """Give a job to each process that is free, and have another get ready for one left over."""
        while (worker := self._idle()) is not None:
            self._next = self._next or next(self._jobs, None)
            if self._next is None:
                return
            if worker.ready or worker is self._team.codec:
                self._code(worker, *self._next)
                self._next = None
            else:
                self._team.get_ready(worker)

    def take(self, worker: Worker) -> Taken[AnyJob] | None:
        """What a process whose call is over has for us; None where it got ready."""
        if worker not in self._coding:
            self._team.got_ready(worker)
            return None
        number, job, pair = self._coding.pop(worker)
        return Taken(number, job, self._team.coded(worker, pair), pair)

    def _idle(self) -> Worker | None:
        """A process that can take a job, or get ready for one while no other does."""
        idle = [worker for worker in self._team.coders if not worker.busy]
        ready = [worker for worker in idle if worker.ready]
        if ready or self._team.codec in idle:
            return next(iter(ready), self._team.codec)
        gets_ready = len(self._team.coders) > len(idle) + len(self._coding)
        return None if gets_ready else next(iter(idle), None)

    def _code(self, worker: Worker, number: int, job: AnyJob) -> None:
        pair = self._folder / f"{number}.npy"
        self._coding[worker] = number, job, pair
        self._on_start(job)
        self._team.send(worker, job.codec, job.codec_revision, job.clip, job.shown_path, pair)
