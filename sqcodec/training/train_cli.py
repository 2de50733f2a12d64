"""`sqcodec train`: parse, open the corpus, hand over to the trainer, show what it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sqcodec.import_authors import CheckpointError
from sqcodec.presets import get_config
from sqcodec.training.checkpoints import TrainingError, load_settings, state_paths
from sqcodec.training.config import TrainConfig, read_settings
from sqcodec.training.corpora import DEMO, open_corpus
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.processes import joined
from sqcodec.training.trainer import Trainer

_SHOWN = ("waveform", "stft", "perceptual", "adversarial", "feature", "discriminator")
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(bar_width=20),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
)


def train(
    preset: Annotated[str, typer.Option(help="The preset to train.")],
    corpus: Annotated[
        str,
        typer.Option(
            help="A packed corpus (see `sqcodec corpus`), a folder of audio, a CSV file with the "
            "columns path and kind, READER=PATH as for `sqcodec corpus --from`, or mini-demo: "
            "synthetic sounds, all losses."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run [default: runs/PRESET].")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with settings (docs/train.md lists them).")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps of the whole run.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Crops per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the one-cycle rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, crops and noise.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32, or bf16 for mixed.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the run, with its settings where none are given here."
        ),
    ] = False,
    init: Annotated[
        Path | None, typer.Option(help="Weights file of the preset to begin with.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="speech, music or effects: of a folder that does not say.")
    ] = "speech",
    cache: Annotated[
        Path | None, typer.Option(help="Where corpora are packed to [default: the user's cache].")
    ] = None,
) -> None:
    """Train an SQCodec. With torchrun, on several GPUs or machines."""
    given = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "precision": precision,
    }
    folder = out or Path("runs") / preset
    with _told(folder):
        settings: dict[str, Any] = {}
        if corpus == DEMO:
            from sqcodec.training.demo import SETTINGS

            settings = SETTINGS
        if resume:
            settings = settings | load_settings(folder)
        if config is not None:
            settings = settings | read_settings(config)
        settings = settings | {name: value for name, value in given.items() if value is not None}
        train_config = TrainConfig(**settings | {"preset": preset})
        if init is not None and resume:
            raise TrainingError("a resumed run has its weights: --init is for a new one")
        # What ends one process is told before it leaves the others, which ends them.
        with joined(device) as (processes, own_device), _told(folder):
            if processes.local_rank:  # the first process of a machine packs
                processes.wait()
            opened = _open(corpus, get_config(preset).sample_rate, kind, cache)
            if processes.is_first:
                _name_corrupt(opened)
            if not processes.local_rank:
                processes.wait()
            trainer = Trainer(
                train_config,
                opened,
                folder,
                device=own_device,
                resume=resume,
                initial_weights=init,
                processes=processes,
            )
            _run(trainer)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Within it, what ends the run is told in a line, and the exit status says so."""
    try:
        yield
    except KeyboardInterrupt:
        if state_paths(folder):
            _say(f"stopped; go on with --resume, which begins at the last checkpoint in {folder}")
        else:
            _say("stopped before the first checkpoint: there is nothing to resume")
        raise typer.Exit(130) from None
    except torch.OutOfMemoryError as error:
        first = str(error).partition(". ")[0]
        _say(f"{first}: make batch_size or crop_windows (crop_s) smaller", style="red")
        raise typer.Exit(2) from None
    except (TrainingError, CheckpointError, ModuleNotFoundError, ValueError, OSError) as error:
        _say(str(error), style="red")
        raise typer.Exit(2) from None


def _open(source: str, sample_rate: int, kind: str, cache: Path | None) -> PackedCorpus:
    """Open a corpus, showing the packing."""
    with Progress(*_COLUMNS, console=Console(stderr=True)) as progress:
        task = progress.add_task("packing", total=None, visible=False)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        return open_corpus(source, sample_rate, kind=kind, cache=cache, on_clip=show)


def _name_corrupt(opened: PackedCorpus) -> None:
    """Name the files that were left out as corrupt."""
    corrupt = opened.summary.get("left_out", {}).get("corrupt", {})
    if corrupt:
        _say(f"{len(corrupt)} corrupt files were skipped when the corpus was packed:")
        for reason in corrupt.values():
            _say(f"  {reason}")


def _run(trainer: Trainer) -> None:
    """Train with a bar; the first process draws the plot and prints what was written."""
    if not trainer.processes.is_first:
        trainer.run()
        return
    preset = trainer.config.preset
    _say(f"losses: {_in_use(trainer.config)}")
    if trainer.validation is None:
        _say("the corpus holds nothing out (too few speakers or tracks): no validation")
    with Progress(*_COLUMNS, console=Console(stderr=True)) as progress:
        task = progress.add_task(preset, total=trainer.config.steps, completed=trainer.step)

        def show(row: dict[str, float]) -> None:
            losses = "  ".join(f"{name} {row[name]:.3g}" for name in _SHOWN if name in row)
            skipped = f"  {row['skipped']:.0f} skipped" if row["skipped"] else ""
            # What does not fit is cut off at the end.
            text = f"{row['audio_s_per_s']:.3g} audio-s/s{skipped}  {losses}"
            progress.update(task, completed=row["step"], description=text)

        def show_growth(level: int, step: int, waveform: float, stft: float) -> None:
            text = f"{preset}  growth, level {level + 1}, step {step + 1}"
            progress.update(task, description=f"{text}  waveform {waveform:.3g}  stft {stft:.3g}")

        trainer.run(show, show_growth)
    typer.echo(trainer.weights_path)
    try:
        typer.echo(trainer.log.plot())
    except ModuleNotFoundError as error:
        _say(str(error))


def _in_use(config: TrainConfig) -> str:
    """Name the losses that have a weight."""
    weights = {
        "waveform": config.waveform_weight,
        "stft": config.stft_weight,
        "spread": config.spread_weight,
        "perceptual": config.perceptual_weight,
        "adversarial": config.adversarial_weight,
    }
    said = ", ".join(f"{name} x {weight:g}" for name, weight in weights.items() if weight)
    without = " and ".join(name for name, weight in weights.items() if not weight)
    return f"{said}; without {without}" if without else said


def _say(text: str, style: str | None = None) -> None:
    rank = int(os.environ.get("RANK", "0"))
    who = f"sqcodec train, process {rank}" if rank else "sqcodec train"
    Console(stderr=True).print(
        f"{who}: {text}", style=style, highlight=False, markup=False, soft_wrap=True
    )
