"""The files of a run: checkpoints to go on from, the settings, the weights for use.

    settings.json              the settings (`TrainConfig`)
    state-00001000.pt          everything to go on from; the last few are kept
    weights.safetensors        the averaged weights of the newest, for `sqcodec.load`
    log.csv, losses.png        losses by step (see `log`)

Each file is written whole or not at all: a full disk leaves the older ones as they were.
"""

from __future__ import annotations

import json
import pickle
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from sqcodec.training.config import TrainConfig, check_settings
from sqcodec.weights import replace_file

# What a checkpoint must hold to go on from; the rest may have been added by a later phase.
_NEEDED = ("preset", "step", "heard_s", "seconds", "network", "optimizer")


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says why and what to do."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within it, a file of a run is written; where that fails, say so and what to do.

    Raises:
        TrainingError: it cannot be written.
    """
    try:
        yield
    # torch's writer raises RuntimeError, that of safetensors an error of its own.
    except (OSError, RuntimeError, SafetensorError) as error:
        raise TrainingError(
            f"{path} cannot be written ({first_line(error)}); older checkpoints are kept, "
            "make room and --resume"
        ) from error


def weights_path(folder: Path) -> Path:
    """The weights of a run's newest checkpoint."""
    return folder / "weights.safetensors"


def state_paths(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(
        path for path in folder.glob("state-*.pt") if re.fullmatch(r"state-\d+\.pt", path.name)
    )


def save_state(folder: Path, state: dict[str, Any], keep: int) -> None:
    """Write a checkpoint, then remove all but the newest `keep`.

    Raises:
        TrainingError: it cannot be written; the older ones are kept.
    """
    path = folder / f"state-{state['step']:08d}.pt"
    with writing(path):
        replace_file(path, lambda temporary: torch.save(state, temporary))
    for old in state_paths(folder)[:-keep]:
        old.unlink(missing_ok=True)


def load_state(folder: Path, preset: str, device: torch.device) -> dict[str, Any]:
    """Read the newest checkpoint of a run; nothing in it can execute code.

    Raises:
        TrainingError: there is none, it is damaged, or it is of another preset.
    """
    paths = state_paths(folder)
    if not paths:
        raise TrainingError(f"{folder} holds no run to resume")
    try:
        # Checkpoints are zip files with a checksum for each tensor, which torch does not look at.
        with zipfile.ZipFile(paths[-1]) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} is damaged")
        state: dict[str, Any] = torch.load(paths[-1], map_location=device, weights_only=True)
        missing = [name for name in _NEEDED if name not in state]
        if missing:
            raise ValueError(f"it has no {missing[0]}")
    except (
        *(pickle.UnpicklingError, zipfile.BadZipFile, EOFError, OSError),
        *(RuntimeError, ValueError, LookupError, TypeError, AttributeError),
    ) as error:
        raise TrainingError(
            f"{paths[-1]} cannot be read ({first_line(error)}); remove it to resume from the "
            "checkpoint before it"
        ) from error
    if state.get("preset") != preset:
        raise TrainingError(f"{paths[-1]} is a run of {state.get('preset')}, not {preset}")
    return state


def save_settings(folder: Path, config: TrainConfig) -> None:
    """Write a run's settings beside its checkpoints."""

    def write(path: Path) -> None:
        path.write_text(json.dumps(asdict(config), indent=2) + "\n")

    path = folder / "settings.json"
    with writing(path):
        replace_file(path, write)


def load_settings(folder: Path) -> dict[str, Any]:
    """Return the settings that a run was begun with, or none where they were not kept.

    Raises:
        TrainingError: they cannot be read.
    """
    path = folder / "settings.json"
    if not path.exists():
        return {}
    try:
        settings = json.loads(path.read_text())
        if not isinstance(settings, dict):
            raise ValueError("it holds no settings")
        return check_settings(settings, str(path))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
