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

# "sqcodec-12k-24khz" and the like: a model, its bitrate in kbit/s, maybe its rate. What has
# more to its name (an ablation, a checkpoint) is not in Table 1.
_NAME = re.compile(r"(?P<model>[a-z]+)-(?P<kbps>[\d.]+)k(-\d+khz)?")


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
    name = _NAME.fullmatch(info.name)
    if name is None:
        return None
    rows = pd.read_csv(table)
    rows = rows[
        (rows["model"].str.lower() == name["model"])
        & (rows["bitrate_bps"] == 1000 * float(name["kbps"]))
        & (rows["input_sample_rate_hz"] == info.sample_rate)
    ]
    if rows.empty:
        return None
    row = rows.iloc[0]
    return PaperRow(
        model=row["model"],
        bitrate_bps=float(row["bitrate_bps"]),
        scores={score: float(row[score]) for score in scores},
    )
