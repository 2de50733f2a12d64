"""The paper's rows: Table 1 of the SQCodec paper, read from ``results/paper``.

They were measured on Codec-SUPERB's data with the authors' weights, so they stand apart from
rows measured here and never share a cell with them.

Source: SQCodec paper, Table 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.codec import CodecInfo

TABLE_1 = Path(__file__).parents[2] / "results" / "paper" / "table1-signal.csv"
"""In a checkout; a package installed without it has no paper rows."""

REMARK = (
    "measured by the paper's authors, on other data than the rows above (Codec-SUPERB's) and "
    "with their own weights; the weights of the rows above are named with them"
)

# "sqcodec-12k-24khz", "dac-16k-6k", "wavtokenizer-480": a model, maybe its rate, its bitrate in
# kbit/s or bit/s, maybe its rate. What has more to its name (an ablation, a checkpoint) is not in
# Table 1.
_NAME = re.compile(r"(?P<model>[a-z]+)(-\d+k)?-(?P<bitrate>[\d.]+)(?P<kilo>k?)(-\d+khz)?")
_COMPLEXITY = ("params_m", "macs_g")


@dataclass(frozen=True)
class PaperRow:
    """A row of Table 1.

    Attributes:
        model: as the paper spells it.
        bitrate_bps: nominal.
        scores: by the names of the suite's scores.
    """

    model: str
    bitrate_bps: float
    scores: dict[str, float]


def paper_row(info: CodecInfo, scores: Iterable[str], table: Path = TABLE_1) -> PaperRow | None:
    """The paper's row for the codec of that name and rate; None where Table 1 has none.

    Args:
        info: of a codec.
        scores: names of the scores to take, those of the table's columns.
        table: the CSV of Table 1.

    Raises:
        FileNotFoundError: the table is not there.
    """
    return _row(info.name, info.sample_rate, scores, table)


def paper_complexity(name: str, sample_rate: int, table: Path = TABLE_1) -> PaperRow | None:
    """The paper's parameters ("params_m", millions) and multiply-accumulates ("macs_g", 1e9).

    Args:
        name: of a codec.
        sample_rate: its own, Hz.
        table: the CSV of Table 1.

    Returns:
        None where Table 1 has none, or is not here.
    """
    return _row(name, sample_rate, _COMPLEXITY, table) if table.is_file() else None


def _row(
    codec: str, sample_rate: int | None, columns: Iterable[str], table: Path
) -> PaperRow | None:
    """The row of a codec's name and rate."""
    name = _NAME.fullmatch(codec)
    if name is None:
        return None
    bitrate_bps = float(name["bitrate"]) * (1000 if name["kilo"] else 1)
    rows = pd.read_csv(table)
    rows = rows[
        (rows["model"].str.lower() == name["model"])
        & (rows["bitrate_bps"] == bitrate_bps)
        & (rows["input_sample_rate_hz"] == sample_rate)
    ]
    if rows.empty:
        return None
    row = rows.iloc[0]
    return PaperRow(
        model=row["model"],
        bitrate_bps=float(row["bitrate_bps"]),
        scores={column: float(row[column]) for column in columns},
    )
