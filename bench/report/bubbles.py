"""Quality against cost, a point a codec: what Figure 1 and the page's plot are drawn from.

A point is the paper's (PESQ of its Table 1, on Codec-SUPERB's data with the authors' weights)
or measured here; the two are never mixed in one point. What a codec costs belongs to its
network and not to its weights, so that both kinds share it: multiply-accumulates as published
(by the paper's counter), in full, and the real-time factor that was measured here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bench.report.palette import codec_of, family_of
from bench.report.results import Result
from bench.report.stored import StoredResultError

_GIGA = 1e9

Source = Literal["paper", "measured"]


@dataclass(frozen=True)
class Cost:
    """What 10 s of audio cost, encoding and decoding; None where it is not known.

    Attributes:
        published_gmacs: by the paper's counter.
        full_gmacs: every product, as the codec runs here.
        real_time_factor: duration over the time of both; above 1 is faster than real time.
    """

    published_gmacs: float | None = None
    full_gmacs: float | None = None
    real_time_factor: float | None = None


@dataclass(frozen=True)
class Bubble:
    """One codec.

    Attributes:
        codec: its name.
        source: who measured the quality.
        bitrate_bps: nominal in the paper, what was sent here.
        pesq: mean; `low` and `high` bound its interval where there is one.
        cost: of the network.
    """

    codec: str
    source: Source
    bitrate_bps: float
    pesq: float
    low: float | None
    high: float | None
    cost: Cost


def bubbles(results: Path, measured: Sequence[Result] = ()) -> list[Bubble]:
    """The paper's points, then those of the results that have a PESQ.

    Raises:
        StoredResultError: a file of complexity cannot be used.
        FileNotFoundError: the paper's Table 1 is not below `results`.
    """
    published = _paper_rows(results)
    counted = _counted(results)
    costs = {
        codec: Cost(
            published_gmacs=_first(
                _published(published, codec), counted.get(codec, Cost()).published_gmacs
            ),
            full_gmacs=counted.get(codec, Cost()).full_gmacs,
            real_time_factor=counted.get(codec, Cost()).real_time_factor,
        )
        for codec in {*published["codec"], *counted}
    }
    paper = [
        Bubble(row.codec, "paper", float(row.bitrate_bps), row.pesq, None, None, costs[row.codec])
        for row in published.itertuples()
    ]
    return paper + _measured_bubbles(measured, costs)


def _measured_bubbles(measured: Sequence[Result], costs: dict[str, Cost]) -> list[Bubble]:
    found = []
    for result in measured:
        codec = str(result.codec["name"])
        pesq = next((score for score in result.scores if score.name == "pesq"), None)
        if pesq is None or pesq.mean is None or result.measured_bitrate_bps is None:
            continue
        cost = costs.get(codec, Cost())
        bitrate_bps = result.measured_bitrate_bps
        found.append(Bubble(codec, "measured", bitrate_bps, pesq.mean, pesq.low, pesq.high, cost))
    return found


def has_network(codec: str) -> bool:
    """Whether the codec is of a family whose multiplications can be counted."""
    keys = ("sqcodec", "encodec", "dac-16k", "dac-24k", "wavtokenizer")
    return family_of(codec).key in keys


def _paper_rows(results: Path) -> pd.DataFrame:
    rows = pd.read_csv(results / "paper" / "table1-signal.csv")
    rows["codec"] = [
        codec_of(row.model, int(row.input_sample_rate_hz), float(row.bitrate_bps))
        for row in rows.itertuples()
    ]
    return rows


def _published(rows: pd.DataFrame, codec: str) -> float | None:
    found = rows.loc[rows["codec"] == codec, "macs_g"]
    return None if found.empty else float(found.iloc[0])


def _counted(results: Path) -> dict[str, Cost]:
    """By codec, what `bench complexity --results` wrote."""
    found = {}
    for path in sorted((results / "complexity").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found[content["codec"]] = Cost(
                content["macs_by_paper"] / _GIGA,
                content["macs"] / _GIGA,
                _real_time_factor(content["measured"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoredResultError(
                f"{path}: no complexity that can be read: {type(error).__name__}: {error}"
            ) from error
    return found


def _real_time_factor(measured: dict[str, Any] | None) -> float | None:
    """Of encoding and decoding together, from those of each: times add, factors do not."""
    if measured is None:
        return None
    speed = measured["speed"]
    return 1 / (1 / speed["encode"] + 1 / speed["decode"])


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
