"""The leaderboard: a row a codec, every number with what it can be sorted by and where it leads.

The rows of the paper are a table of their own: other data, other weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.metrics import METRICS
from bench.report.bubbles import Bubble, Cost, has_network
from bench.report.palette import Family, codec_of, family_of
from bench.report.results import ClipResult, Result, ScoreResult
from bench.suites import SIGNAL, Score

# An exact copy's SDR is the rounding of a perfect estimate, and no quantity.
_EXACT_SDR_DB = 200.0

Certificates = Mapping[tuple[str, str], dict[str, Any]]
"""What `bench verify` found, by codec and revision."""


@dataclass(frozen=True)
class Column:
    """A column: its head, and which way is better ("" where neither is)."""

    key: str
    label: str
    arrow: str
    title: str


@dataclass(frozen=True)
class Number:
    """A cell.

    Attributes:
        text: as it is shown; the reason where there is no value.
        value: what it is sorted by; None where there is none, which comes last.
        beside: smaller, below: an interval or a remark.
        href: where it leads; "" for nowhere.
    """

    text: str
    value: float | None = None
    beside: str = ""
    href: str = ""


@dataclass(frozen=True)
class Row:
    """A codec."""

    codec: str
    family: Family
    about: str
    href: str
    numbers: tuple[Number, ...]


def arrow(score: Score) -> str:
    """Which way a score is better."""
    return "↑" if METRICS[score.metric].higher_is_better else "↓"


def unit(score: Score) -> str:
    """The unit of a score, where it is one that a reader needs."""
    return "dB" if METRICS[score.metric].unit == "dB" else ""


_COSTS = (
    Column("published", "MACs, published", "↓", "G for 10 s of audio, by the paper's counter"),
    Column("full", "MACs, all", "↓", "G for 10 s of audio, every product counted"),
    Column("real-time", "times real time", "↑", "encoding and decoding, measured here"),
)
COLUMNS = (
    Column("bitrate", "bit/s", "↓", "measured: bits sent over seconds of audio"),
    *(
        Column(
            score.name,
            f"{score.display_name}{f' ({unit(score)})' if unit(score) else ''}",
            arrow(score),
            METRICS[score.metric].description,
        )
        for score in SIGNAL.scores
    ),
    Column("failed", "failed", "↓", "clips that lack at least one score"),
    Column("certified", "certified", "↑", "whether bench verify found its adapter right"),
    *_COSTS,
)
PAPER_COLUMNS = (*COLUMNS[:7], *_COSTS)


def rows(
    measured: Sequence[Result],
    certificates: Certificates,
    costs: Mapping[str, Cost],
) -> list[Row]:
    """The codecs measured here, by PESQ, the best first."""
    found = [_row(result, certificates, costs) for result in measured]
    pesq = [column.key for column in COLUMNS].index("pesq")
    return sorted(found, key=lambda row: (-(row.numbers[pesq].value or 0.0), row.codec))


def paper_rows(results: Path, costs: Mapping[str, Cost]) -> list[Row]:
    """The rows of the paper's Table 1, in its order."""
    table = pd.read_csv(results / "paper" / "table1-signal.csv")
    found = []
    for _, line in table.iterrows():
        codec = codec_of(line["model"], int(line["input_sample_rate_hz"]), line["bitrate_bps"])
        scores = [Number(f"{line[s.name]:.2f}", float(line[s.name])) for s in SIGNAL.scores]
        bitrate = Number(f"{line['bitrate_bps']:,.0f}", float(line["bitrate_bps"]), "nominal")
        numbers = (bitrate, *scores, *_costs(codec, costs.get(codec, Cost())))
        about = f"{line['model']}, {int(line['input_sample_rate_hz']) // 1000} kHz"
        found.append(Row(codec, family_of(codec), about, "", numbers))
    return found


def costs_of(bubbles: Sequence[Bubble]) -> dict[str, Cost]:
    """What each codec costs, by name."""
    return {bubble.codec: bubble.cost for bubble in bubbles}


def page_of(codec: str) -> str:
    """The path of a codec's page, from the first one."""
    return f"codecs/{codec}.html"


def certificate_of(
    codec: str, revision: str, certificates: Certificates
) -> tuple[str, dict[str, Any] | None]:
    """The verdict on a codec's revision in a word, and the certificate behind it."""
    if codec == "reference":
        return "reference", None
    certificate = certificates.get((codec, revision))
    if certificate is None:
        return "not verified", None
    return ("yes" if certificate["passed"] else "no"), certificate


def certified(codec: str, revision: str, certificates: Certificates, page: str) -> Number:
    """The verdict as a cell that leads to the codec's page, if it has one."""
    verdict, certificate = certificate_of(codec, revision, certificates)
    value = None if certificate is None else float(certificate["passed"])
    return Number(verdict, value, href=f"{page}#certificate" if page else "")


def shown_mean(result: Result, score: Score, stored: ScoreResult) -> tuple[str, str]:
    """A mean and its interval as they are shown, or why there is none."""
    if stored.mean is None:
        return "none", f"all {stored.n_clips} clips failed"
    n_exact = sum(is_exact(clip, score) for clip in result.clips if clip.kind in score.kinds)
    if n_exact == stored.n_clips:
        return "exact", "the clip itself"
    if n_exact:
        return "none", f"{n_exact} of {stored.n_clips} clips exact"
    if stored.low is None or stored.high is None:
        return f"{stored.mean:.2f}", stored.no_interval_because
    return f"{stored.mean:.2f}", f"[{stored.low:.2f}, {stored.high:.2f}]"


def is_exact(clip: ClipResult, score: Score) -> bool:
    """Whether a clip came back as it was, so that its SDR is no quantity."""
    return score.metric == "sdr" and clip.values.get("sdr", 0.0) > _EXACT_SDR_DB


def _row(
    result: Result,
    certificates: Certificates,
    costs: Mapping[str, Cost],
) -> Row:
    codec = str(result.codec["name"])
    page = page_of(codec)
    revision = str(result.codec["revision"])
    numbers = [
        _bitrate(result, page),
        *(_score(result, score, page) for score in SIGNAL.scores),
        Number(
            f"{result.n_clips_failed} of {result.n_clips}",
            float(result.n_clips_failed),
            href=f"{page}#failures",
        ),
        certified(codec, revision, certificates, page),
        *_costs(codec, costs.get(codec, Cost())),
    ]
    about = str(result.codec["weights"] or "no weights")
    return Row(codec, family_of(codec), about, page, tuple(numbers))


def _bitrate(result: Result, page: str) -> Number:
    bitrate_bps = result.measured_bitrate_bps
    if bitrate_bps is None:
        return Number("none", beside="no clip went through", href=f"{page}#failures")
    return Number(f"{bitrate_bps:,.0f}", bitrate_bps, href=f"{page}#bits")


def _score(result: Result, score: Score, page: str) -> Number:
    stored = next((found for found in result.scores if found.name == score.name), None)
    if stored is None:
        return Number("none", beside="no such clips")
    text, beside = shown_mean(result, score, stored)
    return Number(text, stored.mean, beside, f"{page}#clips-{score.name}")


def _costs(codec: str, cost: Cost) -> tuple[Number, ...]:
    values = (cost.published_gmacs, cost.full_gmacs, cost.real_time_factor)
    if not has_network(codec):
        return tuple(Number("none", beside="no network") for _ in values)
    reasons = ("not published", "not counted", "not measured")
    return tuple(
        Number("none", beside=reason) if value is None else Number(f"{value:.2f}", value)
        for value, reason in zip(values, reasons, strict=True)
    )
