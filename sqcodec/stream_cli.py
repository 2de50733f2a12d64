"""`sqcodec encode` and `sqcodec decode`: files, folders and pipes.

Exit status: 0 all is written; 1 a folder's other files are, or a damaged stream's intact parts;
2 nothing is.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sqcodec import recording
from sqcodec.audio_files import (
    SUBTYPES,
    SUFFIXES,
    audio_format,
    check_target,
    read_audio,
    read_bytes,
    write_audio,
    write_bytes,
)
from sqcodec.bitstream_reader import Stream, read
from sqcodec.inference import SQCodec, load
from sqcodec.jobs import Job, find_jobs, reason

_Report = Callable[[str], None]
Source = Annotated[str, typer.Argument(metavar="IN", help="A file, a folder, or - for a pipe.")]
Target = Annotated[str, typer.Argument(metavar="OUT", help="A file, a folder, or - for a pipe.")]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, ...")]


def encode(
    source: Source,
    target: Target,
    codec: Annotated[
        str, typer.Option(help="A preset, or a weights file (.safetensors).")
    ] = "sqcodec-3k",
    entropy: Annotated[
        bool, typer.Option("--entropy", help="Range code: smaller, and slower to read.")
    ] = False,
    device: Device = "cpu",
) -> None:
    """Encode audio into .sqc files; a folder is mirrored."""

    def one(job: Job, progress: recording.Progress, report: _Report) -> None:
        audio, sample_rate = read_audio(job.source)
        buffer = io.BytesIO()
        recording.encode(
            loaded, audio, sample_rate, buffer, range_coded=entropy, on_progress=progress
        )
        write_bytes(job.target, buffer.getvalue())

    errors = Console(stderr=True)
    try:
        jobs = find_jobs(source, target, SUFFIXES, ".sqc")
        _check_device(device)
        loaded = load(codec, device=device, padding="hop")
    except (ValueError, OSError) as error:
        raise _failed(errors, error) from None
    _run(jobs, one, errors)


def decode(
    source: Source,
    target: Target,
    weights: Annotated[
        str | None,
        typer.Option(help="A preset, or a weights file [default: the preset that a file names]."),
    ] = None,
    any_weights: Annotated[
        bool, typer.Option("--any-weights", help="Decode with other weights than a file names.")
    ] = False,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Decode what is intact of a damaged file.")
    ] = False,
    bits: Annotated[
        int | None,
        typer.Option(help="Bits of a sample: 16, 24, or 32 for floats [default: 32 in WAV]."),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Decode .sqc files into audio, WAV if it goes to a folder or a pipe."""
    codecs: dict[str, SQCodec] = {}

    def one(job: Job, progress: recording.Progress, report: _Report) -> None:
        audio_format(job.target, bits)  # known before anything is decoded for nothing
        stream = read(read_bytes(job.source), lenient=lenient)
        name = weights or stream.header.preset
        if name not in codecs:
            codecs[name] = load(name, device=device, padding="hop")
        try:
            audio = recording.decode(
                codecs[name], stream, any_weights=any_weights, on_progress=progress
            )
        except recording.OtherWeightsError as error:
            raise ValueError(
                f"{error}; name the right ones with --weights FILE, or decode with these, "
                "which may sound like anything, with --any-weights"
            ) from None
        write_audio(job.target, audio, stream.header.sample_rate, bits)
        for line in _damage(stream):
            report(line)

    errors = Console(stderr=True)
    try:
        if bits is not None and bits not in SUBTYPES:
            raise ValueError(f"--bits must be one of {', '.join(map(str, SUBTYPES))}, got {bits}")
        _check_device(device)
        jobs = find_jobs(source, target, frozenset([".sqc"]), ".wav")
    except (ValueError, OSError) as error:
        raise _failed(errors, error) from None
    _run(jobs, one, errors)


def _run(
    jobs: list[Job], one: Callable[[Job, recording.Progress, _Report], None], errors: Console
) -> None:
    """Do every job; name those that fail."""
    written = reports = 0
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
    with bar:
        files = bar.add_task("files", total=len(jobs), visible=len(jobs) > 1)
        channels = bar.add_task("channels", total=None)

        def progress(done: float, total: int) -> None:
            # One short channel has no steps: the bar pulses, and the time runs.
            bar.update(channels, completed=done, total=total if total > 1 or done else None)

        def report(line: str) -> None:
            nonlocal reports
            reports += 1
            _say(errors, f"{job.source}: {line}")

        for job in jobs:
            bar.update(channels, description=job.source.name)
            try:
                if job.problem:
                    raise ValueError(job.problem)
                check_target(job.target)  # before anything is computed for nothing
                one(job, progress, report)
                written += 1
            except (ValueError, OSError, MemoryError, RuntimeError) as error:  # the last: of torch
                _say(errors, f"{job.source}: {reason(error, job.source)}")
            bar.advance(files)
    if not jobs[0].in_folder and not written:
        raise typer.Exit(2)
    if jobs[0].in_folder:
        _say(errors, f"{written} of {len(jobs)} files written", style=None)
    if written < len(jobs) or reports:
        raise typer.Exit(1)


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch lacks CUDA
        why = str(error).splitlines()[0]
        raise ValueError(f"--device {device} cannot be used here: {why}") from None


def _damage(stream: Stream) -> list[str]:
    """Say what is wrong with a stream, and where it is silent."""
    config = stream.header.config
    lines = list(stream.damage)
    lines += [
        f"silent from {first / config.frame_rate_hz:.2f} to {end / config.frame_rate_hz:.2f} s"
        for first, end in stream.lost
    ]
    return lines


def _say(errors: Console, line: str, **options: Any) -> None:
    style = options.get("style", "red")
    errors.print(f"sqcodec: {line}", style=style, highlight=False, markup=False, soft_wrap=True)


def _failed(errors: Console, error: Exception) -> typer.Exit:
    _say(errors, reason(error))
    return typer.Exit(2)
