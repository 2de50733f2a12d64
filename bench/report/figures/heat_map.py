"""Heat map: each codec's scores on each data set, so that a mean hides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from bench.metrics import METRICS
from bench.report.figures.style import Drawn, absent, arrow, note, save
from bench.report.palette import family_of
from bench.report.results import Result

_NAME = "heat-map"
_CAPTION = "Mean of each metric on each data set; brighter is better, empty means not measured."
_DARK = 0.55  # of the colour scale; on darker cells the numbers are white


def by_dataset(measured: Sequence[Result], metric: str) -> pd.DataFrame:
    """Means over clips, a row a codec and a column a data set; NaN where none has a value."""
    rows = [
        (str(result.codec["name"]), clip.dataset, clip.values[metric])
        for result in measured
        for clip in result.clips
        if metric in clip.values
    ]
    frame = pd.DataFrame(rows, columns=["codec", "dataset", "value"])
    codecs = [str(result.codec["name"]) for result in measured]
    datasets = dict.fromkeys(clip.dataset for result in measured for clip in result.clips)
    means = frame.pivot_table(index="codec", columns="dataset", values="value", sort=False)
    means = means.reindex(index=codecs, columns=[d for d in datasets if d in means.columns])
    return means.dropna(how="all")


def draw(out: Path, measured: Sequence[Result], data: str) -> Drawn:
    """A panel a metric; anchors are left out, which would take all of the scale."""
    shown = [r for r in measured if not family_of(str(r.codec["name"])).anchor]
    tables = {name: by_dataset(shown, name) for name in METRICS} if shown else {}
    tables = {name: table for name, table in tables.items() if len(table)}
    if not tables:
        return absent(out, _NAME, _CAPTION, "no codec was measured: bench run --suite signal")
    widest = max(len(table.columns) for table in tables.values())
    n_codecs = max(len(table) for table in tables.values())
    size = (1.5 + 0.62 * widest, len(tables) * (1.05 + 0.2 * n_codecs))
    figure = Figure(figsize=size)
    grid = figure.subplots(len(tables), 1, squeeze=False)[:, 0]
    for axes, (name, table) in zip(grid, tables.items(), strict=True):
        _panel(axes, name, table)
    note(figure, data)
    return save(figure, out, _NAME, _CAPTION)


def _panel(axes: Axes, name: str, table: pd.DataFrame) -> None:
    metric = METRICS[name]
    values = table.to_numpy(float)
    norm = Normalize(np.nanmin(values), np.nanmax(values))
    higher = metric.higher_is_better
    axes.imshow(values, norm=norm, cmap="cividis" if higher else "cividis_r", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        place = norm(value) if higher else 1 - norm(value)
        axes.text(
            column,
            row,
            f"{value:.1f}" if metric.unit == "dB" else f"{value:.2f}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if place < _DARK else "black",
        )
    axes.set_xticks(range(len(table.columns)), table.columns, rotation=40, ha="right")
    axes.set_yticks(range(len(table)), table.index)
    axes.grid(False)
    axes.tick_params(length=0)
    unit = f" ({metric.unit})" if metric.unit == "dB" else ""
    axes.set_title(f"{metric.display_name}{unit} {arrow(metric)}")
