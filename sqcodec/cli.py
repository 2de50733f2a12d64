"""Command line of the codec: `sqcodec encode | decode | info | train | import` and others."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

import sqcodec
from sqcodec import weights
from sqcodec.configurations_cli import configurations as configurations_command
from sqcodec.export_cli import export as export_command
from sqcodec.figures_cli import figures as figures_command
from sqcodec.stream_cli import decode as decode_command
from sqcodec.stream_cli import encode as encode_command
from sqcodec.stream_info import StreamInfo, describe_stream, lines
from sqcodec.training.corpus_cli import build as build_corpus_command
from sqcodec.training.train_cli import train as train_command

app = typer.Typer(
    help="SQCodec, a lightweight neural audio codec with one quantizer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("configurations")(configurations_command)
app.command("encode")(encode_command)
app.command("decode")(decode_command)
app.command("corpus")(build_corpus_command)
app.command("train")(train_command)
app.command("figures")(figures_command)
app.command("export")(export_command)


def _fail(error: Exception | str) -> NoReturn:
    """Print one line and end with status 2."""
    Console(stderr=True).print(
        f"sqcodec: {error}", style="red", markup=False, highlight=False, soft_wrap=True
    )
    raise typer.Exit(2)


@app.command()
def info(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Presets, weights files or .sqc files [default: all presets]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what presets and .sqc files are; presets from their instantiated networks."""
    names = list(names or sqcodec.known_names())
    files = [Path(name) for name in names if _is_stream(name)]
    try:
        described = [_describe(name) for name in names if not _is_stream(name)]
        streams = [_describe_file(path) for path in files]
    except (ValueError, OSError) as error:
        _fail(error)
    if as_json:
        content = [asdict(item) for item in described] + [asdict(item) for item in streams]
        typer.echo(json.dumps(content, indent=2))
    else:
        _print_presets(described)
        for stream in streams:
            typer.echo("\n".join(lines(stream)))
    if any(stream.damage for stream in streams):
        raise typer.Exit(1)


def _is_stream(name: str) -> bool:
    """Whether a name is that of a .sqc file, whatever it ends in."""
    if name.lower().endswith(".sqc"):
        return True
    other = name.endswith(".safetensors") or name in sqcodec.known_names()
    return not other and Path(name).exists()


def _print_presets(described: list[sqcodec.SQCodecInfo]) -> None:
    if not described:
        return
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    table.add_column("SQCodec", no_wrap=True)
    for column in ("Hz", "hop", "frames/s", "codebook", "bits/s", "parameters"):
        table.add_column(column, justify="right", no_wrap=True)
    for item in described:
        table.add_row(
            item.name,
            f"{item.sample_rate}",
            f"{item.hop_length}",
            f"{item.frame_rate_hz:.2f}",
            f"{item.codebook_size:,}",
            f"{item.bitrate_bps:.1f}",
            f"{item.n_parameters:,}",
        )
    console = Console()
    console.print(table)
    for item in described:
        if item.weights:
            console.print(f"{item.name}: {item.weights}; {item.licence}", highlight=False)
    without = [item.name for item in described if not item.weights]
    if without:
        console.print(f"without weights here: {', '.join(without)}", highlight=False)


def _describe_file(path: Path) -> StreamInfo:
    try:
        return describe_stream(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _describe(name: str) -> sqcodec.SQCodecInfo:
    """Describe with the weights where they are here, and without them otherwise."""
    if name in sqcodec.known_names() and not weights.is_here(name):
        return sqcodec.preset_info(name)
    return sqcodec.load(name).info


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder with the authors' five .pt files.")],
    preset: Annotated[str, typer.Option(help="The preset they belong to.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write [default: where the preset is looked for]."),
    ] = None,
) -> None:
    """Turn the authors' published checkpoint into one weights file."""
    out = out or weights.weights_folder() / f"{preset}.safetensors"
    try:
        weights.import_authors(folder, preset, out)
    except (ValueError, OSError) as error:
        _fail(error)
    typer.echo(out)
