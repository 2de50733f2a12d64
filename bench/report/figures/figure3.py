"""Figure 3: TPooling on a second of a piano's middle C, from the arrays `sqcodec figures` exports.

Source: SQCodec paper, Figure 3 and Equation (1).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.signal import spectrogram

from bench.report.figures.style import Drawn, absent, note, save
from bench.report.stored import StoredResultError

_SCHEMA_VERSION = 1
_BLUE, _RED, _GREEN = "#0072B2", "#D55E00", "#009E73"
_ZOOM_S = (0.10, 0.13)  # some eight periods
_FLOOR_DB = -80.0
_TOP_HZ = 6_000


@dataclass(frozen=True)
class _Trend:
    sample_rate: int
    audio: NDArray[np.float32]
    kernel: int
    pooled: NDArray[np.float32]
    origin: str


def draw(out: Path, results: Path) -> Drawn:
    """Draw the four panels.

    Raises:
        StoredResultError: the arrays cannot be used.
    """
    name = "figure3"
    caption = "TPooling on one second of middle C, computed by the model's own TPooling."
    path = results / "figures" / "tpooling.npz"
    if not path.is_file():
        return absent(out, name, caption, f"no {path.name} in results/figures: sqcodec figures")
    shown = _read(path)
    time_s = np.arange(len(shown.audio)) / shown.sample_rate
    zoomed = (time_s >= _ZOOM_S[0]) & (time_s <= _ZOOM_S[1])
    figure = Figure(figsize=(7.2, 5.0))
    (spectrum, whole), (zoom, trend) = figure.subplots(2, 2)

    frequencies, times, power = spectrogram(
        shown.audio, shown.sample_rate, window="hann", nperseg=1024, noverlap=896
    )
    level_db = 10 * np.log10(power / power.max() + 1e-12)
    image = spectrum.pcolormesh(
        times, frequencies / 1000, level_db, vmin=_FLOOR_DB, vmax=0, cmap="magma", rasterized=True,
        shading="nearest",
    )  # fmt: skip
    spectrum.set_ylim(0, _TOP_HZ / 1000)
    spectrum.set_ylabel("frequency (kHz)")
    spectrum.grid(False)
    spectrum.set_title("(a) Spectrogram")
    figure.colorbar(image, ax=spectrum, label="dB", pad=0.02)

    pooling = f"TPooling(x, {shown.kernel})"
    whole.plot(time_s, shown.audio, color=_BLUE, linewidth=0.3, label="x", rasterized=True)
    whole.plot(time_s, shown.pooled, color=_RED, linewidth=1.2, label=pooling)
    whole.add_patch(
        Rectangle(
            (_ZOOM_S[0], -0.95), _ZOOM_S[1] - _ZOOM_S[0], 1.9, fill=False, edgecolor=_GREEN,
            linestyle=":", linewidth=1.6, zorder=5,
        )
    )  # fmt: skip
    whole.set_title("(b) Waveform and its trend")
    whole.set_ylim(-1, 1)

    zoom.plot(time_s[zoomed], shown.audio[zoomed], color=_BLUE, linewidth=1, label="x")
    zoom.set_title("(c) The marked part of (b)")
    for side in zoom.spines.values():
        side.set(visible=True, edgecolor=_GREEN, linestyle=":", linewidth=1.6)

    trend.plot(time_s[zoomed], np.abs(shown.audio[zoomed]), color=_BLUE, linewidth=1, label="|x|")
    trend.plot(time_s[zoomed], shown.pooled[zoomed], color=_RED, linewidth=1.6, label=pooling)
    trend.set_title(f"(d) |x| and {pooling}")
    trend.set_ylim(0, 1.25 * float(np.abs(shown.audio[zoomed]).max()))
    for axes in (whole, trend):
        axes.legend(loc="upper right", ncols=2)
    for axes in (spectrum, whole, zoom, trend):
        axes.set_xlabel("time (s)")
    for axes in (whole, zoom, trend):
        axes.set_ylabel("amplitude")
    note(figure, f"{shown.origin}; {shown.sample_rate:,} Hz")
    return save(figure, out, name, caption)


def _read(path: Path) -> _Trend:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if int(arrays["schema"]) != _SCHEMA_VERSION:
                raise ValueError(f"its schema is {arrays['schema']}, expected {_SCHEMA_VERSION}")
            return _Trend(
                int(arrays["sample_rate"]),
                arrays["audio"],
                int(arrays["kernel"]),
                arrays["pooled"],
                str(arrays["origin"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StoredResultError(
            f"{path}: no arrays that can be read: {type(error).__name__}: {error}"
        ) from error
