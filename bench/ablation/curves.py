"""Training curves of an ablation's runs: the loss that all variants have, thinned out.

That is the weighted sum of waveform and STFT losses; a total would leave out the perceptual
loss where a variant is without it. The validation loss is the same sum on held-out crops.
Steps without a finite loss, which the trainer skips and notes, are in no curve.
"""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.ablation.folder import Run

LOG = "log.csv"
MOST_POINTS = 100
_COLUMNS = ("step", "waveform", "stft", "validation")
_DECIMALS = 4


def curve(run: Run) -> dict[str, list[float]]:
    """The run's log: means over stretches of steps, and every validation.

    Returns:
        "step" and "loss", the last step of each stretch and its mean; "validated" and
        "validation", steps and losses. All are empty where there is no log that can be read.
    """
    try:
        with open(run.folder / LOG, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if None not in row]  # else it is too long
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    text = pd.DataFrame(rows, columns=list(_COLUMNS), dtype=str)
    log = text.apply(pd.to_numeric, errors="coerce").astype(float)
    log["loss"] = (
        run.settings["waveform_weight"] * log["waveform"]
        + run.settings["stft_weight"] * log["stft"]
    )
    losses, validations = (_finite(log[["step", name]]) for name in ("loss", "validation"))
    parts = np.array_split(losses, min(MOST_POINTS, len(losses))) if len(losses) else []
    return {
        "step": [int(part[-1, 0]) for part in parts],
        # Of summands that are small already: the sum of finite numbers need not be finite.
        "loss": [round(float((part[:, 1] / len(part)).sum()), _DECIMALS) for part in parts],
        "validated": [int(step) for step in validations[:, 0]],
        "validation": [round(float(value), _DECIMALS) for value in validations[:, 1]],
    }


def _finite(columns: pd.DataFrame) -> NDArray[np.float64]:
    """The rows of finite numbers, [N, 2]."""
    values = columns.to_numpy(dtype=np.float64)
    found: NDArray[np.float64] = values[np.isfinite(values).all(axis=1)]
    return found
