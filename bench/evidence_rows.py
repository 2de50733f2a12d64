"""Rows of the store's table of evidence, to and from what they say; evidence is kept packed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from bench.cells import Hearing, Judgement

HEARING_COLUMNS = [field.name for field in fields(Hearing)]
JUDGEMENT_COLUMNS = [field.name for field in fields(Judgement)]
COLUMNS = HEARING_COLUMNS + JUDGEMENT_COLUMNS
_KEY = [*HEARING_COLUMNS, "clip_sha256"]

PUT = (
    f"INSERT INTO evidence ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in COLUMNS if name not in _KEY)} "
    "WHERE error IS NOT NULL"
)
"""Insert a row, or replace a failed one; evidence stays as it is."""


def row_of(hearing: Hearing, judgement: Judgement) -> list[Any]:
    """A row, in the order of `COLUMNS`."""
    packed = None
    if judgement.evidence is not None:
        packed = zlib.compress(json.dumps(judgement.evidence, allow_nan=False).encode())
    values = {name: getattr(judgement, name) for name in JUDGEMENT_COLUMNS} | {"evidence": packed}
    return [*astuple(hearing), *values.values()]


def judgement_of(row: Sequence[Any]) -> Judgement:
    """What a row says, in the order of `JUDGEMENT_COLUMNS`."""
    said = dict(zip(JUDGEMENT_COLUMNS, row, strict=True))
    packed = said["evidence"]
    said["evidence"] = None if packed is None else json.loads(zlib.decompress(packed))
    return Judgement(**said)
