"""One look for each family of codecs, in every figure and on every page.

Colours are Okabe and Ito's, which people of all common kinds of colour vision tell apart;
families also differ by marker, for print in grey.

Source: M. Okabe, K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BITRATE = re.compile(r"-(?P<value>[\d.]+)(?P<kilo>k?)(-\d+khz)?$")


@dataclass(frozen=True)
class Family:
    """Codecs that differ in their bitrate alone, or nearly.

    Attributes:
        key: what their names begin with.
        label: as it is written.
        colour: hexadecimal.
        marker: of matplotlib.
        anchor: made to be compared with, not to save bits.
    """

    key: str
    label: str
    colour: str
    marker: str
    anchor: bool = False


FAMILIES = (
    Family("sqcodec", "SQCodec", "#D55E00", "o"),
    Family("encodec", "EnCodec", "#0072B2", "s"),
    Family("dac-16k", "DAC 16 kHz", "#009E73", "^"),
    Family("dac-24k", "DAC 24 kHz", "#009E73", "v"),
    Family("wavtokenizer", "WavTokenizer", "#CC79A7", "D"),
    Family("opus", "Opus", "#56B4E9", "P"),
    Family("mp3", "MP3", "#E69F00", "X"),
    Family("amrnb", "AMR-NB", "#F0E442", "<"),
    Family("mulaw", "mu-law", "#999999", ">", anchor=True),
    Family("resample", "resampled only", "#666666", "_", anchor=True),
    Family("reference", "reference", "#000000", "*", anchor=True),
)
_OTHER_COLOUR, _OTHER_MARKER = "#7F7F7F", "h"


def family_of(codec: str) -> Family:
    """The family of a codec by its name; one of its own, in grey, for a codec not known here."""
    for family in FAMILIES:
        if codec == family.key or codec.startswith(f"{family.key}-"):
            return family
    name = _BITRATE.sub("", codec)
    return Family(name, name, _OTHER_COLOUR, _OTHER_MARKER)


def codec_of(model: str, sample_rate: int, bitrate_bps: float) -> str:
    """The name that this project gives to a row of the paper's tables."""
    kbps = f"{bitrate_bps / 1000:g}k"
    match model:
        case "SQCodec":
            return f"sqcodec-{kbps}" + ("-24khz" if sample_rate == 24_000 else "")
        case "DAC":
            return f"dac-{sample_rate // 1000}k-{kbps}"
        case "WavTokenizer":
            return f"wavtokenizer-{bitrate_bps:.0f}"
    return f"{model.lower()}-{kbps}"


def short_bitrate(bitrate_bps: float) -> str:
    """480 as "480", 1500 as "1.5k", 24000 as "24k": as the paper writes them."""
    return f"{bitrate_bps / 1000:.3g}k" if bitrate_bps >= 1000 else f"{bitrate_bps:.0f}"
