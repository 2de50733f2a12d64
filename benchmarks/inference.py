"""Inference's speed: our codec against the authors' package, `sq_codec`, on the same weights.

All rows encode and decode the same clip in turns, so that a busy machine slows them alike; a
ratio is the median over the turns. A process per number of threads, since torch cannot raise it
again. The reference is the package as published and, where that is faster, with its weight
normalisation folded. The figure of a precision is the smallest ratio over clips and threads, of
encoding and decoding together.

The package pads each clip to whole attention windows and codes the padding, too; ours does not.
How exact each row is, is measured on a clip of one window, where both see the same.

    python -m benchmarks.inference [--preset NAME] [--turns N] [--compile] [--onnx]
                                    [--pesq N]

The table goes to stderr, the same as JSON to stdout.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench import audio
from bench.datasets.mini import mini
from bench.metrics.pesq import pesq
from benchmarks.clips import spread
from benchmarks.inference_rows import (
    BF16,
    BUILDERS,
    FAST,
    FIGURES,
    ONNX,
    REFERENCES,
    ROWS,
    ROWS_COMPILED,
    exact,
    network_of,
)
from benchmarks.onnx_row import FOLDER_VARIABLE
from sqcodec.presets import PRESETS, get_config
from sqcodec.quantizer import FSQ
from sqcodec.weights import is_here

TARGETS = {"fp32": 3.5, "bf16": 7.0}
# A code may differ from float64's, and be a tie, where the value to be rounded is this near a half.
TIE_DISTANCE = 1e-3

Result = TypeVar("Result")


@dataclass(frozen=True)
class Case:
    """Seconds of one row on one clip with so many threads, turn by turn."""

    row: str
    duration_s: float
    threads: int
    encode_s: tuple[float, ...]
    decode_s: tuple[float, ...]

    @property
    def total_s(self) -> tuple[float, ...]:
        """Encoding and decoding."""
        return tuple(e + d for e, d in zip(self.encode_s, self.decode_s, strict=True))


@dataclass(frozen=True)
class Figure:
    """The smallest ratio of a precision, and the case it is of."""

    precision: str
    ratio: float
    row: str
    reference: str
    duration_s: float
    threads: int


@dataclass(frozen=True)
class Exactness:
    """How far a row is from float64 on a clip of one window.

    Attributes:
        n_codes: in all.
        n_other: codes that differ.
        n_ties: of these, the ones whose value lay within `TIE_DISTANCE` of a half.
        rms, largest: error of the waveform that is decoded from float64's codes.
    """

    row: str
    n_codes: int
    n_other: int
    n_ties: int
    rms: float
    largest: float


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times faster ours is: the median over the turns."""
    return statistics.median(t / o for o, t in zip(ours, theirs, strict=True))


def figure(precision: str, cases: list[Case]) -> Figure | None:
    """The smallest over clips, threads and references, of the precision's fastest row each."""
    found = []
    for clip in sorted({(case.duration_s, case.threads) for case in cases}):
        of_clip = {case.row: case for case in cases if (case.duration_s, case.threads) == clip}
        for reference in REFERENCES:
            ratios = [
                (ratio(of_clip[row].total_s, of_clip[reference].total_s), row)
                for row in FIGURES[precision]
                if row in of_clip and reference in of_clip
            ]
            if ratios:
                fastest, row = max(ratios)
                found.append(Figure(precision, fastest, row, reference, *clip))
    return min(found, key=lambda one: one.ratio, default=None)


def sound(sample_rate: int, duration_s: float) -> NDArray[np.float32]:
    """The mini set's longest speech, repeated to a length: [T]."""
    speech = [clip for clip in mini().clips if clip.kind == "speech"]
    samples, rate = audio.read(max(speech, key=lambda clip: clip.path.stat().st_size).path)
    return np.resize(audio.resample(samples, rate, sample_rate), round(duration_s * sample_rate))


def measure(
    preset: str, rows: Sequence[str], durations_s: Sequence[float], threads: int, turns: int
) -> list[Case]:
    """Time rows in turns, after one turn that is not counted; in a process of its own."""
    torch.set_num_threads(threads)
    built = {row: BUILDERS[row](preset) for row in rows}
    cases = []
    for duration_s in durations_s:
        clip = torch.from_numpy(sound(get_config(preset).sample_rate, duration_s))[None]
        encode_s: dict[str, list[float]] = {row: [] for row in rows}
        decode_s: dict[str, list[float]] = {row: [] for row in rows}
        for turn in range(turns + 1):
            for name, row in built.items():
                started = time.perf_counter()
                codes = row.encode(clip)
                between = time.perf_counter()
                row.decode(codes)
                ended = time.perf_counter()
                if turn:
                    encode_s[name].append(between - started)
                    decode_s[name].append(ended - between)
        cases += [
            Case(row, duration_s, threads, tuple(encode_s[row]), tuple(decode_s[row]))
            for row in rows
        ]
    return cases


