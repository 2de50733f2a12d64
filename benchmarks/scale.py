"""The benchmark at the size of Codec-SUPERB in full: 14,000 clips through 24 codecs.

A synthetic benchmark (`benchmarks.synthetic`) is made at several sizes, and each step of
`benchmarks.scale_steps` is timed on it in a process of its own, whose peak memory is told. Last
comes the runner's own time per clip, as `benchmarks.runner` measures it. All of it takes about five
minutes of the processor.

    python -m benchmarks.scale [--sizes CLIPS] [--codecs N] [--only STEPS] [--folder PATH]

The table goes to stderr, the same as JSON to stdout. Beside the seconds on the clock stand those
of the processor: on a machine that others use the first are longer, and growth is fitted to the
second. An exponent of 1 is linear.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.scale_steps import PER_CLIP, STEPS, Measured, Size, measure
from benchmarks.synthetic import MOST_CODECS

RUNNER = "runner"
TARGETS_S = {"start": 10.0, "resume": 10.0, "tables": 20.0, RUNNER: 0.002}
TARGET_BYTES = 1_000_000_000
_SIZES = "1750,5000,14000"  # an eighth of it, a good third, all
_WIDTH = 110
_TURNS = 3


@dataclass(frozen=True)
class Growth:
    """How a step's processor time grows: as the number of clips to the power of `exponent`."""

    step: str
    exponent: float


def growths(measured: Sequence[Measured]) -> list[Growth]:
    """Of the steps that were timed at two sizes or more."""
    found = []
    for step in dict.fromkeys(one.step for one in measured):
        points = [
            (one.n_clips, one.cpu_seconds)
            for one in measured
            if one.step == step and one.cpu_seconds is not None
        ]
        if len(points) > 1:
            clips, seconds = np.log(np.array(points, dtype=float)).T
            found.append(Growth(step, float(np.polyfit(clips, seconds, 1)[0])))
    return found


@dataclass(frozen=True)
class Target:
    """What a step may take at most.

    Attributes:
        step, n_clips: which one, at which size.
        quantity: "seconds" on the clock, or "peak_bytes".
        most, measured: what it may take, and took.
        met: whether it took no more.
    """

    step: str
    n_clips: int
    quantity: str
    most: float
    measured: float
    met: bool


def targets(measured: Sequence[Measured]) -> list[Target]:
    """Every target of every step at every size; they are those of the largest."""
    found = []
    for one in measured:
        for quantity, most, took in (
            ("seconds", TARGETS_S.get(one.step), one.seconds),
            ("peak_bytes", TARGET_BYTES, one.peak_bytes),
        ):
            if most is not None and took is not None:
                found.append(Target(one.step, one.n_clips, quantity, most, took, took <= most))
    return found


def misses(found: Sequence[Target]) -> list[str]:
    """The targets that were not met, in words."""
    said = []
    for one in found:
        at = f"{one.step} at {one.n_clips:,} clips"
        if not one.met and one.quantity == "seconds":
            said.append(f"{at}: {one.measured:.3g} s on the clock, more than {one.most:g} s")
        elif not one.met:
            said.append(f"{at}: {one.measured / 1e6:,.0f} MB, more than {one.most / 1e6:,.0f} MB")
    return said


def table(measured: Sequence[Measured], found: Sequence[Growth]) -> Table:
    """A row for each step and size."""
    exponents = {one.step: one.exponent for one in found}
    shown = Table(title="a synthetic benchmark: what the store and reports take")
    for column in (
        "step",
        "clips",
        "x codecs",
        "seconds",
        "of CPU",
        "target",
        "met",
        "peak MB",
        "MB left",
    ):
        shown.add_column(column, justify="left" if column == "step" else "right")
    shown.add_column("exponent", justify="right")
    last = ""
    unmet = {(one.step, one.n_clips) for one in targets(measured) if not one.met}
    for one in measured:
        per_clip = " per clip" if one.step in (*PER_CLIP, RUNNER) else ""
        target_s = TARGETS_S.get(one.step)
        shown.add_row(
            f"{one.step}{per_clip}" if one.step != last else "",
            f"{one.n_clips:,}",
            str(one.n_codecs),
            _seconds(one.seconds),
            "" if one.cpu_seconds is None else _seconds(one.cpu_seconds),
            "" if target_s is None else f"{target_s:g}",
            "no" if (one.step, one.n_clips) in unmet else "yes",
            "" if one.peak_bytes is None else f"{one.peak_bytes / 1e6:,.0f}",
            f"{one.written_bytes / 1e6:,.1f}",
            f"{exponents[one.step]:.2f}" if one.step in exponents and one.step != last else "",
        )
        last = one.step
    return shown


