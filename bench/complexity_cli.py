"""`bench complexity`: parses and prints; `bench.complexity` counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.codec import CodecUnavailableError
from bench.names import UnknownNameError
from bench.report.complexity import complexity_table, layers_table, write

MISSING = 2
_FILE_WIDTH = 120


def complexity_(
    codec: Annotated[str, typer.Option(help="Codecs, separated by commas.")],
    speed: Annotated[
        bool, typer.Option(help="Also time the networks, and measure their memory.")
    ] = True,
    threads: Annotated[
        int, typer.Option(min=1, help="Of torch while it is timed.", show_default="one a core")
    ] = os.cpu_count() or 1,
    layers: Annotated[bool, typer.Option("--layers", help="List every layer.")] = False,
    results: Annotated[
        Path | None, typer.Option(help="Write complexity/CODEC.json into this folder.")
    ] = None,
) -> None:
    """Count what codecs cost on 10 s of audio: parameters, multiplications, time, memory.

    Needs no weights: the networks are counted and timed with random ones.

    Exit status: 0 all counted; 2 something asked for is missing or has no networks.
    """
    from bench.complexity import complexity  # torch takes seconds

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    found, missing = [], False
    for name in dict.fromkeys(name.strip() for name in codec.split(",")):
        try:
            with errors.status(f"{name}: counting{' and timing' if speed else ''}"):
                one = complexity(name, threads if speed else None, look_ahead=True)
            found.append(one)
            if results is not None:
                errors.print(f"wrote {write(one, results)}", markup=False)
        except (CodecUnavailableError, UnknownNameError, RuntimeError, OSError) as error:
            errors.print(f"bench: {error}", style="red", markup=False)
            missing = True
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_FILE_WIDTH)
    if found:
        console.print(complexity_table(found))
    for one in found if layers else []:
        console.print(layers_table(one))
    if missing:
        raise typer.Exit(MISSING)