def peak_memory(preset: str, name: str, duration_s: float) -> float:
    """Bytes that a row takes at most, beyond what it is loaded with; in a process of its own."""
    torch.set_num_threads(1)
    row = BUILDERS[name](preset)
    clip = torch.from_numpy(sound(get_config(preset).sample_rate, duration_s))[None]
    row.decode(row.encode(clip[:, :1600]))  # what a first call sets up
    before = _peak_rss()
    row.decode(row.encode(clip))
    return _peak_rss() - before


def _peak_rss() -> float:
    unit = 1 if platform.system() == "Darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def exactness(preset: str, rows: Sequence[str]) -> list[Exactness]:
    """Compare each row with float64 on a clip of one window."""
    config = get_config(preset)
    duration_s = config.window_length / config.sample_rate
    clip = torch.from_numpy(sound(config.sample_rate, duration_s))[None]
    bounded, codes, waveform = exact(preset, clip)
    is_tie = (bounded - bounded.floor() - 0.5).abs() < TIE_DISTANCE  # [1, F, L]
    digits = FSQ(1, config.fsq_levels).codes_to_digits
    found = []
    for name in rows:
        row = BUILDERS[name](preset)
        differs = digits(row.encode(clip)) != digits(codes)  # [1, F, L]
        is_other = differs.any(-1)
        error = row.decode(codes) - waveform
        found.append(
            Exactness(
                row=name,
                n_codes=codes.numel(),
                n_other=int(is_other.sum()),
                n_ties=int((is_other & ~(differs & ~is_tie).any(-1)).sum()),
                rms=float(error.square().mean().sqrt()),
                largest=float(error.abs().max()),
            )
        )
    return found


def speech_quality(preset: str, n_clips: int) -> dict[str, dict[str, float]]:
    """Mean PESQ of our two precisions on the mini set's speech, and the share of equal codes."""
    rate = get_config(preset).sample_rate
    manifest = mini()
    speech = tuple(clip for clip in manifest.clips if clip.kind == "speech")
    clips = spread(type(manifest)(manifest.name, manifest.revision, speech), n_clips).clips
    rows = {name: BUILDERS[name](preset) for name in (FAST, BF16)}
    scores: dict[str, list[float]] = {name: [] for name in rows}
    n_equal = n_codes = 0
    for clip in clips:
        samples = audio.resample(*audio.read(clip.path), rate)
        codes = {name: row.encode(torch.from_numpy(samples)[None]) for name, row in rows.items()}
        n_equal += int((codes[FAST] == codes[BF16]).sum())
        n_codes += codes[FAST].numel()
        for name, row in rows.items():
            decoded = row.decode(codes[name])[0, : len(samples)].numpy()
            scores[name].append(pesq(samples, decoded, rate))
    means = {name: statistics.mean(values) for name, values in scores.items()}
    return {"pesq": means, "equal_codes": {BF16: n_equal / n_codes}}


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def speed_table(cases: list[Case], memory: dict[str, float], title: str) -> Table:
    """A row per case: seconds, ratios to the package as published, memory."""
    shown = Table(title=title)
    for column in ("clip, s", "threads", "", "encode, s", "decode, s", "encode", "decode", "both"):
        shown.add_column(column, justify="left" if not column else "right")
    shown.add_column("peak, MB", justify="right")
    for case in cases:
        same = (case.duration_s, case.threads)
        against = next(
            (
                one
                for one in cases
                if one.row == REFERENCES[0] and (one.duration_s, one.threads) == same
            ),
            None,
        )
        ratios = ["", "", ""]
        if against is not None:
            pairs = (
                (case.encode_s, against.encode_s),
                (case.decode_s, against.decode_s),
                (case.total_s, against.total_s),
            )
            ratios = [f"{ratio(ours, theirs):.2f}" for ours, theirs in pairs]
        shown.add_row(
            f"{case.duration_s:g}",
            str(case.threads),
            case.row,
            f"{statistics.median(case.encode_s):.3f}",
            f"{statistics.median(case.decode_s):.3f}",
            *ratios,
            f"{memory[case.row] / 1e6:.0f}" if case.row in memory else "",
        )
    return shown


