"""What `bench run` was asked for: the same for both suites."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bench.store import DEFAULT_PATH
from bench.team import MOST_CODEC_PROCESSES, RunError

LOCAL, RAY = "local", "ray"
EXECUTORS = (LOCAL, RAY)
"""Where the work of a run is done: in processes here, or on the machines of a Ray cluster."""

CodecProcesses = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes that codecs compute in, each with all codecs of the run in memory.",
        show_default=f"one a core, at most {MOST_CODEC_PROCESSES}; on a GPU, one",
    ),
]
"""An option of commands that run codecs on clips."""


@dataclass(frozen=True)
class RunOptions:
    """The options of a run.

    Attributes:
        codecs: as they were asked for: names, paths of checkpoints, `folder:PATH`.
        suite: "signal" or "application".
        data, kind: as for `bench.datasets.load.load_data`.
        evaluators: of the application suite, each a "TASK=NAME".
        store: where cells and evidence are kept.
        results: where a JSON per codec goes.
        workers: processes that compute metrics, of each shard on a cluster.
        codec_processes: processes of the codecs; None as many as `bench.team.Team.of` takes.
        device: where codecs and evaluators compute (`bench.devices.DEVICES`).
        clip_timeout_s: how long a clip may take in a codec, and in what judges it, seconds.
        executor: where the work runs, one of `EXECUTORS`.
        address: of the Ray cluster; None starts one here.
        part: which of how many parts of the clips, (1, 2) being the first half; None for all.
    """

    codecs: tuple[str, ...]
    suite: str = "signal"
    data: str = "mini"
    kind: str | None = None
    evaluators: tuple[str, ...] = ()
    store: Path = DEFAULT_PATH
    results: Path = Path("results")
    workers: int = os.cpu_count() or 1
    codec_processes: int | None = None
    device: str = "auto"
    clip_timeout_s: float = 600.0
    executor: str = LOCAL
    address: str | None = None
    part: tuple[int, int] | None = None


def part_of(text: str) -> tuple[int, int]:
    """Read "1/2". Raises RunError."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    part = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part[0] <= part[1]:
        raise RunError(f"--part expects which of how many parts, such as 1/2, got {text!r}")
    return part


def cannot_write_results(options: RunOptions, error: OSError) -> RunError:
    """Results cannot be written; nothing is lost, for what they are made of is in the store."""
    return RunError(
        f"cannot write results to {options.results}: "
        f"{(error.strerror or str(error)).lower()}; what was computed is in {options.store}, "
        "the same command writes them"
    )
