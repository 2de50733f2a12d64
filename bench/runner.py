"""The runner: from codecs, a data set and a suite to cells in the store.

A run asks for cells. Those with a value are not computed again, failed ones are tried again.
A clip that lacks any goes through the codec once, in a process of its own, while other
processes score earlier ones; its cells are written in one transaction. Whatever goes wrong
with one clip (its file, the codec, a metric, a process that dies or hangs) becomes the error
in its cells, and the run goes on.

Besides the suite's metrics every clip has measures of the run itself: `bits` (what the codec
sent), `duration` (s) and `sample_rate` (Hz) of the reference, so that bit/s can be taken over
any set of clips; `clipped_samples` of the decoded audio; and `frames` of a codec with tokens,
whose codes are stored with it. A codec with a constant delay has an SDR without it,
`aligned_sdr`, beside the suite's own.
"""

from __future__ import annotations

import functools
import json
import os
import platform
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench import audio, coding, scoring
from bench.codec import CodecInfo
from bench.coding import Codecs, Coded, Uncoded
from bench.datasets.manifest import Clip, Manifest
from bench.delay import VERSION as DELAY_VERSION
from bench.delay import Delay
from bench.executors import Worker, WorkerFailed, WorkerLost, wait_for
from bench.metrics import BESIDE, METRICS, Metric
from bench.scoring import Outcome
from bench.scratch import scratch_folder
from bench.store import Cell, CodecDelay, Source, Store
from bench.suites import Suite

MEASURE_UNITS = {
    "bits": "bit",
    "duration": "s",
    "sample_rate": "Hz",
    "clipped_samples": "",
    "frames": "",
}
"""What the run itself measures of every clip, with units."""

_MEASURE_VERSION = "1"
_LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "torch")
_LOADING_S = 60.0  # for the libraries that the first measurement of a delay loads
_WAITING_PER_WORKER = 2  # clips decoded and not yet scored: bounds the disk they take


class RunError(RuntimeError):
    """The run cannot go on; what was finished is in the store."""


