"""Whose audio it is: the licence and attribution of each clip, where a manifest says them.

Scores need none of this; passing audio on does. Columns of the manifest: ``licence`` and
``attribution``, and ``source_package`` where the clip came with one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from bench.datasets.manifest import ManifestError


@dataclass(frozen=True)
class Rights:
    """What has to stand beside a clip that is passed on.

    Attributes:
        licence: its short name, as SPDX has it where it has one.
        attribution: who made it.
        source: where it was published; "" if the manifest does not say.
    """

    licence: str
    attribution: str
    source: str = ""


def rights(csv_path: Path) -> dict[str, Rights]:
    """The rights of a manifest's clips by their id; those without a licence are left out.

    Raises:
        ManifestError: the file cannot be read.
    """
    try:
        with open(csv_path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{csv_path}: not readable as CSV: {error}") from error
    return {
        row["id"]: Rights(row["licence"], row["attribution"], row.get("source_package") or "")
        for row in rows
        if row.get("licence") and row.get("attribution")
    }
