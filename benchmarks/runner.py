"""The runner's speed: `bench run` against a plain serial loop, and what it costs by itself.

For each codec the same clips go through the same metrics in turns: in a loop of one process (read,
encode and decode, score by score), once with the libraries' own number of threads and once with
one thread, which is often faster; and in the runner with its processes and its
store. All are warm: libraries loaded, codecs too, a pass done. Their scores must agree. A row of
the table is the median time per clip of each, and the ratios of times of one turn, which are
neighbours, so that a busy machine slows them alike.

The last row has a codec that returns its input and a metric that does nothing, so that what
remains is the runner itself: handing over files, calls between processes, SQLite.

    python -m benchmarks.runner [--codec NAMES] [--clips N] [--workers N] [--turns N]

The table goes to stderr, the same as JSON to stdout.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import ArrayLike
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from bench import audio, registry, scoring
from bench.codec import Codec, CodecInfo
from bench.coding import CEILING
from bench.datasets.manifest import Manifest
from bench.datasets.mini import mini
from bench.delay import Delay
from bench.metrics import BESIDE, METRICS, Metric
from bench.plan import delay_of, plan_run
from bench.roundtrip import through_codec
from bench.runner import run
from bench.store import Store
from bench.suites import AUDIO, SIGNAL, SPEECH, Score, Suite
from bench.team import Team, measure_delays
from bench.views import gather
from benchmarks.clips import spread

NO_OP = Metric(
    name="no_op",
    display_name="no-op",
    description="nothing: it returns 0",
    unit="",
    higher_is_better=True,
    revision=1,
    libraries=(),
    function="benchmarks.runner:no_op",
)
EMPTY = Suite("no-op", "nothing", (Score("no_op", "no-op", "no_op", SPEECH | AUDIO),))
_WIDTH = 120
_MORE = 8  # clips for the runner by itself, which takes milliseconds for each
SAME_SCORE = 1e-6

Scores = dict[tuple[str, str], float | None]
"""(clip, metric) -> score, None where there is none."""


def no_op(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> float:
    """A metric that costs nothing."""
    return 0.0


@dataclass(frozen=True)
class Comparison:
    """Seconds per clip of loop, one-threaded loop and runner, turn by turn."""

    codec: str
    suite: str
    n_clips: int
    loop_s: tuple[float, ...]
    one_thread_loop_s: tuple[float, ...]
    runner_s: tuple[float, ...]

    @property
    def overhead_s(self) -> float:
        """Median of what the runner took beyond the loop, seconds per clip."""
        pairs = zip(self.loop_s, self.runner_s, strict=True)
        return statistics.median(runner - loop for loop, runner in pairs)

    def ratio_to(self, loop_s: Sequence[float]) -> Ratio:
        """How many times faster than a loop the runner was."""
        ratios = [loop / runner for loop, runner in zip(loop_s, self.runner_s, strict=True)]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))

    def as_json(self) -> dict[str, object]:
        """The row as JSON has it."""
        return {
            **asdict(self),
            "loop_over_runner": asdict(self.ratio_to(self.loop_s)),
            "one_thread_loop_over_runner": asdict(self.ratio_to(self.one_thread_loop_s)),
            "overhead_s": self.overhead_s,
        }


@dataclass(frozen=True)
class Ratio:
    """Of the turns' ratios."""

    median: float
    smallest: float
    largest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.smallest:.2f}-{self.largest:.2f})"


def serial_loop(codec: Codec, delay: Delay | None, manifest: Manifest, suite: Suite) -> Scores:
    """What one would write without a runner."""
    scores: Scores = {}
    for clip in manifest.clips:
        samples, sample_rate = audio.read(clip.path)
        decoded = through_codec(codec, samples, sample_rate)
        metrics = [METRICS[name] for name in suite.metrics_for(clip.kind)]
        delay_samples = None
        if delay is not None and delay.samples and "sdr" in suite.metrics_for(clip.kind):
            delay_samples = delay.at(sample_rate)
            metrics.append(BESIDE["aligned_sdr"])
        outcomes = scoring.score(
            metrics, decoded.reference, decoded.estimate, sample_rate, delay_samples
        )
        scores |= {(clip.id, name): outcome.value for name, outcome in outcomes.items()}
    return scores


