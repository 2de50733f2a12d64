"""Command line of the codec: `sqcodec info | train | corpus | import`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import sqcodec
from sqcodec import weights
from sqcodec.training.corpus_cli import build as build_corpus_command

app = typer.Typer(
    help="SQCodec, a lightweight neural audio codec with one quantizer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("corpus")(build_corpus_command)


def _fail(error: Exception | str) -> NoReturn:
    """Print one line and end with status 2."""
    Console(stderr=True).print(f"sqcodec: {error}", style="red", highlight=False, soft_wrap=True)
    raise typer.Exit(2)


@app.command()
def info(
    names: Annotated[
        list[str] | None, typer.Argument(help="Presets or weights files [default: all presets].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what the presets are, computed from the instantiated networks."""
    try:
        described = [_describe(name) for name in names or sqcodec.known_names()]
    except (ValueError, OSError) as error:
        _fail(error)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in described], indent=2))
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


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="The preset to train.")],
    corpus: Annotated[Path, typer.Option(help="A packed corpus (see `sqcodec corpus`).")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    steps: Annotated[int, typer.Option(help="Optimizer steps of the whole run.")] = 100_000,
    batch_size: Annotated[int, typer.Option(help="Crops per step.")] = 4,
    learning_rate: Annotated[float, typer.Option(help="Peak of the one-cycle rate.")] = 5e-4,
    seed: Annotated[int, typer.Option(help="Of weights, crops and noise.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
    config: Annotated[
        Path | None, typer.Option(help="JSON file with further settings of TrainConfig.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run.")] = False,
) -> None:
    """Train an SQCodec with the waveform and spectrogram losses."""
    from sqcodec.training.corpus import PackedCorpus
    from sqcodec.training.trainer import TrainConfig, Trainer, TrainingError

    try:
        settings = json.loads(config.read_text()) if config else {}
        chosen = {
            "preset": preset,
            "steps": steps,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "seed": seed,
        }
        trainer = Trainer(
            TrainConfig(**chosen | settings),
            PackedCorpus.open(corpus),
            out,
            device=device,
            resume=resume,
        )
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        ) as progress:
            task = progress.add_task(preset, total=trainer.config.steps, completed=trainer.step)

            def show(row: dict[str, float]) -> None:
                text = f"{preset}  loss {row['loss']:.3f}  {row['audio_s_per_s']:.2f} audio-s/s"
                progress.update(task, completed=row["step"], description=text)

            trainer.run(show)
    except (TrainingError, ValueError, TypeError, OSError) as error:
        _fail(error)
    typer.echo(trainer.weights_path)
