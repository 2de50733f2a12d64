"""Training curves of an ablation, all variants overlaid, from the JSON of `bench ablate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.report.figures.style import Drawn, absent, note, save
from bench.report.tables.trained_ablation import label_of

_CAPTION = (
    "Training curves of the ablation of {preset}, {steps} steps a variant: the weighted sum of "
    "waveform and STFT losses, in training and on held-out crops."
)
# Okabe and Ito's, the baseline in black; line styles for print in grey.
_STYLES = {
    "baseline": ("#000000", "-"),
    "window-150": ("#0072B2", "-"),
    "window-75": ("#0072B2", "--"),
    "window-40": ("#0072B2", ":"),
    "no-tconv": ("#D55E00", "-"),
    "no-teconv": ("#E69F00", "--"),
    "no-perceptual-loss": ("#009E73", "-."),
}
_OTHER = ("#7F7F7F", "-")
_A_DECADE = 10.0


def _is_narrow(axes: Axes) -> bool:
    """Whether there are so few powers of ten that the ticks between them need numbers."""
    low, high = axes.get_ylim()
    return high < _A_DECADE * low


def draw(out: Path, name: str, content: Mapping[str, Any]) -> Drawn:
    """Training above, validation below; a line a run, a colour and style a variant."""
    preset, steps = content["preset"], content["budget"]["steps"]
    caption = _CAPTION.format(preset=preset, steps=steps)
    curves = [one for one in content["curves"] if one["step"]]
    if not curves:
        return absent(out, name, caption, "no training has left a log")
    figure = Figure(figsize=(7.2, 5.6))
    training, validation = figure.subplots(2, 1, sharex=True)
    for one in curves:
        colour, style = _STYLES.get(one["variant"], _OTHER)
        label = label_of(one["variant"], preset) if one["seed"] == 0 else None
        look = {"color": colour, "linestyle": style, "linewidth": 1.2}
        marker = "." if len(one["step"]) < 20 else None
        training.plot(one["step"], one["loss"], label=label, marker=marker, **look)
        validation.plot(one["validated"], one["validation"], marker=".", **look)
    training.set_ylabel("training")
    validation.set_ylabel("validation")
    validation.set_xlabel("step")
    validation.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (training, validation):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}" if _is_narrow(axes) else "")
    training.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    note(figure, f"trained on {content['corpus']['name']}; loss: weighted waveform + STFT")
    return save(figure, out, name, caption)