def compare(
    info: CodecInfo, manifest: Manifest, suite: Suite, team: Team, folder: Path, n_turns: int
) -> Comparison:
    """Loops and runner in turns, after a pass of each that is not counted.

    Args:
        info: of a codec of the team.
        manifest: the clips.
        suite: whose metrics are computed.
        team: the runner's processes.
        folder: for a store per turn.
        n_turns: how often each is timed.

    Raises:
        RuntimeError: loop and runner do not agree on a score.
    """
    codec = registry.load(info.name)
    seconds: list[list[float]] = []  # [turn][loop, one-thread loop, runner]
    for turn in range(n_turns + 1):
        with Store(folder / f"{info.name}-{turn}.sqlite") as store:
            measure_delays([info], store, team)
            delay = delay_of(info, store)
            times = [time.perf_counter()]
            serial_loop(codec, delay, manifest, suite)
            times.append(time.perf_counter())
            with threadpool_limits(limits=1):
                plain = serial_loop(codec, delay, manifest, suite)
            times.append(time.perf_counter())
            run(plan_run([info], manifest, suite, store), store, team)
            times.append(time.perf_counter())
            _refuse_differences(plain, gather(info, manifest, suite, store))
        seconds.append([taken / len(manifest.clips) for taken in np.diff(times).tolist()])
    # The first pass started processes and loaded libraries.
    loop_s, one_thread_loop_s, runner_s = zip(*seconds[1:], strict=True)
    return Comparison(
        info.name, suite.name, len(manifest.clips), loop_s, one_thread_loop_s, runner_s
    )


def _refuse_differences(plain: Scores, cells: pd.DataFrame) -> None:
    """Raise if a cell of the runner has another value than the loop found."""
    for clip, metric, value in cells[["clip", "metric", "value"]].itertuples(index=False):
        if (clip, metric) not in plain:  # a measure of the run itself
            continue
        expected = plain[clip, metric]
        same = (
            math.isnan(value)
            if expected is None
            else math.isclose(value, expected, rel_tol=SAME_SCORE, abs_tol=SAME_SCORE)
        )
        if not same:
            raise RuntimeError(f"{metric} of {clip}: the loop found {expected}, the runner {value}")


def table(comparisons: Sequence[Comparison]) -> Table:
    """A row per comparison."""
    shown = Table(title="bench run against a plain serial loop: ms per clip, and ratios to it")
    for column in ("codec", "clips", "loop", "one-thread\nloop", "runner", "runner\n- loop"):
        shown.add_column(column, justify="left" if column == "codec" else "right")
    for column in ("loop\n/ runner", "one-thread loop\n/ runner"):
        shown.add_column(column, justify="right", no_wrap=True)
    for row in comparisons:
        shown.add_row(
            f"{row.codec}, {row.suite}",
            str(row.n_clips),
            _milliseconds(statistics.median(row.loop_s)),
            _milliseconds(statistics.median(row.one_thread_loop_s)),
            _milliseconds(statistics.median(row.runner_s)),
            _milliseconds(row.overhead_s),
            str(row.ratio_to(row.loop_s)),
            str(row.ratio_to(row.one_thread_loop_s)),
        )
    return shown


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.1f}"


def main(
    codec: Annotated[
        str, typer.Option(help="Codecs, separated by commas.")
    ] = "opus-12k,sqcodec-3k",
    clips: Annotated[int, typer.Option(min=1, help="Clips of the mini set.")] = 16,
    workers: Annotated[int, typer.Option(min=1, help="Metric processes.")] = os.cpu_count() or 1,
    turns: Annotated[int, typer.Option(min=1, help="Times that each is timed.")] = 5,
) -> None:
    """Time the runner against a serial loop, and by itself."""
    METRICS[NO_OP.name] = NO_OP
    manifest = mini()
    few, many = spread(manifest, clips), spread(manifest, _MORE * clips)
    console = Console(stderr=True, width=_WIDTH)
    comparisons = []
    with (
        TemporaryDirectory() as folder,
        Team.of(codec.split(","), "cpu", workers, clip_timeout_s=600.0) as team,
    ):
        loaded = team.codecs()
        if loaded.unknown or loaded.missing:
            console.print(loaded.unknown or loaded.missing[0], style="red", markup=False)
            raise typer.Exit(2)
        further = team.coders[1:]
        for worker in further:  # at once
            team.get_ready(worker)
        for worker in further:
            team.got_ready(worker)
        for info in loaded.infos:
            if info.name != CEILING:
                with console.status(f"{info.name}: {turns + 1} turns of {len(few.clips)} clips"):
                    comparisons.append(compare(info, few, SIGNAL, team, Path(folder), turns))
        (ceiling,) = (info for info in loaded.infos if info.name == CEILING)
        with console.status("the runner by itself"):
            comparisons.append(compare(ceiling, many, EMPTY, team, Path(folder), turns))
    console.print(table(comparisons))
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "workers": workers,
                "comparisons": [comparison.as_json() for comparison in comparisons],
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    typer.run(main)
