"""The processes of a run, and what they are asked before its first clip."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import coding, scoring
from bench.cells import CodecDelay
from bench.codec import CodecInfo
from bench.coding import Codecs, Coded, Uncoded
from bench.datasets.manifest import Clip, Manifest
from bench.delay import VERSION as DELAY_VERSION
from bench.executors import Worker, WorkerFailed, WorkerLost
from bench.metrics import BESIDE, METRICS
from bench.plan import delay_of
from bench.store import Store

MOST_CODEC_PROCESSES = 4
"""Unless more are asked for: each has all codecs of the run in memory."""

_LOADING_S = 60.0  # for the libraries that the first measurement of a delay loads


class RunError(RuntimeError):
    """The run cannot go on; what was finished is in the store."""


class Team:
    """The processes of a run: some for the codecs, some for metrics, each started when needed.

    A context manager; leaving it ends them, whatever they do.

    Args:
        coders: of the codecs, all of them in each. The first is asked what concerns the whole run.
        metrics: of the metrics.
        clip_timeout_s: how long a clip may take in a codec, and in the metrics, seconds.
        one_on_gpu: whether only the first of `coders` is used where codecs compute on a GPU.
    """

    def __init__(
        self,
        coders: Sequence[Worker],
        metrics: Sequence[Worker],
        clip_timeout_s: float,
        *,
        one_on_gpu: bool = False,
    ) -> None:
        self.coders = list(coders)
        self.metrics = metrics
        self.clip_timeout_s = clip_timeout_s
        self._one_on_gpu = one_on_gpu
        self._infos: tuple[CodecInfo, ...] | None = None

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        device: str,
        n_workers: int,
        clip_timeout_s: float,
        codec_processes: int | None = None,
    ) -> Self:
        """Processes for codecs by their names and for all metrics.

        Args:
            names: of codecs, as `bench.registry` knows them.
            device: where they compute (`bench.devices.DEVICES`).
            n_workers: how many processes compute metrics.
            clip_timeout_s: how long a clip may take in a codec, and in the metrics, seconds.
            codec_processes: how many load the codecs; None takes one a core, at most
                `MOST_CODEC_PROCESSES`, and one where codecs compute on a GPU.
        """
        n_coders = codec_processes or min(os.cpu_count() or 1, MOST_CODEC_PROCESSES)
        functions = tuple(metric.function for metric in (METRICS | BESIDE).values())
        return cls(
            [
                Worker("codec", functools.partial(coding.prepare, tuple(names), device))
                for _ in range(n_coders)
            ],
            [
                Worker("metric", functools.partial(scoring.prepare, functions))
                for _ in range(n_workers)
            ],
            clip_timeout_s,
            one_on_gpu=codec_processes is None,
        )

    @property
    def codec(self) -> Worker:
        """The codecs' process that is asked what concerns the whole run."""
        return self.coders[0]

    def codecs(self) -> Codecs:
        """Load the codecs and return what they are, and what is missing.

        Raises:
            RunError: their process died.
        """
        found: Codecs = self._ask(coding.codecs)
        self._infos = found.infos
        if found.on_gpu and self._one_on_gpu:
            del self.coders[1:]
        return found

    def unpaired(self, manifest: Manifest) -> list[str]:
        """Lines on clips that codecs with files for each lack, and on files of no clip.

        Raises:
            RunError: their process died.
        """
        return self._ask(coding.unpaired, [clip.id for clip in manifest.clips])

    def get_ready(self, worker: Worker) -> None:
        """Have a further process load the codecs; `got_ready` is for when it is done."""
        worker.call(coding.codecs)

    def got_ready(self, worker: Worker) -> None:
        """Keep a process that has loaded what the run began with; another is of no use."""
        try:
            found: Codecs = worker.result()
            same = self._infos in (None, found.infos)
        except (WorkerLost, WorkerFailed):  # no room for another, say: it has cost no clip
            same = False
        if not same:
            self.coders.remove(worker)
            worker.stop()

    def send(
        self, worker: Worker, codec: str, revision: str, clip: Clip, shown_path: str, pair: Path
    ) -> None:
        """Have a codecs' process send a clip through one; `coded` is for when it is done.

        Args:
            worker: of `coders`.
            codec, revision: which, and what it must be.
            clip: whose file is read.
            shown_path: how errors call it.
            pair: the file for reference and estimate, as `bench.coding.code_clip` leaves it.
        """
        worker.call(
            coding.code_clip,
            codec,
            revision,
            clip.id,
            clip.path,
            shown_path,
            clip.sha256,
            pair,
            timeout_s=self.clip_timeout_s,
        )

    def coded(self, worker: Worker, pair: Path) -> Coded | Uncoded:
        """What came of the clip that a process was sent; where the process died, `pair` is gone.

        Raises:
            WorkerFailed: the file could not be written.
        """
        try:
            found: Coded | Uncoded = worker.result()
        except WorkerLost as lost:
            pair.unlink(missing_ok=True)
            return Uncoded(str(lost), lost.seconds)
        return found

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
            for worker in (*self.coders, *self.metrics):
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