def _seconds(seconds: float) -> str:
    return f"{seconds:.4f}" if seconds < 0.1 else f"{seconds:.2f}"


def _in_a_process(step: str, folder: Path, size: Size) -> Measured:
    """Measure a step where nothing else has taken memory before."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(measure, step, folder, size).result()


def runner_overhead(folder: Path) -> Measured:
    """The runner's own seconds per clip: a codec and a metric that do nothing."""
    from bench.coding import CEILING
    from bench.team import Team
    from benchmarks import runner

    runner.METRICS[runner.NO_OP.name] = runner.NO_OP
    clips = runner.mini()
    with Team.of([CEILING], "cpu", 1, clip_timeout_s=600.0, codec_processes=1) as team:
        (info,) = team.codecs().infos
        found = runner.compare(info, clips, runner.EMPTY, team, folder, _TURNS)
    return Measured(RUNNER, len(clips.clips), 1, found.overhead_s, None, None, 0, len(clips.clips))


def _asked(text: str, console: Console) -> list[str]:
    """The steps that were asked for, in their order."""
    known = [*STEPS, RUNNER]
    asked = [name.strip() for name in text.split(",")] if text else known
    unknown = [name for name in asked if name not in known]
    if unknown:
        console.print(f"no step is called {unknown[0]!r}: {', '.join(known)}", style="red")
        raise typer.Exit(2)
    return [name for name in known if name in asked or name == "build"]


def _sizes(text: str, console: Console) -> list[int]:
    try:
        sizes = sorted({int(size) for size in text.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < 1:
        console.print(f"--sizes: expected numbers of clips, got {text!r}", style="red")
        raise typer.Exit(2)
    return sizes


def _make(folder: Path, console: Console) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        said = f"--folder: {folder} is there already"
    except OSError as error:
        said = f"--folder: cannot make {folder}: {(error.strerror or str(error)).lower()}"
    else:
        return
    console.print(said, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(2)


def main(
    sizes: Annotated[str, typer.Option(help="Numbers of clips, separated by commas.")] = _SIZES,
    codecs: Annotated[int, typer.Option(min=1, max=MOST_CODECS, help="Codecs.")] = MOST_CODECS,
    only: Annotated[
        str, typer.Option(help=f"Steps, separated by commas: {', '.join([*STEPS, RUNNER])}.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Where to work and leave what was made; must be new.")
    ] = None,
) -> None:
    """Time the store, the reports and the runner on a synthetic benchmark."""
    console = Console(stderr=True, width=_WIDTH)
    steps, chosen = _asked(only, console), _sizes(sizes, console)
    if folder is not None:
        _make(folder, console)
    started = time.perf_counter()
    measured = []
    place = TemporaryDirectory() if folder is None else nullcontext(str(folder))
    with place as name:
        for n_clips in chosen:
            size = Size(n_clips, codecs)
            within = Path(name) / str(n_clips)
            within.mkdir(parents=True)
            for step in steps:
                if step in STEPS:
                    with console.status(f"{step}, {n_clips:,} clips x {codecs} codecs"):
                        measured.append(_in_a_process(step, within, size))
            if folder is None:
                shutil.rmtree(within)
        if RUNNER in steps:
            with console.status("the runner by itself"):
                measured.append(runner_overhead(Path(name)))
    measured.sort(key=lambda one: [*STEPS, RUNNER].index(one.step))
    found = growths(measured)
    console.print(table(measured, found))
    judged = targets(measured)
    missed = misses(judged)
    console.print("all targets met" if not missed else "\n".join(missed), markup=False)
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "load": os.getloadavg()[0],
                "measured": [asdict(one) for one in measured],
                "growth": [asdict(one) for one in found],
                "targets": [asdict(one) for one in judged],
                "missed": missed,
                "took_s": time.perf_counter() - started,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    typer.run(main)