@dataclass(frozen=True)
class Job:
    """One clip through one codec: the cells that it lacks.

    Attributes:
        source: what its cells have in common with others.
        clip: the clip.
        shown_path: of the clip's file, from the data set's folder on.
        missing: metric -> version.
        delay: of the codec; None if it could not be measured.
    """

    source: Source
    clip: Clip
    shown_path: str
    missing: dict[str, str]
    delay: Delay | None


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        jobs: clip by clip, each through all codecs that lack cells of it.
        n_kept: cells that are there already.
    """

    jobs: tuple[Job, ...]
    n_kept: int


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


def source_of(info: CodecInfo, manifest: Manifest, suite: Suite) -> Source:
    """What all cells of a codec, a data set and a suite have in common."""
    return Source(
        suite=suite.name,
        dataset=manifest.name,
        dataset_revision=manifest.revision,
        codec=info.name,
        codec_revision=info.revision,
        reader=audio.READER,
        resampler="" if info.sample_rate is None else audio.RESAMPLER,
    )


def delay_of(info: CodecInfo, store: Store) -> Delay | None:
    """The constant delay of a codec; None if it could not be measured."""
    stored = store.delay(info.name, info.revision, DELAY_VERSION)
    return None if stored is None else Delay(*astuple(stored))


def wanted(clip: Clip, suite: Suite, info: CodecInfo, delay: Delay | None = None) -> dict[str, str]:
    """The cells that a suite asks of a clip through a codec: metric name -> version.

    Without a delay there is nothing to remove, and no `aligned_sdr`.
    """
    measures = [name for name in MEASURE_UNITS if name != "frames" or info.n_codebooks]
    asked = dict.fromkeys(measures, _MEASURE_VERSION)
    asked |= {name: METRICS[name].version for name in suite.metrics_for(clip.kind)}
    if "sdr" in asked and delay is not None and delay.samples:
        removed = f"delay={delay.samples}@{delay.sample_rate}Hz"
        asked["aligned_sdr"] = f"{BESIDE['aligned_sdr'].version} {removed}"
    return asked


def plan_run(codecs: Iterable[CodecInfo], manifest: Manifest, suite: Suite, store: Store) -> Plan:
    """Find the cells that the store lacks."""
    # A manifest may mix absolute paths with those from its own folder.
    folder = os.path.commonpath([os.path.abspath(clip.path.parent) for clip in manifest.clips])
    infos = [(info, source_of(info, manifest, suite), delay_of(info, store)) for info in codecs]
    scored = {source: store.scored(source) for _, source, _ in infos}
    jobs = []
    n_kept = 0
    for clip in manifest.clips:
        shown_path = os.path.relpath(clip.path, folder)
        for info, source, delay in infos:
            asked = wanted(clip, suite, info, delay)
            missing = _lacking(asked, clip, scored[source])
            n_kept += len(asked) - len(missing)
            if missing:
                jobs.append(Job(source, clip, shown_path, missing, delay))
    return Plan(tuple(jobs), n_kept)


def _lacking(
    asked: dict[str, str], clip: Clip, present: set[tuple[str, str, str, str]]
) -> dict[str, str]:
    return {
        name: metric_version
        for name, metric_version in asked.items()
        if (clip.id, clip.sha256, name, metric_version) not in present
    }


class Team:
    """The processes of a run: one for the codecs, several for metrics, each started when needed.

    A context manager; leaving it ends them, whatever they do.
    """

    def __init__(self, codec: Worker, metrics: Sequence[Worker], clip_timeout_s: float) -> None:
        self.codec = codec
        self.metrics = metrics
        self.clip_timeout_s = clip_timeout_s

    @classmethod
    def of(cls, names: Sequence[str], device: str, n_workers: int, clip_timeout_s: float) -> Self:
        """Processes for codecs by their names and for all metrics.

        Args:
            names: of codecs, as `bench.registry` knows them.
            device: where they compute (`bench.devices.DEVICES`).
            n_workers: how many processes compute metrics.
            clip_timeout_s: how long a clip may take in a codec, and in the metrics, seconds.
        """
        functions = tuple(metric.function for metric in (METRICS | BESIDE).values())
        return cls(
            Worker("codec", functools.partial(coding.prepare, tuple(names), device)),
            [
                Worker("metric", functools.partial(scoring.prepare, functions))
                for _ in range(n_workers)
            ],
            clip_timeout_s,
        )

    def codecs(self) -> Codecs:
        """Load the codecs and return what they are, and what is missing.

        Raises:
            RunError: their process died.
        """
        return self._ask(coding.codecs)

    def unpaired(self, manifest: Manifest) -> list[str]:
        """Lines on clips that codecs with files for each lack, and on files of no clip.

        Raises:
            RunError: their process died.
        """
        return self._ask(coding.unpaired, [clip.id for clip in manifest.clips])

    def _ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        try:
            self.codec.call(function, *arguments)
            return self.codec.result()
        except (WorkerLost, WorkerFailed) as error:
            raise RunError(f"the codecs cannot be loaded: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:
            for worker in (self.codec, *self.metrics):
                stack.callback(worker.stop)


def measure_delays(codecs: Iterable[CodecInfo], store: Store, team: Team) -> list[str]:
    """Measure and store the constant delays that the store lacks.

    Returns:
        A line for each codec on which it could not be measured; the next run tries again.

    Raises:
        RunError: the measurement itself cannot be made.
        StoreError: the store cannot be written.
    """
    failures = []
    for info in codecs:
        if delay_of(info, store) is not None:
            continue
        try:
            limit_s = team.clip_timeout_s + _LOADING_S
            team.codec.call(coding.measure_delay, info.name, timeout_s=limit_s)
            found = team.codec.result()
        except WorkerLost as lost:
            failures.append(f"{info.name}: no constant delay: {lost}")
        except WorkerFailed as error:
            raise RunError(str(error)) from error
        else:
            if isinstance(found, Uncoded):
                failures.append(f"{info.name}: no constant delay: {found.error}")
            else:
                delay = CodecDelay(*astuple(found))
                store.put_delay(info.name, info.revision, DELAY_VERSION, delay)
    return failures


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
        missing = _lacking(job.missing, job.clip, present)
        if not missing:
            self._on_step(Step(job.source.codec, job.clip.id, 0, 0, len(job.missing)))
            return
        self._coding = replace(job, missing=missing), pair
        self._on_start(job)
        self._team.codec.call(
            coding.code_clip,
            job.source.codec,
            job.source.codec_revision,
            job.clip.id,
            job.clip.path,
            job.shown_path,
            job.clip.sha256,
            pair,
            timeout_s=self._team.clip_timeout_s,
        )

    def _take_decoded(self) -> None:
        assert self._coding is not None
        job, pair = self._coding
        self._coding = None
        try:
            coded = self._team.codec.result()
        except WorkerLost as lost:
            pair.unlink(missing_ok=True)
            coded = Uncoded(str(lost), lost.seconds)
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


def codes_of(
    info: CodecInfo, manifest: Manifest, suite: Suite, store: Store
) -> list[NDArray[np.int64]]:
    """The codes [K, F] of the clips of a data set, of those that went through the codec."""
    hashes = dict.fromkeys(clip.sha256 for clip in manifest.clips)
    return store.codes(source_of(info, manifest, suite), hashes)


def gather(info: CodecInfo, manifest: Manifest, suite: Suite, store: Store) -> pd.DataFrame:
    """What the store holds of a codec on a data set: a row for each cell that the suite asks.

    Columns: dataset, group, kind, clip, clip_sha256 (of the clip); metric, metric_version,
    value, unit, error, libraries, measured_at (of the cell). A cell that was never computed
    has the error "not computed". Rows are in the manifest's order.
    """
    delay = delay_of(info, store)
    asked = pd.DataFrame(
        [
            {
                "dataset": clip.dataset,
                "group": clip.group or None,
                "kind": clip.kind,
                "clip": clip.id,
                "clip_sha256": clip.sha256,
                "metric": metric,
                "metric_version": metric_version,
            }
            for clip in manifest.clips
            for metric, metric_version in wanted(clip, suite, info, delay).items()
        ]
    )
    stored = store.cells(source_of(info, manifest, suite)).drop(columns=["seconds", "host"])
    key = ["clip", "clip_sha256", "metric", "metric_version"]
    cells = asked.merge(stored, how="left", on=key, validate="one_to_one")
    never = cells["value"].isna() & cells["error"].isna()
    return cells.assign(error=cells["error"].mask(never, "not computed"))
