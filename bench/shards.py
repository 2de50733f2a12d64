"""What a machine of a cluster does: shards, each some clips through one codec.

It does them as a run of one machine does its clips, with a codec's process and those of the
metrics, which stay for the next shard of that codec. Nothing here knows what brings the
shards, or who keeps what comes of them. A machine that would compute something else than the
run began with (another revision of the codec, another version of a metric) refuses.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from bench import audio
from bench.crew import Done, work
from bench.executors import WorkerFailed, WorkerLost
from bench.metrics import BESIDE, METRICS
from bench.plan import Job
from bench.team import RunError, Team


@dataclass(frozen=True)
class Setting:
    """What a machine has to know besides its clips.

    Attributes:
        codec: as it was asked for.
        device: where it computes (`bench.devices.DEVICES`).
        workers: processes that compute metrics.
        clip_timeout_s: how long a clip may take in the codec, and in the metrics, seconds.
    """

    codec: str
    device: str
    workers: int
    clip_timeout_s: float


@dataclass(frozen=True)
class Refused:
    """A machine does no shard of this run; `why` is a line that names it."""

    why: str


@dataclass(frozen=True)
class Answer:
    """What came of a call on another machine: a value, or why there is none.

    Attributes:
        value: what was returned.
        lost: as of `WorkerLost`: why, and after how many seconds.
        failed: as of `WorkerFailed`; "" where it did not.
    """

    value: Any = None
    lost: tuple[str, float] | None = None
    failed: str = ""


class Asked:
    """The codecs of a run on one machine, which says what they are before the first clip."""

    def __init__(self, names: Sequence[str], device: str) -> None:
        self._team = Team.of(names, device, 0, 0.0, codec_processes=1)

    def ask(
        self, function: Callable[..., Any], arguments: Sequence[object], timeout_s: float
    ) -> Answer:
        """Call a function in the codecs' process."""
        try:
            self._team.codec.call(function, *arguments, timeout_s=timeout_s)
            return Answer(self._team.codec.result())
        except WorkerLost as lost:
            return Answer(lost=(str(lost), lost.seconds))
        except WorkerFailed as error:
            return Answer(failed=str(error))


def do(jobs: Sequence[Job], setting: Setting) -> Iterator[Done | Refused]:
    """Do a shard, and yield each job as it is done; or yield a refusal, and nothing else.

    Args:
        jobs: of one codec and one data set.
        setting: how.
    """
    host = platform.node()
    try:
        team = _held.team(setting)
        differs = _what_differs(jobs[0], team)
        if differs:
            yield Refused(f"{host} {differs}: all machines of a run need the same versions")
            return
        # The file's name in an error says on which machine it was looked for.
        named = (replace(job, shown_path=f"{host}:{job.shown_path}") for job in jobs)
        with closing(work(named, team)) as finished:
            yield from finished
    except (RunError, WorkerFailed, OSError) as error:
        _held.drop()
        yield Refused(f"{host}: {error}")
    except BaseException:  # the shard is not wanted any more: clips may be at work
        _held.drop()
        raise


class _Held:
    """The processes of the last shard, for the next one of the same codec."""

    def __init__(self) -> None:
        self._team: Team | None = None
        self._of: tuple[Setting, str | None] | None = None

    def team(self, setting: Setting) -> Team:
        """Processes for a setting, on the GPU that this process may use now."""
        of = setting, os.environ.get("CUDA_VISIBLE_DEVICES")
        if self._team is None or self._of != of:
            n_workers, limit_s = setting.workers, setting.clip_timeout_s
            new = Team.of([setting.codec], setting.device, n_workers, limit_s, 1)
            if self._team is not None and len(self._team.metrics) == n_workers:
                self._team.codec.stop()  # those of the metrics have long loaded what they need
                new = Team(new.coders, self._team.metrics, limit_s)
            else:
                self.drop()
            self._team, self._of = new, of
        return self._team

    def drop(self) -> None:
        """End the processes."""
        team, self._team = self._team, None
        if team is not None:
            team.__exit__(None, None, None)


_held = _Held()


def _what_differs(job: Job, team: Team) -> str:
    """What is not as the run began with it, after the machine's name; "" if all is."""
    codecs = team.codecs()
    revisions = {info.name: info.revision for info in codecs.infos}
    name, revision = job.source.codec, job.source.codec_revision
    if name not in revisions:
        why = "; ".join(filter(None, [codecs.unknown, *codecs.missing])) or "it is not known"
        return f"cannot load {name} ({why})"
    if revisions[name] != revision:
        return f"has revision {revisions[name]} of {name}, the run began with {revision}"
    here = {name: metric.version for name, metric in (METRICS | BESIDE).items()}
    pairs = [(job.source.reader, audio.READER)]
    if job.source.resampler:
        pairs.append((job.source.resampler, audio.RESAMPLER))
    # A version may go on with what else belongs to the score, such as the delay removed.
    pairs += [
        (asked, here[name])
        for name, asked in job.missing.items()
        if name in here and not f"{asked} ".startswith(f"{here[name]} ")
    ]
    return next(
        (f"has {mine}, the run began with {asked}" for asked, mine in pairs if mine != asked), ""
    )
