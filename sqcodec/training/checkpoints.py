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
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sqcodec.training.config import TrainConfig, check_settings
from sqcodec.weights import replace_file


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says why and what to do."""


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
    try:
        replace_file(path, lambda temporary: torch.save(state, temporary))
    except (OSError, RuntimeError) as error:  # torch's own writer raises RuntimeError
        raise TrainingError(
            f"{path} cannot be written ({_first_line(error)}); older checkpoints are kept, "
            "make room and --resume"
        ) from error
    for old in state_paths(folder)[:-keep]:
        old.unlink(missing_ok=True)


def load_state(folder: Path, preset: str, device: torch.device) -> dict[str, Any]:
    """Read the newest checkpoint of a run; nothing in it can execute code.

    Raises:
        TrainingError: there is none, it cannot be read, or it is of another preset.
    """
    paths = state_paths(folder)
    if not paths:
        raise TrainingError(f"{folder} holds no run to resume")
    try:
        state: dict[str, Any] = torch.load(paths[-1], map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise TrainingError(
            f"{paths[-1]} cannot be read ({_first_line(error)}); remove it to resume from the "
            "checkpoint before it"
        ) from error
    if state.get("preset") != preset:
        raise TrainingError(f"{paths[-1]} is a run of {state.get('preset')}, not {preset}")
    return state


def save_settings(folder: Path, config: TrainConfig) -> None:
    """Write a run's settings beside its checkpoints."""

    def write(path: Path) -> None:
        path.write_text(json.dumps(asdict(config), indent=2) + "\n")

    replace_file(folder / "settings.json", write)


def load_settings(folder: Path) -> dict[str, Any]:
    """Return the settings that a run was begun with, or none where they were not kept.

    Raises:
        TrainingError: they cannot be read.
    """
    path = folder / "settings.json"
    if not path.exists():
        return {}
    try:
        return check_settings(json.loads(path.read_text()), str(path))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
