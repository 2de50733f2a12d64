"""Training curves: the losses of each logged run, from ``results/training/<name>.csv``.

The files are the trainer's own logs (docs/train.md), put there under the name of what they
trained.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.figures.style import Drawn, absent, save
from bench.report.stored import StoredResultError

_NAME = "training"
_CAPTION = "Losses over the steps of training, smoothed, and the validation loss."
_COLOURS = {
    "loss": "#000000",
    "waveform": "#0072B2",
    "stft": "#D55E00",
    "spread": "#999999",
    "perceptual": "#009E73",
    "adversarial": "#CC79A7",
    "feature": "#E69F00",
    "discriminator": "#56B4E9",
}
_SMOOTHED_SHARE = 0.02


def draw(out: Path, results: Path) -> Drawn:
    """A panel a run.

    Raises:
        StoredResultError: a log cannot be used.
    """
    logs = {path.stem: _read(path) for path in sorted((results / "training").glob("*.csv"))}
    if not logs:
        reason = "no log in results/training: sqcodec train writes log.csv, copy it there"
        return absent(out, _NAME, _CAPTION, reason)
    figure = Figure(figsize=(7.2, 3.4 * len(logs)))
    for axes, (name, log) in zip(
        figure.subplots(len(logs), 1, squeeze=False)[:, 0], logs.items(), strict=True
    ):
        _panel(axes, name, log)
    return save(figure, out, _NAME, _CAPTION)


def _panel(axes: Axes, name: str, log: pd.DataFrame) -> None:
    window = max(1, round(_SMOOTHED_SHARE * len(log)))
    for column, colour in _COLOURS.items():
        if column not in log or log[column].dropna().empty:
            continue
        values = log[["step", column]].dropna()
        smooth = values[column].rolling(window, min_periods=1).mean()
        width = 1.8 if column == "loss" else 1.0
        axes.plot(values["step"], smooth, label=column, color=colour, linewidth=width)
    validated = log[["step", "validation"]].dropna() if "validation" in log else pd.DataFrame()
    if len(validated):
        axes.plot(validated["step"], validated["validation"], "k^--", label="validation")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    # A log may have a row for every so many steps.
    steps_a_row = log["step"].diff().median() if len(log) > 1 else 1
    axes.set_ylabel(f"means over {window * steps_a_row:.0f} steps")
    axes.set_title(name)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _read(path: Path) -> pd.DataFrame:
    try:
        log = pd.read_csv(path)
        log["step"] = log["step"].astype(int)
        return log.astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise StoredResultError(
            f"{path}: no log that can be read: {type(error).__name__}: {error}"
        ) from error