def exactness_table(found: list[Exactness], title: str) -> Table:
    """A row per way to compute."""
    shown = Table(title=title)
    for column in ("", "other codes", "of them ties", "error, rms", "largest"):
        shown.add_column(column, justify="right" if column else "left")
    for one in found:
        other = f"{one.n_other} of {one.n_codes}"
        shown.add_row(one.row, other, str(one.n_ties), f"{one.rms:.1e}", f"{one.largest:.1e}")
    return shown


def main(
    preset: Annotated[str, typer.Option(help="One of the seven presets.")] = "sqcodec-3k",
    turns: Annotated[int, typer.Option(min=1, help="Turns over all rows.")] = 5,
    durations: Annotated[str, typer.Option(help="Of clips, s, with commas.")] = "10,2",
    threads: Annotated[str, typer.Option(help="Numbers of threads, with commas.")] = "1,2",
    with_compiled: Annotated[
        bool, typer.Option("--compile", help="Time compiled rows, too; compiling takes minutes.")
    ] = False,
    with_onnx: Annotated[
        bool, typer.Option("--onnx", help="Time ONNX Runtime, too; tracing takes a minute.")
    ] = False,
    pesq_clips: Annotated[
        int, typer.Option("--pesq", min=0, help="Clips of speech for bf16's PESQ.")
    ] = 0,
) -> None:
    """Time encoding and decoding against the authors' network."""
    console = Console(stderr=True, width=120)
    if preset not in PRESETS:
        console.print(f"{preset} is none of {', '.join(PRESETS)}", style="red", markup=False)
        raise typer.Exit(2)
    try:
        durations_s = [float(value) for value in durations.split(",")]
        thread_counts = [int(value) for value in threads.split(",")]
        if min(*durations_s, *thread_counts) <= 0:
            raise ValueError
    except ValueError:
        console.print(
            f"--durations and --threads take positive numbers, got {durations!r}, {threads!r}",
            style="red",
            markup=False,
        )
        raise typer.Exit(2) from None
    rows = [*ROWS, *(ROWS_COMPILED if with_compiled else ())]
    if find_spec("sq_codec") is None:
        rows = [row for row in rows if row not in REFERENCES]
        console.print("sq_codec is not installed (the extra `test` has it): no ratios")
    graphs = TemporaryDirectory()
    if with_onnx:
        if not all(find_spec(package) for package in ("onnx", "onnxruntime", "onnxscript")):
            console.print("--onnx needs onnx, onnxruntime and onnxscript (the extra `onnx`)")
            raise typer.Exit(2)
        rows.append(ONNX)
        os.environ[FOLDER_VARIABLE] = graphs.name  # traced by the first process, read by others
    cases: list[Case] = []
    for n_threads in thread_counts:
        with console.status(f"{preset}, {n_threads} threads"):
            cases += apart(measure, preset, rows, durations_s, n_threads, turns)
    with console.status("memory"):
        longest = max(durations_s)
        memory = {row: apart(peak_memory, preset, row, longest) for row in rows}
    with console.status("exactness"):
        errors = apart(exactness, preset, rows)
    graphs.cleanup()
    weights = "trained" if is_here(preset) else "random"
    n_parameters = network_of(preset).n_parameters()
    console.print(speed_table(cases, memory, f"{preset}, {weights} weights, ratios to sq_codec"))
    console.print(exactness_table(errors, "against float64, a clip of one window"))
    figures = [f for f in (figure(precision, cases) for precision in TARGETS) if f is not None]
    for one in figures:
        console.print(
            f"{one.precision}: smallest ratio {one.ratio:.2f} (target {TARGETS[one.precision]:g}), "
            f"{one.row} against {one.reference}, {one.duration_s:g} s, {one.threads} threads",
            markup=False,
        )
    quality = apart(speech_quality, preset, pesq_clips) if pesq_clips else None
    if quality is not None:
        console.print(f"on {pesq_clips} clips of speech at most: {quality}", markup=False)
    print(
        json.dumps(
            {
                "preset": preset,
                "weights": weights,
                "n_parameters": n_parameters,
                "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
                "torch": torch.__version__,
                "cases": [asdict(case) for case in cases],
                "peak_memory_bytes": memory,
                "exactness": [asdict(one) for one in errors],
                "speech": quality,
                "figures": [asdict(one) for one in figures],
                "targets": TARGETS,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    typer.run(main)
