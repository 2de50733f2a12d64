"""Figure 2: the architecture, from the description that `sqcodec figures` exports.

Two columns: the encoder from the top down to the quantizer, the decoder from there up to the
audio, so that what works at one rate stands side by side. A block's width tells its channels.

Source: SQCodec paper, Figure 2; what is drawn is the instantiated network.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from bench.report.figures.style import Drawn, absent, note, save
from bench.report.stored import StoredResultError

_SCHEMA_VERSION = 1
_COLOURS = {
    "TConv unit": "#E69F00",
    "TEConv gate": "#E69F00",
    "Conv unit": "#56B4E9",
    "Convolution": "#cfe8f7",
    "Down layer": "#b9dfd2",
    "Down-sampling": "#b9dfd2",
    "Up layer": "#b9dfd2",
    "Upsampling": "#b9dfd2",
    "Local transformer": "#CC79A7",
    "FSQ": "#F0E442",
    "Last unit": "#56B4E9",
}
_STEP, _HEIGHT = 1.0, 0.78
_NARROW, _WIDE = 3.1, 5.4
_COLUMNS = {"encoder": 0.0, "decoder": 7.6}


def draw(out: Path, results: Path, preset: str = "sqcodec-3k") -> Drawn:
    """Draw the network of a preset.

    Raises:
        StoredResultError: the description cannot be used.
    """
    name = "figure2"
    caption = f"The network of {preset}: blocks, shapes [T, C] for one second, parameters."
    path = results / "figures" / f"architecture-{preset}.json"
    if not path.is_file():
        return absent(out, name, caption, f"no {path.name} in results/figures: sqcodec figures")
    described = _read(path)
    encoder = [block for block in described["blocks"] if block["part"] == "encoder"]
    decoder = [block for block in described["blocks"] if block["part"] == "decoder"]
    (quantizer,) = (block for block in described["blocks"] if block["part"] == "quantizer")
    n_rows = max(len(encoder), len(decoder))
    figure = Figure(figsize=(7.4, 0.43 * n_rows + 1.5))
    axes = figure.subplots()
    axes.set_axis_off()
    bottom = -(n_rows + 0.6) * _STEP
    # Each column ends at the quantizer: the encoder's from above, the decoder's from below.
    encoder_rows = _rows(encoder, n_rows)
    decoder_rows = [-row for row in range(n_rows - 1, n_rows - 1 - len(decoder), -1)]
    _column(axes, encoder, encoder_rows, _COLUMNS["encoder"], "down")
    _column(axes, decoder, decoder_rows, _COLUMNS["decoder"], "up")
    _ends(axes, described, encoder_rows, decoder_rows)
    _quantizer(axes, quantizer, described, encoder_rows[-1], decoder_rows[0], bottom)
    axes.set_xlim(-_WIDE / 2 - 0.3, _COLUMNS["decoder"] + _WIDE / 2 + 0.3)
    axes.set_ylim(bottom - 0.6, 1.5)
    axes.set_title(
        f"{preset}: {described['n_parameters']:,} parameters, "
        f"{described['bitrate_bps']:,.0f} bit/s at {described['sample_rate']:,} Hz"
    )
    note(figure, "[T, C] after each block for one second of audio, and its parameters")
    return save(figure, out, name, caption)


def _read(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        if described["schema"] != _SCHEMA_VERSION:
            raise ValueError(f"its schema is {described['schema']}, expected {_SCHEMA_VERSION}")
        total = sum(block["n_parameters"] for block in described["blocks"])
        if total != described["n_parameters"]:
            raise ValueError(
                f"its blocks have {total:,} parameters, the network {described['n_parameters']:,}"
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoredResultError(
            f"{path}: no architecture that can be read: {type(error).__name__}: {error}"
        ) from error
    return described


def _rows(encoder: Sequence[dict[str, Any]], n_rows: int) -> list[float]:
    """Rows of the encoder's blocks, spread over those of the longer decoder."""
    if len(encoder) == 1:
        return [0.0]
    step = (n_rows - 1) / (len(encoder) - 1)
    return [-i * step for i in range(len(encoder))]


def _column(
    axes: Axes, blocks: Sequence[dict[str, Any]], rows: Sequence[float], x: float, way: str
) -> None:
    for i, (block, row) in enumerate(zip(blocks, rows, strict=True)):
        _box(axes, block, x, row * _STEP)
        if i:
            sign = 1 if way == "down" else -1
            _arrow(axes, (x, rows[i - 1] - sign * _HEIGHT / 2), (x, row + sign * _HEIGHT / 2))


def _box(axes: Axes, block: dict[str, Any], x: float, y: float) -> None:
    channels = max(block["shape_in"][1], block["shape_out"][1])
    width = _NARROW + (_WIDE - _NARROW) * math.log2(channels) / math.log2(384)
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - _HEIGHT / 2),
            width,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=_COLOURS.get(block["kind"], "#dddddd"),
            edgecolor="black",
            linewidth=0.6,
        )
    )
    times = f", {block['repeats']} times" if block["repeats"] > 1 else ""
    detail = f" ({block['detail']})" if block["detail"] else ""
    axes.text(x, y + 0.14, block["kind"] + times + detail, ha="center", va="center", fontsize=6.3)
    length, channels = block["shape_out"]
    parameters = _parameters(block["n_parameters"])
    axes.text(x, y - 0.18, f"→ [{length:,}, {channels}], {parameters}", ha="center", va="center",
              fontsize=5.8, color="#222222")  # fmt: skip


def _ends(
    axes: Axes,
    described: dict[str, Any],
    encoder_rows: Sequence[float],
    decoder_rows: Sequence[float],
) -> None:
    """The audio that comes and the audio that goes."""
    left, right = _COLUMNS["encoder"], _COLUMNS["decoder"]
    n_samples = described["n_samples"]
    for x, row, text, inward in (
        (left, encoder_rows[0], "audio x", True),
        (right, decoder_rows[-1], "audio x̂", False),
    ):
        top, edge = row + 1.0, row + _HEIGHT / 2
        axes.text(x, top + 0.08, f"{text} [{n_samples:,}]", ha="center", va="bottom", fontsize=7)
        _arrow(axes, *(((x, top), (x, edge)) if inward else ((x, edge), (x, top))))


def _quantizer(
    axes: Axes,
    block: dict[str, Any],
    described: dict[str, Any],
    from_row: float,
    to_row: float,
    y: float,
) -> None:
    left, right = _COLUMNS["encoder"], _COLUMNS["decoder"]
    middle = (left + right) / 2
    codes = block["shape_out"][0]
    shown = {
        **block,
        "detail": f"levels {', '.join(str(n) for n in described['fsq_levels'])}",
    }
    _box(axes, shown, middle, y)
    axes.text(middle, y - 0.5, f"{codes} codes of {described['codebook_size']:,} a second",
              ha="center", va="top", fontsize=6.3)  # fmt: skip
    edge = _WIDE / 2 - 0.1
    _arrow(
        axes, (left, from_row - _HEIGHT / 2), (middle - edge, y), bent="angle,angleA=-90,angleB=0"
    )
    _arrow(
        axes, (middle + edge, y), (right, to_row - _HEIGHT / 2), bent="angle,angleA=0,angleB=-90"
    )


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], bent: str = "arc3"
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=7, linewidth=0.8, color="black",
            connectionstyle=bent, shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


def _parameters(number: int) -> str:
    if number >= 1e6:
        return f"{number / 1e6:.2f} M"
    return f"{number / 1e3:.1f} k" if number >= 1e3 else f"{number}"
