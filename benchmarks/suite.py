"""The whole benchmark's speed: `bench run --suite signal` against the challenge's way of working.

The other way is `benchmarks.suite_sides`: the codec alone first, one clip at a time; then a
process for each metric that reads and resamples all audio again. Both score the same clips of the
mini set, with the same functions but for SDR, which is mir_eval's in the other way; their scores
must agree, or the benchmark ends.

Both are timed from the start of their first process to the end of their last one, so that
interpreters, imports, loading the codec and, for the runner, measuring its constant delay are
counted as they are paid. The ratio with all this is the one that counts. Beside it stands that of
the further clips alone, where a run over one clip is taken off each side.

The sides take turns, so that a busy machine slows them alike. A codec's ratio is the median over
the turns; the smallest over the codecs is printed with its codec.

    python -m benchmarks.suite [--codec NAMES] [--clips N] [--workers N] [--turns N]

The table goes to stderr, the same as JSON to stdout.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bench.codec import CodecUnavailableError
from bench.names import UnknownNameError
from bench.registry import load
from bench.suites import SIGNAL
from bench.threads import VARIABLES
from benchmarks.suite_sides import SIDES, scores_of

TARGET = 4.0
SAME_SCORE = 1e-6

PERFECT_SDR_DB = 100.0
"""An SDR above is the rounding of the projection (`bench.metrics.sdr`), not a quantity."""

_WIDTH = 110


class SideFailed(RuntimeError):
    """A side's process failed, or the sides do not agree; the message says how."""


