"""Inference's speed: our codec against the authors' package, `sq_codec`, on the same weights.

All rows encode and decode the same clip in turns, so that a busy machine slows them alike; a
ratio is the median over the turns. A process per number of threads, since torch cannot raise it
again. The reference is the package as published and, where that is faster, with its weight
normalisation folded. The figure of a precision is the smallest ratio over clips and threads, of
encoding and decoding together.

The package pads each clip to whole attention windows and codes the padding, too; ours does not.
How exact each row is, is measured on a clip of one window, where both see the same.

    python -m benchmarks.inference [--preset NAME] [--turns N] [--compile] [--onnx] [--pesq N]

What is being done and the tables go to stderr, the same as JSON to stdout.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from importlib.util import find_spec
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console

from bench import audio
from bench.datasets.mini import mini
from bench.memory import give_back_free, peak_bytes, reset_peak
from bench.metrics.pesq import pesq
from benchmarks.clips import spread
from benchmarks.inference_figures import (
    TARGETS,
    Case,
    Exactness,
    Quality,
    exactness_table,
    figure,
    speed_table,
)
from benchmarks.inference_rows import (
    BF16,
    BUILDERS,
    FAST,
    ONNX,
    REFERENCES,
    ROWS,
    ROWS_COMPILED,
    exact,
    network_of,
)
from benchmarks.onnx_row import FOLDER_VARIABLE
from sqcodec.compiler import CompilerNotFoundError, require_compiler
from sqcodec.export import TIE
from sqcodec.presets import PRESETS, get_config
from sqcodec.quantizer import FSQ
from sqcodec.weights import is_here

SHORTEST_S, LONGEST_S = 0.1, 60.0

Result = TypeVar("Result")


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
            at = f"turn {turn} of {turns}" if turn else "warming up"
            say(f"{preset}, {threads} threads, {duration_s:g} s: {at}")
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


def peak_memory(preset: str, name: str, duration_s: float) -> int | None:
    """Bytes that a row takes at most, beyond what it is loaded with; in a process of its own.

    None where the system does not tell.
    """
    torch.set_num_threads(1)
    row = BUILDERS[name](preset)
    clip = torch.from_numpy(sound(get_config(preset).sample_rate, duration_s))[None]
    row.decode(row.encode(clip[:, : clip.shape[1] // 10 + 1]))  # what a first call sets up
    give_back_free()
    reset_peak()
    before = peak_bytes()
    row.decode(row.encode(clip))
    after = peak_bytes()
    return None if before is None or after is None else after - before


def exactness(preset: str, rows: Sequence[str]) -> list[Exactness]:
    """Compare each row with float64 on a clip of one window; in a process of its own."""
    torch.set_num_threads(1)
    config = get_config(preset)
    duration_s = config.window_length / config.sample_rate
    clip = torch.from_numpy(sound(config.sample_rate, duration_s))[None]
    bounded, codes, waveform = exact(preset, clip)
    is_tie = (bounded - bounded.floor() - 0.5).abs() < TIE  # [1, F, L]
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


def speech_quality(preset: str, n_clips: int) -> Quality:
    """Score our two precisions by PESQ on the mini set's speech; in a process of its own."""
    torch.set_num_threads(1)
    rate = get_config(preset).sample_rate
    speech = tuple(clip for clip in mini().clips if clip.kind == "speech")
    clips = spread(replace(mini(), clips=speech), n_clips).clips
    rows = {name: BUILDERS[name](preset) for name in (FAST, BF16)}
    scores: dict[str, list[float]] = {name: [] for name in rows}
    n_other = n_codes = 0
    for clip in clips:
        samples = audio.resample(*audio.read(clip.path), rate)
        codes = {name: row.encode(torch.from_numpy(samples)[None]) for name, row in rows.items()}
        n_other += int((codes[FAST] != codes[BF16]).sum())
        n_codes += codes[FAST].numel()
        for name, row in rows.items():
            decoded = row.decode(codes[name])[0, : len(samples)].numpy()
            scores[name].append(pesq(samples, decoded, rate))
    return Quality(
        n_clips=len(clips),
        fast=statistics.mean(scores[FAST]),
        bf16=statistics.mean(scores[BF16]),
        largest_difference=max(abs(a - b) for a, b in zip(*scores.values(), strict=True)),
        other_codes=n_other / n_codes,
    )


def say(what: str) -> None:
    """Tell what is being done."""
    print(what, file=sys.stderr, flush=True)


def refusal(why: str) -> typer.Exit:
    """Say in a line why nothing is timed; return what ends the program."""
    Console(stderr=True).print(why, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(2)


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


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
        raise refusal(f"{preset} is none of {', '.join(PRESETS)}")
    try:
        durations_s = [float(value) for value in durations.split(",")]
        thread_counts = [int(value) for value in threads.split(",")]
        if not all(SHORTEST_S <= value <= LONGEST_S for value in durations_s):
            raise ValueError
        if min(thread_counts) < 1:
            raise ValueError
    except ValueError:
        raise refusal(
            f"--durations takes numbers from {SHORTEST_S:g} to {LONGEST_S:g}, --threads whole "
            f"ones from 1, with commas between; got {durations!r}, {threads!r}"
        ) from None
    if with_compiled:
        try:
            require_compiler()
        except CompilerNotFoundError as error:
            raise refusal(str(error)) from None
    rows = [*ROWS, *(ROWS_COMPILED if with_compiled else ())]
    if find_spec("sq_codec") is None:
        rows = [row for row in rows if row not in REFERENCES]
        console.print("sq_codec is not installed (the extra `test` has it): no ratios")
    if pesq_clips and not is_here(preset):
        raise refusal(f"--pesq needs trained weights, and {preset} has none here")
    if with_onnx:
        if not all(find_spec(package) for package in ("onnx", "onnxruntime", "onnxscript")):
            raise refusal("--onnx needs onnx, onnxruntime and onnxscript (the extra `onnx`)")
        rows.append(ONNX)
    cases: list[Case] = []
    memory: dict[str, int] = {}
    with TemporaryDirectory() as graphs:
        os.environ[FOLDER_VARIABLE] = graphs  # traced by the first process, read by others
        for n_threads in thread_counts:
            cases += apart(measure, preset, rows, durations_s, n_threads, turns)
        for row in rows:
            say(f"memory of {row}")
            peak = apart(peak_memory, preset, row, max(durations_s))
            if peak is not None:
                memory[row] = peak
        say("exactness")
        errors = apart(exactness, preset, rows)
    quality = None
    if pesq_clips:
        say(f"PESQ of {pesq_clips} clips")
        quality = apart(speech_quality, preset, pesq_clips)
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
    if quality is not None:
        console.print(
            f"PESQ on {quality.n_clips} clips of speech: {quality.fast:.3f} in fp32, "
            f"{quality.bf16:.3f} in bf16, which changes {quality.other_codes:.1%} of the codes; "
            f"of a clip by at most {quality.largest_difference:.3f}",
            markup=False,
        )
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
                "speech": None if quality is None else asdict(quality),
                "figures": [asdict(one) for one in figures],
                "targets": TARGETS,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    typer.run(main)
