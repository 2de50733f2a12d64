"""Training curves of an ablation's runs: the loss that all variants have, thinned out.

That is the weighted sum of waveform and STFT losses; a total would leave out the perceptual
loss where a variant is without it. The validation loss is the same sum on held-out crops.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.ablation.training import Run

LOG = "log.csv"
MOST_POINTS = 100
_DECIMALS = 4


def curve(run: Run) -> dict[str, list[float]]:
    """The run's log: means over stretches of steps, and every validation.

    Returns:
        "step" and "loss", the last step of each stretch and its mean; "validated" and
        "validation", steps and losses. All are empty where there is no log.
    """
    path = run.folder / LOG
    if not path.is_file():
        return {"step": [], "loss": [], "validated": [], "validation": []}
    log = pd.read_csv(path)
    weights = run.settings
    loss = (
        weights["waveform_weight"] * log["waveform"] + weights["stft_weight"] * log["stft"]
    ).to_numpy()
    steps = log["step"].to_numpy()
    parts = np.array_split(np.arange(len(steps)), min(MOST_POINTS, len(steps)))
    validated = log[["step", "validation"]].dropna()
    return {
        "step": [int(steps[part[-1]]) for part in parts],
        "loss": [round(float(loss[part].mean()), _DECIMALS) for part in parts],
        "validated": [int(step) for step in validated["step"]],
        "validation": [round(float(value), _DECIMALS) for value in validated["validation"]],
    }