@dataclass(frozen=True)
class Comparison:
    """Seconds of both sides for one codec, turn by turn.

    Attributes:
        codec: its name.
        n_clips: how many went through it.
        serial_s, runner_s: for all clips, a turn each.
        serial_one_s, runner_one_s: for one clip.
    """

    codec: str
    n_clips: int
    serial_s: tuple[float, ...]
    runner_s: tuple[float, ...]
    serial_one_s: float
    runner_one_s: float

    @property
    def ratios(self) -> list[float]:
        """How many times faster the runner was, of each turn."""
        return [a / b for a, b in zip(self.serial_s, self.runner_s, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of `ratios`."""
        return statistics.median(self.ratios)

    @property
    def further_ratio(self) -> float | None:
        """The same for what clips after the first cost; None where that is lost in the noise."""
        serial = statistics.median(self.serial_s) - self.serial_one_s
        runner = statistics.median(self.runner_s) - self.runner_one_s
        return serial / runner if serial > 0 and runner > 0 else None

    def as_json(self) -> dict[str, object]:
        """The row as JSON has it."""
        return {
            "codec": self.codec,
            "n_clips": self.n_clips,
            "serial_s": self.serial_s,
            "runner_s": self.runner_s,
            "serial_one_clip_s": self.serial_one_s,
            "runner_one_clip_s": self.runner_one_s,
            "ratio": self.ratio,
            "smallest_ratio": min(self.ratios),
            "largest_ratio": max(self.ratios),
            "ratio_of_further_clips": self.further_ratio,
        }


def compare(codec: str, n_clips: int, n_workers: int, n_turns: int) -> Comparison:
    """Time both sides in turns on `n_clips` clips, and once on one.

    Raises:
        SideFailed: a process failed, or a score differs.
    """
    serial_one_s, runner_one_s = _turn(codec, 1, n_workers)
    seconds = [_turn(codec, n_clips, n_workers, checked=turn == 0) for turn in range(n_turns)]
    serial_s, runner_s = zip(*seconds, strict=True)
    return Comparison(codec, n_clips, serial_s, runner_s, serial_one_s, runner_one_s)


def _turn(
    codec: str, n_clips: int, n_workers: int, *, checked: bool = False
) -> tuple[float, float]:
    """Seconds of the serial passes and of the runner.

    Where it is to be checked that their scores agree, the passes are made once more, not timed and
    with one thread, as the runner has it: more of them sum in another order.
    """
    with TemporaryDirectory() as folder:
        common = ("--clips", str(n_clips), "--folder", folder)

        def serial(**environment: str) -> None:
            _run("codec", "--codec", codec, *common, **environment)
            for metric in sorted({score.metric for score in SIGNAL.scores}):
                _run("metric", "--metric", metric, *common, **environment)

        serial_s = _timed(serial)
        runner_s = _timed(
            lambda: _run("runner", "--codec", codec, *common, "--workers", str(n_workers))
        )
        if checked:
            serial(**dict.fromkeys(VARIABLES, "1"))
            runner, plain = (scores_of(Path(folder), side) for side in SIDES)
            refuse_differences(plain, runner)
    return serial_s, runner_s


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _run(*arguments: str, **environment: str) -> None:
    """Run one process of a side to its end, with so much more in its environment."""
    command = [sys.executable, "-m", "benchmarks.suite_sides", *arguments]
    environment = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SideFailed(f"{' '.join(arguments[:3])} failed: {last}")


Scores = dict[str, dict[str, float | None]]
"""metric -> clip -> score, None where there is none."""


def refuse_differences(plain: Scores, runner: Scores) -> None:
    """Raise unless both sides have the same clips, and the same scores but for rounding.

    Raises:
        SideFailed: says what differs.
    """
    # A metric without any clip among a few leaves no cell.
    plain = {metric: scores for metric, scores in plain.items() if scores}
    if {name: set(scores) for name, scores in plain.items()} != {
        name: set(scores) for name, scores in runner.items()
    }:
        raise SideFailed("the passes and the runner have not scored the same clips")
    for metric, scores in plain.items():
        for clip, expected in scores.items():
            found = runner[metric][clip]
            if not _same(metric, expected, found):
                raise SideFailed(f"{metric} of {clip}: {expected} in the pass, the runner {found}")


def _same(metric: str, expected: float | None, found: float | None) -> bool:
    if expected is None or found is None:
        return expected is found
    if metric == "sdr" and min(expected, found) > PERFECT_SDR_DB:
        return True
    return math.isclose(expected, found, rel_tol=SAME_SCORE, abs_tol=SAME_SCORE)


def table(comparisons: Sequence[Comparison]) -> Table:
    """A row per codec."""
    shown = Table(title="bench run --suite signal against serial passes: seconds, and ratios")
    columns = ("codec", "clips", "passes", "runner", "passes,\n1 clip", "runner,\n1 clip")
    for column in (*columns, "passes\n/ runner", "further\nclips"):
        shown.add_column(column, justify="left" if column == "codec" else "right", no_wrap=True)
    for row in comparisons:
        further = row.further_ratio
        shown.add_row(
            row.codec,
            str(row.n_clips),
            f"{statistics.median(row.serial_s):.1f}",
            f"{statistics.median(row.runner_s):.1f}",
            f"{row.serial_one_s:.1f}",
            f"{row.runner_one_s:.1f}",
            f"{row.ratio:.2f} ({min(row.ratios):.2f}-{max(row.ratios):.2f})",
            "" if further is None else f"{further:.2f}",
        )
    return shown


def main(
    codec: Annotated[
        str, typer.Option(help="Codecs, separated by commas.")
    ] = "reference,opus-12k,sqcodec-3k",
    clips: Annotated[int, typer.Option(min=1, help="Clips of the mini set.")] = 123,
    workers: Annotated[int, typer.Option(min=1, help="Metric processes of the runner.")] = 2,
    turns: Annotated[int, typer.Option(min=1, help="Times that each is timed.")] = 3,
) -> None:
    """Time the signal suite against serial passes."""
    console = Console(stderr=True, width=_WIDTH)
    comparisons = []
    try:
        for name in codec.split(","):
            load(name)
            with console.status(f"{name}: {turns} turns of {clips} clips"):
                comparisons.append(compare(name, clips, workers, turns))
    except (UnknownNameError, CodecUnavailableError, SideFailed, OSError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None
    console.print(table(comparisons))
    slowest = min(comparisons, key=lambda row: row.ratio)
    console.print(
        f"smallest ratio {slowest.ratio:.2f}, {slowest.codec} (target {TARGET:g})", markup=False
    )
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
                "workers": workers,
                "start_up_is_counted": True,
                "comparisons": [comparison.as_json() for comparison in comparisons],
                "smallest_ratio": slowest.ratio,
                "smallest_of": slowest.codec,
                "target": TARGET,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    typer.run(main)
