"""`sqcodec corpus`: pack training audio, from Debian's packages or from what is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sqcodec.training.corpus import build_corpus
from sqcodec.training.debian import DebianError, fetch
from sqcodec.training.readers import READERS, read_source
from sqcodec.training.sources import KINDS, TrainingFile, packages, training_files


def build(
    folder: Annotated[Path, typer.Argument(help="Where the packed corpus goes; must not exist.")],
    sample_rate: Annotated[int, typer.Option(help="Sample rate of the packed audio, Hz.")] = 16_000,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where packages are unpacked and kept [default: the user's cache]."),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help=f"READER=PATH, instead of the packages; may be repeated. "
            f"Readers: {', '.join(READERS)}.",
        ),
    ] = None,
) -> None:
    """Pack audio for training: free audio in Debian packages (no root needed), or your own."""
    console = Console()
    errors = Console(stderr=True)
    try:
        files: list[TrainingFile] = []
        versions: dict[str, str] = {}
        origin = ", ".join(source.partition("=")[0] for source in sources or ())
        for source in sources or ():
            with console.status(f"looking through {source}"):
                found = read_source(source)
            console.print(f"{source}: {len(found)} files", highlight=False, soft_wrap=True)
            files += found
        if not sources:
            origin = "free audio in Debian packages"
            files, versions = _debian(cache, console)
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
                origin=origin,
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
        console.print(f"  {reason}", highlight=False, soft_wrap=True)


def _debian(cache: Path | None, console: Console) -> tuple[list[TrainingFile], dict[str, str]]:
    """Fetch the packages; return their training files and their versions."""
    files: list[TrainingFile] = []
    versions: dict[str, str] = {}
    for name in packages():
        with console.status(f"fetching {name}"):
            package = fetch(name, cache)
        versions[name] = package.version
        found = list(training_files(name, package.root))
        console.print(f"{name} {package.version}: {len(found)} files")
        files += found
    return files, versions
