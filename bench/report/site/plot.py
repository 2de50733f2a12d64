"""The points of the page's plot, as its script takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.report.bubbles import Bubble, has_network
from bench.report.palette import family_of, short_bitrate
from bench.report.site.leaderboard import page_of

AXES = (
    ("published", "MACs as published", "G multiply-accumulates for 10 s, by the paper's counter ←"),
    ("full", "true MACs", "G multiply-accumulates for 10 s, every one counted ←"),
    ("realTime", "real-time factor", "times real time, encoding and decoding, measured →"),
)
SOURCES = (("paper", "the paper's PESQ"), ("measured", "PESQ measured here"))


def plot_data(bubbles: Sequence[Bubble], pages: Sequence[str]) -> dict[str, Any]:
    """Everything that the script draws.

    Args:
        bubbles: the paper's points and ours.
        pages: names of the codecs that have a page.
    """
    return {
        "axes": {key: label for key, _, label in AXES},
        "points": [_point(bubble, bubble.codec in pages) for bubble in bubbles],
    }


def _point(bubble: Bubble, has_page: bool) -> dict[str, Any]:
    family = family_of(bubble.codec)
    cost = bubble.cost
    return {
        "codec": bubble.codec,
        "source": bubble.source,
        "colour": family.colour,
        "family": family.label,
        "bitrate": bubble.bitrate_bps,
        "label": short_bitrate(bubble.bitrate_bps),
        "pesq": bubble.pesq,
        "low": bubble.low,
        "high": bubble.high,
        "dashed": family.key == "dac-24k" or bubble.codec.endswith("-24khz"),
        "network": has_network(bubble.codec),
        "page": page_of(bubble.codec) if has_page else "",
        "published": cost.published_gmacs,
        "full": cost.full_gmacs,
        "realTime": cost.real_time_factor,
    }
