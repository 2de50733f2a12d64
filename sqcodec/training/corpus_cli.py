"""`sqcodec corpus`: assemble the free training corpus from Debian's packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sqcodec.training.corpus import build_corpus
from sqcodec.training.debian import DebianError, fetch
from sqcodec.training.sources import KINDS, packages, training_files


def build(
    folder: Annotated[Path, typer.Argument(help="Where the packed corpus goes; must not exist.")],
    sample_rate: Annotated[int, typer.Option(help="Sample rate of the packed audio, Hz.")] = 16_000,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where packages are unpacked and kept [default: the user's cache]."),
    ] = None,
) -> None:
    """Download free audio in Debian packages (no root needed) and pack it for training."""
    console = Console()
    errors = Console(stderr=True)
    try:
        files, versions = [], {}
        for name in packages():
            with console.status(f"fetching {name}"):
                package = fetch(name, cache)
            versions[name] = package.version
            found = list(training_files(name, package.root))
            console.print(f"{name} {package.version}: {len(found)} files")
            files += found
        with Progress(
            TextColumn("packing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        ) as progress:
            task = progress.add_task("packing", total=len(files))
            summary = build_corpus(
                files,
                folder,
                sample_rate=sample_rate,
                versions=versions,
                on_clip=lambda: progress.advance(task),
            )
    except (DebianError, ValueError, OSError, ModuleNotFoundError) as error:
        errors.print(f"sqcodec corpus: {error}", style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    table = Table(title=str(folder))
    for column in ("kind", "clips", "hours", "of these validation", "speakers", "languages"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind in KINDS:
        totals = summary["totals"][kind]
        table.add_row(
            kind,
            str(totals["clips"]),
            f"{totals['hours']:.2f}",
            f"{totals['validation_hours']:.2f}",
            str(totals["speakers"]),
            str(totals["languages"]),
        )
    console.print(table)
    left_out = summary["left_out"]
    console.print(
        f"left out: {left_out['repeated']} repeats, {left_out['silent']} silent, "
        f"{left_out['too_short']} too short, {len(left_out['corrupt'])} corrupt"
    )
    for reason in left_out["corrupt"].values():
        console.print(f"  {reason}")
