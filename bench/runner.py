"""The runner: from codecs, a data set and a suite to cells in the store.

A run asks for cells. Those with a value are not computed again, failed ones are tried again.
A clip that lacks any goes through the codec once, in this process, while a pool of processes
scores earlier ones; its cells are written in one transaction. Whatever goes wrong with one
clip (its file, the codec, a metric) becomes the error in its cells, and the run goes on.

Besides the suite's metrics every clip has three measures of the run itself: `bits` (what the
codec sent), `duration` (s) and `sample_rate` (Hz) of the reference, so that bit/s can be
taken over any set of clips.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench import audio
from bench.codec import Codec, CodecInfo
from bench.datasets.manifest import Clip, Manifest
from bench.executors import Outcome, reason, score_clip
from bench.metrics import METRICS
from bench.roundtrip import through_codec
from bench.store import Cell, Source, Store
from bench.suites import Suite

MEASURE_UNITS = {"bits": "bit", "duration": "s", "sample_rate": "Hz"}
"""What the run itself measures of every clip, with units."""

_MEASURE_VERSION = "1"
_LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "torch")
_MAX_WAITING = 16  # clips decoded and not yet scored: bounds memory where scoring is slower


class RunError(RuntimeError):
    """The run cannot go on; what was finished is in the store."""


@dataclass(frozen=True)
class Step:
    """One clip through one codec is dealt with.

    Attributes:
        codec, clip: their names.
        n_scored: cells that got a value now.
        n_failed: cells that got an error now.
        n_kept: cells that were there already.
    """

    codec: str
    clip: str
    n_scored: int
    n_failed: int
    n_kept: int


def source_of(info: CodecInfo, manifest: Manifest, suite: Suite) -> Source:
    """What all cells of a codec, a data set and a suite have in common."""
    return Source(
        suite=suite.name,
        dataset=manifest.name,
        dataset_revision=manifest.revision,
        codec=info.name,
        codec_revision=info.revision,
        resampler="" if info.sample_rate is None else audio.RESAMPLER,
    )


def wanted(clip: Clip, suite: Suite) -> dict[str, str]:
    """The cells that a suite asks of a clip: metric name -> version."""
    versions = dict.fromkeys(MEASURE_UNITS, _MEASURE_VERSION)
    return versions | {name: METRICS[name].version for name in suite.metrics_for(clip.kind)}


def run(
    codecs: Sequence[Codec],
    manifest: Manifest,
    suite: Suite,
    store: Store,
    executor: Executor,
    on_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Compute the cells that are missing for every codec and clip, and store them.

    Metrics run in `executor`; codecs, and `on_step` after each clip, in the calling thread.
    When something interrupts it (KeyboardInterrupt, say), the clips that are being scored are
    finished and stored first.

    Raises:
        RunError: a metric process died.
        StoreError: the store cannot be written.
    """
    crew = _Crew(store, executor, on_step)
    sources = [source_of(codec.info, manifest, suite) for codec in codecs]
    scored = [store.scored(source) for source in sources]
    try:
        for clip in manifest.clips:
            reference = _Reference(clip)
            asked = wanted(clip, suite)
            for codec, source, present in zip(codecs, sources, scored, strict=True):
                missing = {
                    name: metric_version
                    for name, metric_version in asked.items()
                    if (clip.id, clip.sha256, name, metric_version) not in present
                }
                job = _Job(source, clip, missing, n_kept=len(asked) - len(missing))
                crew.take(job, codec, reference)
        while crew.waiting:
            crew.collect()
    except BrokenExecutor as error:
        crew.wind_up()
        raise RunError(
            "a metric process was ended from outside (out of memory?); what was finished is "
            "kept: run the same command again"
        ) from error
    except BaseException:
        crew.wind_up()
        raise


@dataclass
class _Job:
    """One clip through one codec: the cells it lacks (metric -> version), and how many it has."""

    source: Source
    clip: Clip
    missing: dict[str, str]
    n_kept: int


