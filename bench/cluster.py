"""Where work runs on several machines: shards of a plan over a Ray cluster.

Ray (the extra `ray`) starts and places processes; what they do is `bench.shards`. A shard is
some clips through one codec. It takes a CPU for the codec, one for each process of metrics and,
where codecs compute on GPUs, a GPU. Each clip's cells come back as soon as it is done, and this
process alone writes them. The clips that a lost worker had not finished are done again, each
alone, so that one that ends its worker each time takes no other with it; after `TRIES` losses
it has an error in its cells, and the run goes on.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType, TracebackType
from typing import Any

from bench import shards
from bench.coding import Codecs
from bench.crew import Done, failed
from bench.errors import reason
from bench.executors import Worker, WorkerFailed, WorkerLost
from bench.plan import Job, Plan
from bench.ray_address import HERE, connected
from bench.runner import Step, run_by
from bench.scoring import Outcome
from bench.shards import Answer, Refused, Setting
from bench.store import Store
from bench.team import RunError, Team

TRIES = 3
"""How many workers may be lost over a clip before it has an error."""

_MOST_CLIPS = 16  # of a shard: enough that its start does not count
_SHARDS_PER_SLOT = 4  # of a small plan, so that machines end at about the same time
_LOOK_S = 30.0
_PATIENCE_S = 600.0  # for a machine to come where none is left


class ClusterTeam(Team):
    """The processes of a run on a cluster. A context manager; leaving it lets the cluster go.

    Args:
        names: of codecs, as `bench.registry` knows them.
        device: where they compute (`bench.devices.DEVICES`); "auto" takes GPUs where the
            cluster has any.
        n_workers: how many processes compute the metrics of a shard.
        clip_timeout_s: how long a clip may take in a codec, and in the metrics, seconds.
        address: of the cluster: "HOST:PORT", "auto" for the one that this machine belongs
            to, or `HERE`.

    Raises:
        RunError: Ray is not installed, the cluster cannot be reached, or none of its machines
            has room for a shard.
    """

    def __init__(
        self,
        names: Sequence[str],
        device: str,
        n_workers: int,
        clip_timeout_s: float,
        address: str = HERE,
    ) -> None:
        self._ray = connected(address, n_workers + 1)
        try:
            self._setting = Setting("", self._chosen(device), n_workers, clip_timeout_s)
            needed = {"CPU": n_workers + 1.0} | ({"GPU": 1.0} if self._on_gpu else {})
            self._needed = needed
            if not self.slots():
                raise RunError(
                    "no machine of the cluster has room for a shard, which takes "
                    + " and ".join(f"{count:g} {name}" for name, count in needed.items())
                    + " (--workers says how many CPUs beside the codec's)"
                )
            self._names = {_anywhere(name): name for name in names}
            asked = self._remote(shards.Asked).remote(tuple(self._names), self._setting.device)
        except BaseException:
            self._ray.shutdown()
            raise
        super().__init__([_Far(self._ray, asked)], (), clip_timeout_s)
        self._asked_for: dict[str, str] = {}
        self._shard = self._remote(shards.do, num_returns="streaming", max_retries=0)

    def codecs(self) -> Codecs:
        """Load the codecs on a machine of the cluster and return what they are."""
        found = super().codecs()
        self._asked_for = dict(found.asked)
        asked = {codec: self._names.get(name, name) for codec, name in found.asked.items()}
        return replace(found, asked=asked)

    def slots(self) -> int:
        """How many shards the cluster has room for at once."""
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return sum(
            min(int(has.get(name, 0) // count) for name, count in self._needed.items())
            for has in machines
        )

    def start(self, jobs: Sequence[Job]) -> Any:
        """Give a shard to the cluster: a generator of what comes of it."""
        codec = jobs[0].source.codec
        setting = replace(self._setting, codec=self._asked_for.get(codec, codec))
        # A relative path means another file elsewhere.
        found = [
            replace(job, clip=replace(job.clip, path=job.clip.path.absolute())) for job in jobs
        ]
        return self._shard.remote(found, setting)

    def work(
        self, jobs: Iterable[Job], on_start: Callable[[Job], None], most_clips: int = _MOST_CLIPS
    ) -> Generator[Done, None, None]:
        """Do jobs on the cluster and yield each as it is done; those of a codec in a row."""
        self.codec.stop()  # it has said what it had to, and makes room for a shard
        yield from _Spread(self, self._ray, _chunks(jobs, most_clips), on_start).work()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ray.shutdown()

    @property
    def _on_gpu(self) -> bool:
        return self._setting.device == "cuda"

    def _chosen(self, device: str) -> str:
        if device != "auto":
            return device
        return "cuda" if self._ray.cluster_resources().get("GPU", 0) else "cpu"

    def _remote(self, what: Callable[..., Any], **options: object) -> Any:
        resources = {"num_cpus": self._needed["CPU"], "num_gpus": self._needed.get("GPU", 0)}
        return self._ray.remote(**resources, **options)(what)


def spread(
    plan: Plan,
    store: Store,
    team: ClusterTeam,
    on_start: Callable[[Job], None] = lambda job: None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Do the jobs of a plan on a cluster and store their cells; as `bench.runner.run` does.

    Raises:
        RunError: a machine computes something else than the run began with, or none is left.
        StoreError: the store cannot be written.
    """
    # A worker has one codec in memory; it is to change it as seldom as can be.
    jobs = tuple(sorted(plan.jobs, key=lambda job: job.source.codec))
    n_shards = _SHARDS_PER_SLOT * max(team.slots(), 1)
    most_clips = max(1, min(_MOST_CLIPS, len(jobs) // n_shards))
    run_by(
        lambda left, started: team.work(left, started, most_clips),
        replace(plan, jobs=jobs),
        store,
        on_start,
        on_step,
    )


@dataclass
class _Shard:
    """Jobs that are on the cluster, by their clip; those that are done are taken out.

    `n_lost` is how many workers were lost over them before, `lost` why the last one was.
    """

    left: dict[str, Job]
    n_lost: int = 0
    lost: str = field(default="it ended without a word")


class _Spread:
    """Gives shards to a cluster, some more than it has room for, and takes what comes back."""

    def __init__(
        self,
        team: ClusterTeam,
        ray: ModuleType,
        chunks: Iterator[list[Job]],
        on_start: Callable[[Job], None],
    ) -> None:
        self._team = team
        self._ray = ray
        self._chunks = chunks
        self._on_start = on_start
        self._again: deque[_Shard] = deque()
        self._running: dict[Any, _Shard] = {}

    def work(self) -> Iterator[Done]:
        """Do all shards."""
        self._fill()
        since = time.monotonic()
        while self._running:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_LOOK_S)
            if ready:
                yield from self._take(ready[0])
            if ready or self._team.slots():
                since = time.monotonic()
            elif time.monotonic() - since > _PATIENCE_S:
                raise RunError(
                    "no machine of the cluster is left with room for a shard; what was finished "
                    "is kept, the same command goes on from it"
                )

    def _fill(self) -> None:
        """Give the cluster shards until it has twice as many as it has room for."""
        most = max(1, 2 * self._team.slots())
        while len(self._running) < most:
            shard = self._next()
            if shard is None:
                return
            for job in shard.left.values():
                self._on_start(job)
            self._running[self._team.start(list(shard.left.values()))] = shard

    def _next(self) -> _Shard | None:
        if self._again:
            return self._again.popleft()
        jobs = next(self._chunks, None)
        return None if jobs is None else _Shard({job.clip.id: job for job in jobs})

    def _take(self, generator: Any) -> Iterator[Done]:
        """What a shard has come to since it was looked at last."""
        shard = self._running[generator]
        errors = self._ray.exceptions
        try:
            found = self._ray.get(next(generator))
        except StopIteration:
            del self._running[generator]
            yield from self._ended(shard)
            self._fill()
            return
        except errors.RayTaskError as error:
            raise RunError(f"the cluster cannot do a shard: {_said(error)}") from error
        except errors.RayError as error:  # the end of the generator comes next
            shard.lost = type(error).__name__
            return
        if isinstance(found, Refused):
            raise RunError(
                f"{found.why}; what was finished is kept, the same command goes on from it"
            )
        # As it was asked for: the machine has named its clip's file in its own way.
        job = shard.left.pop(found.job.clip.id)
        yield replace(found, job=job)

    def _ended(self, shard: _Shard) -> Iterator[Done]:
        """A shard is over: what it left undone is done again, if it was not often enough."""
        n_lost = shard.n_lost + 1
        for name, job in shard.left.items():
            if n_lost < TRIES:
                self._again.append(_Shard({name: job}, n_lost))
            else:
                why = f"the cluster lost the worker of this clip {n_lost} times ({shard.lost})"
                yield failed(job, Outcome(None, why, 0.0))


class _Far(Worker):
    """A process on a machine of the cluster, as one here looks to those who ask it."""

    def __init__(self, ray: ModuleType, actor: Any) -> None:
        super().__init__("codec", lambda: None)
        self._ray = ray
        self._actor = actor
        self._answer: Any = None

    def call(
        self, function: Callable[..., Any], *arguments: object, timeout_s: float = math.inf
    ) -> None:
        """Begin `function(*arguments)` there; `result` has what comes of it."""
        self.busy = True
        self._answer = self._actor.ask.remote(function, arguments, timeout_s)

    def result(self) -> Any:
        """Wait for the call to end and return its result; raises as a process here does."""
        try:
            answer: Answer = self._ray.get(self._answer)
        except self._ray.exceptions.RayTaskError as error:
            raise WorkerFailed(_said(error)) from error
        except self._ray.exceptions.RayError as error:
            raise WorkerFailed(f"the cluster lost their process: {_said(error)}") from error
        finally:
            self.busy = False
        if answer.lost is not None:
            raise WorkerLost(*answer.lost)
        if answer.failed:
            raise WorkerFailed(answer.failed)
        return answer.value

    def stop(self) -> None:
        """End the process now, whatever it does."""
        self._ray.kill(self._actor)


def _chunks(jobs: Iterable[Job], most: int) -> Iterator[list[Job]]:
    """Jobs in a row of one codec, at most so many together."""
    chunk: list[Job] = []
    for job in jobs:
        if chunk and (len(chunk) == most or chunk[0].source != job.source):
            yield chunk
            chunk = []
        chunk.append(job)
    if chunk:
        yield chunk


def _anywhere(name: str) -> str:
    """What a codec is asked for by on other machines: a path of this folder is a whole one."""
    kind, colon, path = name.rpartition(":")
    is_path = kind == "folder" or (not colon and name.endswith(".safetensors"))
    return f"{kind}{colon}{os.path.abspath(path)}" if is_path else name


def _said(error: Exception) -> str:
    """What was raised on another machine, in a line: Ray's own words have its traceback."""
    cause = getattr(error, "cause", None)
    told = cause if isinstance(cause, Exception) else error
    lines = [line for line in str(told).splitlines() if line.strip()]
    return reason(told) if len(lines) < 2 else lines[-1].strip()
