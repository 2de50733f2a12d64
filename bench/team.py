"""The processes of a run, and what they are asked before its first clip."""

from __future__ import annotations

import functools
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

_LOADING_S = 60.0  # for the libraries that the first measurement of a delay loads


class RunError(RuntimeError):
    """The run cannot go on; what was finished is in the store."""


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

    def send(self, codec: str, revision: str, clip: Clip, shown_path: str, pair: Path) -> None:
        """Have the codecs' process send a clip through one; `coded` is for when it is done.

        Args:
            codec, revision: which, and what it must be.
            clip: whose file is read.
            shown_path: how errors call it.
            pair: the file for reference and estimate, as `bench.coding.code_clip` leaves it.
        """
        self.codec.call(
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

    def coded(self, pair: Path) -> Coded | Uncoded:
        """What came of the clip that was sent; where the process died, `pair` is gone.

        Raises:
            WorkerFailed: the file could not be written.
        """
        try:
            found: Coded | Uncoded = self.codec.result()
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