class _Reference:
    """A clip's audio, read and checked once, at the first need, for all codecs of a run."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._audio: tuple[NDArray[np.float32], int] | None = None

    def read(self) -> tuple[NDArray[np.float32], int]:
        """Samples [T] and rate (Hz).

        Raises:
            AudioError: the file is unusable or not the one of the manifest.
        """
        if self._audio is None:
            samples, sample_rate = audio.read(self._clip.path)
            found = audio.sha256(self._clip.path)
            if found != self._clip.sha256:
                raise audio.AudioError(
                    f"{self._clip.path}: not the file of the manifest (sha256 {found[:12]}..., "
                    f"expected {self._clip.sha256[:12]}...)"
                )
            self._audio = samples, sample_rate
        return self._audio


class _Crew:
    """Takes jobs through the codec here and the metrics elsewhere, and stores their cells."""

    def __init__(self, store: Store, executor: Executor, on_step: Callable[[Step], None]) -> None:
        self.waiting: dict[Future[dict[str, Outcome]], tuple[_Job, dict[str, Outcome]]] = {}
        self._store = store
        self._executor = executor
        self._on_step = on_step
        self._libraries = json.dumps({name: version(name) for name in _LIBRARIES})
        self._host = platform.node()

    def take(self, job: _Job, codec: Codec, reference: _Reference) -> None:
        """Send a clip through the codec and hand it to the metrics."""
        if not job.missing:
            self._finish(job, {})
            return
        start = time.perf_counter()
        try:
            samples, sample_rate = reference.read()
            decoded = through_codec(codec, samples, sample_rate)
        except Exception as error:  # a codec may raise anything; it costs this one clip
            failed = Outcome(None, reason(error), time.perf_counter() - start)
            self._finish(job, dict.fromkeys(job.missing, failed))
            return
        seconds = time.perf_counter() - start
        measured = {
            "bits": Outcome(decoded.bits, None, seconds),
            "duration": Outcome(len(samples) / sample_rate, None, 0.0),
            "sample_rate": Outcome(float(sample_rate), None, 0.0),
        }
        metrics = [METRICS[name] for name in job.missing if name in METRICS]
        future = self._executor.submit(
            score_clip, metrics, decoded.reference, decoded.estimate, sample_rate
        )
        self.waiting[future] = job, measured
        while len(self.waiting) >= _MAX_WAITING:
            self.collect()

    def collect(self) -> None:
        """Wait for at least one clip to be scored, and store all that are."""
        for future in wait(self.waiting, return_when=FIRST_COMPLETED).done:
            job, measured = self.waiting[future]
            self._finish(job, measured | future.result())
            del self.waiting[future]  # only now, so that an interrupt above loses nothing

    def wind_up(self) -> None:
        """Drop the clips that no process has begun; wait for the others and store them."""
        for future, (job, measured) in self.waiting.items():
            if not future.cancel():
                with suppress(BrokenExecutor):
                    self._finish(job, measured | future.result())

    def _finish(self, job: _Job, outcomes: dict[str, Outcome]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        cells = [
            Cell(
                clip=job.clip.id,
                clip_sha256=job.clip.sha256,
                metric=name,
                metric_version=metric_version,
                value=outcomes[name].value,
                unit=METRICS[name].unit if name in METRICS else MEASURE_UNITS[name],
                error=outcomes[name].error,
                seconds=outcomes[name].seconds,
                host=self._host,
                libraries=self._libraries,
                measured_at=now,
            )
            for name, metric_version in job.missing.items()
        ]
        if cells:
            self._store.put(job.source, cells)
        n_failed = sum(cell.error is not None for cell in cells)
        self._on_step(
            Step(job.source.codec, job.clip.id, len(cells) - n_failed, n_failed, job.n_kept)
        )


def gather(info: CodecInfo, manifest: Manifest, suite: Suite, store: Store) -> pd.DataFrame:
    """What the store holds of a codec on a data set: a row for each cell that the suite asks.

    Columns: dataset, group, kind, clip, clip_sha256 (of the clip); metric, metric_version,
    value, unit, error, libraries, measured_at (of the cell). A cell that was never computed
    has the error "not computed". Rows are in the manifest's order.
    """
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
            for metric, metric_version in wanted(clip, suite).items()
        ]
    )
    stored = store.cells(source_of(info, manifest, suite)).drop(columns=["seconds", "host"])
    key = ["clip", "clip_sha256", "metric", "metric_version"]
    cells = asked.merge(stored, how="left", on=key, validate="one_to_one")
    never = cells["value"].isna() & cells["error"].isna()
    return cells.assign(error=cells["error"].mask(never, "not computed"))
