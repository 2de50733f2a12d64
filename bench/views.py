"""Views over the store: what it holds of a codec on a data set, as a suite asks for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.codec import CodecInfo
from bench.datasets.manifest import Manifest
from bench.plan import delay_of, source_of, wanted
from bench.store import Store
from bench.suites import Suite

NOT_COMPUTED = "not computed"
"""The error of a cell that is asked for and was never computed."""


def codes_of(
    info: CodecInfo, manifest: Manifest, suite: Suite, store: Store
) -> list[NDArray[np.int64]]:
    """The codes [K, F] of the clips of a data set, of those that went through the codec."""
    hashes = dict.fromkeys(clip.sha256 for clip in manifest.clips)
    return store.codes(source_of(info, manifest, suite), hashes)


def gather(info: CodecInfo, manifest: Manifest, suite: Suite, store: Store) -> pd.DataFrame:
    """What the store holds of a codec on a data set: a row for each cell that the suite asks.

    Columns: dataset, group, kind, clip, clip_sha256 (of the clip); metric, metric_version,
    value, unit, error, libraries, measured_at (of the cell). A cell that was never computed
    has the error "not computed". Rows are in the manifest's order.
    """
    delay = delay_of(info, store)
    asked = pd.DataFrame(
        [
            {
                "dataset": clip.dataset,
                "group": clip.group or None,
                "kind": clip.kind,
                "clip": clip.id,
                "clip_sha256": clip.sha256,
                "metric": metric,
                "metric_version": metric_version,
            }
            for clip in manifest.clips
            for metric, metric_version in wanted(clip, suite, info, delay).items()
        ]
    )
    stored = store.cells(source_of(info, manifest, suite)).drop(columns=["seconds", "host"])
    key = ["clip", "clip_sha256", "metric", "metric_version"]
    cells = asked.merge(stored, how="left", on=key, validate="one_to_one")
    never = cells["value"].isna() & cells["error"].isna()
    return cells.assign(error=cells["error"].mask(never, NOT_COMPUTED))
