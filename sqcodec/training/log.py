"""The log of a run, a CSV row a step, and its plot."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sqcodec.training.checkpoints import writing
from sqcodec.weights import replace_file

LOSSES = (
    "waveform",
    "stft",
    "spread",
    "perceptual",
    "adversarial",
    "feature",
    "discriminator",
)
COLUMNS = (
    "step",
    "loss",
    *LOSSES,
    "gradient_norm",
    "skipped",
    "learning_rate",
    "audio_s_per_s",
    "validation",
)
_SMOOTHED_SHARE = 0.02


class Log:
    """Rows of `COLUMNS`, by step; what was not computed in a step is empty."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.csv"

    def start(self, step: int) -> None:
        """Begin the file, or drop its rows past the checkpoint that the run resumes from.

        Raises:
            TrainingError: it cannot be written.
        """
        rows: list[dict[str, str]] = []
        if self.path.exists():
            with open(self.path, newline="") as file:
                # A full disk may have cut the last row of an earlier part.
                whole = [row for row in csv.DictReader(file) if None not in row.values()]
            rows = [row for row in whole if int(row["step"]) <= step]

        def write(path: Path) -> None:
            with open(path, "w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)

        with writing(self.path):
            replace_file(self.path, write)

    def write(self, row: Mapping[str, float]) -> None:
        """Append the row of a step.

        Raises:
            TrainingError: it cannot be written.
        """
        with writing(self.path), open(self.path, "a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(
                {key: f"{value:.6g}" if key != "step" else int(value) for key, value in row.items()}
            )

    def plot(self) -> Path:
        """Draw the losses and the learning rate over the steps; return the PNG file's path.

        Raises:
            ModuleNotFoundError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "the plot needs matplotlib: pip install -c constraints.txt -e '.[train]'",
                name="matplotlib",
            ) from error
        table = pd.read_csv(self.path)
        window = max(1, round(_SMOOTHED_SHARE * len(table)))
        figure = Figure(figsize=(9, 7), layout="constrained")
        losses, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        markers = itertools.cycle("osv^Dx")
        for name in ("loss", *LOSSES):
            drawn = table[["step", name]].dropna()
            if len(drawn):
                smooth = drawn[name].rolling(window, min_periods=1).mean()
                marker = next(markers) if len(drawn) == 1 else None
                losses.plot(drawn["step"], smooth, label=name, marker=marker)
        validated = table[["step", "validation"]].dropna()
        if len(validated):
            losses.plot(validated["step"], validated["validation"], "ko-", label="validation")
        losses.set_yscale("log")
        losses.set_ylabel(f"losses ({window}-step means;\nloss and validation are weighted sums)")
        losses.legend(ncols=2, fontsize="small")
        rate.plot(table["step"], table["learning_rate"])
        rate.set_ylabel("learning rate")
        rate.set_xlabel("step")
        path = self.path.with_name("losses.png")
        replace_file(path, lambda temporary: figure.savefig(temporary, format="png", dpi=120))
        return path
