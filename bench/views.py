"""Views over the store: what it holds of a codec on a data set, as a suite asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.codec import CodecInfo
from bench.datasets.manifest import Manifest
from bench.plan import delay_of, source_of, wanted_by_kind
from bench.store import Store
from bench.suites import Suite

NOT_COMPUTED = "not computed"
"""The error of a cell that is asked for and was never computed."""


def codes_of(
    info: CodecInfo, manifest: Manifest, suite: Suite, store: Store
) -> Iterator[NDArray[np.int64]]:
    """The codes [K, F] of the clips of a data set, of those that went through the codec.

    They are read as they are asked for: those of a full benchmark are gigabytes.
    """
    source = source_of(info, manifest, suite)
    for sha256 in dict.fromkeys(clip.sha256 for clip in manifest.clips):
        yield from store.codes(source, [sha256])


def gather(info: CodecInfo, manifest: Manifest, suite: Suite, store: Store) -> pd.DataFrame:
    """What the store holds of a codec on a data set: a row for each cell that the suite asks.

    Columns: dataset, group, kind, clip, clip_sha256 (of the clip); metric, metric_version,
    value, unit, error, libraries, measured_at (of the cell). A cell that was never computed
    has the error "not computed". Rows are in the manifest's order.
    """
    asked = wanted_by_kind(manifest, suite, info, delay_of(info, store))
    of_kind = pd.DataFrame(
        [(kind, *cell) for kind, cells in asked.items() for cell in cells.items()],
        columns=["kind", "metric", "metric_version"],
    )
    clips = pd.DataFrame(
        [
            (clip.dataset, clip.group or None, clip.kind, clip.id, clip.sha256)
            for clip in manifest.clips
        ],
        columns=["dataset", "group", "kind", "clip", "clip_sha256"],
    )
    asked_cells = clips.merge(of_kind, how="left", on="kind")
    stored = store.cells(source_of(info, manifest, suite)).drop(columns=["seconds", "host"])
    key = ["clip", "clip_sha256", "metric", "metric_version"]
    cells = asked_cells.merge(stored, how="left", on=key, validate="one_to_one")
    never = cells["value"].isna() & cells["error"].isna()
    return cells.assign(error=cells["error"].mask(never, NOT_COMPUTED))
