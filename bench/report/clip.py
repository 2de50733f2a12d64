"""All that is known of one clip: its row of the manifest, and every stored cell by codec."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_SOURCE = [
    "codec",
    "codec_revision",
    "suite",
    "dataset",
    "dataset_revision",
    "reader",
    "resampler",
    "clip_sha256",
]


def clip_report(clip: str, row: Mapping[str, str] | None, cells: pd.DataFrame) -> RenderableType:
    """What is known of a clip.

    Args:
        clip: its id.
        row: what the manifest says of it; None for a clip of another data set.
        cells: its cells, columns as of `bench.store.Store.cells_of_clip`.
    """
    parts: list[RenderableType] = [Text(clip, style="bold")]
    if row is None:
        parts.append(Text("not in this data set (--data): only its cells are known"))
    else:
        parts.append(_fields((name, value) for name, value in row.items() if value))
    if cells.empty:
        parts.append(Text("no codec has been run on it"))
    for source, rows in cells.groupby(_SOURCE, sort=False):
        parts.append(_of_codec(dict(zip(_SOURCE, source, strict=True)), rows))
    return Group(*parts)


def _fields(fields: Iterable[tuple[str, str]]) -> Table:
    shown = Table(box=None, show_header=False, padding=(0, 1))
    for name, value in fields:
        shown.add_row(Text(name, style="dim"), Text(value))
    return shown


def _of_codec(source: Mapping[str, str], rows: pd.DataFrame) -> Group:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("value or error", overflow="fold")
    table.add_column("version", overflow="fold")
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("when (UTC), host", overflow="fold")
    for row in rows.itertuples():
        error = isinstance(row.error, str)
        value = row.error if error else f"{row.value:.6g} {row.unit}".strip()
        table.add_row(
            row.metric,
            Text(value, style="red" if error else ""),
            Text(row.metric_version),
            f"{row.seconds:.2f}",
            Text(f"{row.measured_at.removesuffix('+00:00')}, {row.host}"),
        )
    heading = Text(f"\n{source['codec']}", style="bold")
    heading.append(f"  revision {source['codec_revision']}", style="dim")
    about = [
        f"{source['suite']} suite on {source['dataset']} (revision {source['dataset_revision']})",
        f"file {source['clip_sha256'][:12]}..., read by {source['reader']}"
        + (f", resampled by {source['resampler']}" if source["resampler"] else ""),
        *(f"libraries: {_libraries(text)}" for text in rows["libraries"].unique()),
    ]
    return Group(heading, *(Text(line, style="dim") for line in about), table)


def _libraries(text: str) -> str:
    return ", ".join(f"{name} {version}" for name, version in json.loads(text).items())
