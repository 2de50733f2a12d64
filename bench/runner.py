"""The runner: from a plan to cells in the store.

What an executor does of the jobs is written clip by clip, the cells of each in one
transaction, so that a run that is stopped keeps all that is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from bench.crew import Done, work
from bench.executors import WorkerFailed
from bench.plan import Job, Plan, lacking
from bench.store import Store
from bench.team import RunError, Team

Executor = Callable[[Iterable[Job], Callable[[Job], None]], Generator[Done, None, None]]
"""Does jobs, telling when each starts, and yields them as they are done."""


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
    """Do the jobs of a plan in the processes of a team and store their cells.

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
        run_by(lambda jobs, started: work(jobs, team, started), plan, store, on_start, on_step)
    except WorkerFailed as error:
        raise RunError(
            f"{error}; what was finished is kept, the same command goes on from it"
        ) from error


def run_by(
    executor: Executor,
    plan: Plan,
    store: Store,
    on_start: Callable[[Job], None] = lambda job: None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Do the jobs of a plan by an executor and store their cells; the rest is as for `run`."""
    # Closed at once where this ends early: what is at work is ended, not waited for.
    with closing(executor(_not_done_elsewhere(plan.jobs, store, on_step), on_start)) as finished:
        for done in finished:
            source, clip = done.job.source, done.job.clip
            codes = {} if done.codes is None else {clip.sha256: done.codes}
            store.put(source, done.cells, codes)
            n_failed = sum(cell.error is not None for cell in done.cells)
            on_step(Step(source.codec, clip.id, len(done.cells) - n_failed, n_failed))


def _not_done_elsewhere(
    jobs: Iterable[Job], store: Store, on_step: Callable[[Step], None]
) -> Iterator[Job]:
    """Jobs, when they are asked for, without what another run has dealt with meanwhile."""
    for job in jobs:
        present = store.scored(job.source, job.clip.id)
        missing = lacking(job.missing, job.clip, present)
        if missing:
            yield replace(job, missing=missing)
        else:
            on_step(Step(job.source.codec, job.clip.id, 0, 0, len(job.missing)))
