"""`bench ablate`: Table 3 by one command; it parses, `bench.ablation` works."""

from __future__ import annotations

import json
import math
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.console import INTERRUPTED, MISSING, error_console, named, tell
from bench.datasets.manifest import ManifestError
from bench.names import UnknownNameError
from bench.store import StoreError
from bench.team import RunError

_DEVICES = ("cpu", "cuda")


def ablate_(
    preset: Annotated[str, typer.Option(help="The baseline.")] = "sqcodec-6k",
    budget_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of every training.")
    ] = None,
    budget_hours: Annotated[
        float | None,
        typer.Option(min=0.0, help="Instead: hours of compute, in equal parts to all trainings."),
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(
            help="Separated by commas: window-150, window-75, window-40, no-tconv, no-teconv, "
            "no-perceptual-loss; the baseline is always trained.",
            show_default="all",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each, with seeds 0, 1 ...")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Crops a step.")] = 4,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file of the trainer's settings (docs/train.md), for all alike."),
    ] = None,
    corpus: Annotated[
        str, typer.Option(help="To train on, as `sqcodec train --corpus` takes it.")
    ] = "mini-demo",
    data: Annotated[str, typer.Option(help="To evaluate on, as `bench run --data`.")] = "mini",
    eval_clips: Annotated[
        int | None, typer.Option(min=1, help="At most so many of its clips.", show_default="all")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder.", show_default="runs/ablation-PRESET")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Trainings side by side.", show_default="one, or one a GPU"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads of each.", show_default="the cores, shared out"),
    ] = None,
) -> None:
    """Train a codec and its variants alike, score each, and make Table 3.

    Stopped in whatever way, the same command does the rest only.

    Exit status: 0 all trained and scored; 1 a training failed, or clips lack a score; 2 something
    asked for is missing or cannot be used; 130 stopped by Ctrl-C (what was finished is kept).
    """
    from bench.ablation.plan import AblationError
    from bench.ablation.run import AblateOptions, ablate
    from bench.report.paired import NotComparableError
    from bench.report.stored import StoredResultError

    errors = error_console()
    try:
        named("device", device, dict.fromkeys(_DEVICES))
        if (budget_steps is None) == (budget_hours is None):
            raise AblationError("give --budget-steps or --budget-hours, one of the two")
        if budget_hours is not None and not math.isfinite(budget_hours):
            raise AblationError(f"--budget-hours must be a number of hours, got {budget_hours}")
        devices = _devices(device, jobs)
        options = AblateOptions(
            preset=preset,
            variants=None if variants is None else _names(variants),
            seeds=seeds,
            budget_steps=budget_steps,
            budget_hours=budget_hours,
            batch=batch,
            settings={} if config is None else _settings(config),
            corpus=corpus,
            data=data,
            eval_clips=eval_clips,
            out=out or Path("runs") / f"ablation-{preset}",
            devices=devices,
            threads=threads or max(1, (os.cpu_count() or 1) // len(devices)),
            device=device,
        )
        status = ablate(options, errors)
    except KeyboardInterrupt:
        errors.print("bench: stopped; what was finished is kept, the same command goes on from it")
        raise typer.Exit(INTERRUPTED) from None
    except (
        AblationError,
        ManifestError,
        NotComparableError,
        OSError,
        RunError,
        StoreError,
        StoredResultError,
        UnknownNameError,
    ) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    raise typer.Exit(status)


def _names(text: str) -> tuple[str, ...]:
    from bench.ablation.plan import AblationError

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise AblationError(
            f"--variants names none, got {text!r}: leave it out to train all, or name baseline to "
            "train that alone"
        )
    return names


def _settings(path: Path) -> dict[str, Any]:
    from bench.ablation.plan import AblationError

    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AblationError(f"{path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AblationError(f"{path} is no TOML file: {error}") from error
    try:
        json.dumps(settings, allow_nan=False)  # as they are kept
    except (TypeError, ValueError) as error:
        raise AblationError(f"{path} has what is no setting: {error}") from error
    return settings


def _devices(device: str, jobs: int | None) -> tuple[str, ...]:
    """A device for each training that runs at a time."""
    if device == "cpu":
        return ("cpu",) * (jobs or 1)
    import torch

    from bench.ablation.plan import AblationError

    n_gpus = torch.cuda.device_count()
    if not n_gpus:
        raise AblationError("no CUDA device is usable here (torch finds none): --device cpu")
    return tuple(f"cuda:{number % n_gpus}" for number in range(jobs or n_gpus))
