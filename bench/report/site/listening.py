"""The listening room: excerpts of `bench hear`, with what they look like.

Audio is copied as it is; each version gets its waveform, as the path of an SVG, and its
spectrogram, as an image of few colours. All spectrograms of a clip end at one frequency, so
that what a codec cuts off is seen.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import spectrogram

from bench.report.palette import Family, family_of
from bench.report.stored import StoredResultError

_SCHEMA_VERSION = 1
_NAME = re.compile(r"\w[\w.+-]*")

_WINDOW_S, _HOP_S = 0.032, 0.008
_FLOOR_DB = -75.0
_N_COLOURS = 48
_MOST_ROWS = 160
_N_COLUMNS = 180  # of a waveform

WAVE_WIDTH, WAVE_HEIGHT = 360, 60


@dataclass(frozen=True)
class Version:
    """One version of a clip; paths are from the first page."""

    codec: str
    family: Family
    audio: str
    image: str
    wave: str
    bitrate_bps: float
    gain_db: float
    sample_rate: int
    revision: str
    weights: str


@dataclass(frozen=True)
class HeardClip:
    """A clip of the room."""

    clip: str
    dataset: str
    kind: str
    why: str
    licence: str
    attribution: str
    source: str
    transcript: str
    start_s: float
    duration_s: float
    versions: tuple[Version, ...]


@dataclass(frozen=True)
class Room:
    """All that can be heard; no clips where `bench hear` was not run."""

    loudness: str
    clips: tuple[HeardClip, ...]
    licence_texts: tuple[str, ...] = ()

    def heard(self, codec: str) -> set[str]:
        """The clips that can be heard through a codec."""
        return {clip.clip for clip in self.clips if any(v.codec == codec for v in clip.versions)}


def furnish(site: Path, results: Path, dataset: str) -> Room:
    """Copy the excerpts of a data set into the site, and draw them.

    Raises:
        StoredResultError: they are not what their JSON says.
        OSError: the files cannot be written.
    """
    folder = results / "heard" / dataset
    if not (folder / "heard.json").is_file():
        return Room("", ())
    try:
        content = json.loads((folder / "heard.json").read_text(encoding="utf-8"))
        if content["schema"] != _SCHEMA_VERSION:
            raise ValueError(f"its schema is {content['schema']}, expected {_SCHEMA_VERSION}")
        texts = tuple(f"licences/{_name(text)}" for text in content["licence_texts"])
        for text in texts:
            _copy(folder / Path(text).name, site / text)
        clips = tuple(_clip(found, folder, site) for found in content["clips"])
        return Room(str(content["loudness"]), clips, texts)
    except (OSError, ValueError, KeyError, TypeError, soundfile.LibsndfileError) as error:
        raise StoredResultError(
            f"{folder / 'heard.json'}: nothing that can be heard: {type(error).__name__}: {error}"
        ) from error


def _clip(found: dict[str, Any], folder: Path, site: Path) -> HeardClip:
    name = _name(found["clip"])
    signals = {}
    for version in found["versions"]:
        source = folder / name / f"{_name(version['codec'])}.flac"
        if hashlib.sha256(source.read_bytes()).hexdigest() != version["sha256"]:
            raise ValueError(f"{source.name} of {name} is not the file that was heard")
        _copy(source, site / "audio" / name / source.name)
        signals[version["codec"]] = soundfile.read(source, dtype="float32")
    top_hz = max(rate for _, rate in signals.values()) / 2
    peak = max(float(np.abs(signal).max()) for signal, _ in signals.values())
    versions = []
    for version in found["versions"]:
        codec = version["codec"]
        image = f"images/{name}/{codec}.png"
        (site / image).parent.mkdir(parents=True, exist_ok=True)
        signal, sample_rate = signals[codec]
        draw_spectrogram(signal, sample_rate, top_hz, site / image)
        versions.append(
            Version(
                codec=codec,
                family=family_of(codec),
                audio=f"audio/{name}/{codec}.flac",
                image=image,
                wave=wave_path(signal / peak),
                bitrate_bps=version["bitrate_bps"],
                gain_db=version["gain_db"],
                sample_rate=version["sample_rate"],
                revision=version["revision"],
                weights=version["weights"],
            )
        )
    fields = ("dataset", "kind", "why", "licence", "attribution", "source", "transcript")
    return HeardClip(
        clip=name,
        **{field: str(found[field]) for field in fields},
        start_s=float(found["start_s"]),
        duration_s=float(found["duration_s"]),
        versions=tuple(versions),
    )


def wave_path(signal: NDArray[np.float32]) -> str:
    """The outline of a waveform within [-1, 1] as an SVG path: all maxima, back along the minima.

    Units are those of a box of `WAVE_WIDTH` times `WAVE_HEIGHT`.
    """
    n_columns = min(_N_COLUMNS, len(signal))
    parts = np.array_split(signal, n_columns)
    x = np.linspace(0, WAVE_WIDTH, n_columns)
    middle = WAVE_HEIGHT / 2
    heights = [(middle * (1 - float(p.max())), middle * (1 - float(p.min()))) for p in parts]
    tops = [f"{place:.0f} {top:.1f}" for place, (top, _) in zip(x, heights, strict=True)]
    lows = [f"{place:.0f} {low:.1f}" for place, (_, low) in zip(x, heights, strict=True)]
    return f"M{'L'.join([*tops, *reversed(lows)])}Z"


def draw_spectrogram(
    signal: NDArray[np.float32], sample_rate: int, top_hz: float, path: Path
) -> None:
    """Write the spectrogram of audio [T] up to a frequency; black above what the audio has."""
    window = min(round(_WINDOW_S * sample_rate), len(signal))
    overlap = max(0, window - round(_HOP_S * sample_rate))
    frequencies, _, power = spectrogram(
        signal, sample_rate, window="hann", nperseg=window, noverlap=overlap, scaling="spectrum"
    )
    step_hz = float(frequencies[1] - frequencies[0])
    n_rows = round(top_hz / step_hz) + 1
    level_db = 10 * np.log10(power + 1e-12)  # [frequencies, frames]
    level_db = np.pad(
        level_db, ((0, max(0, n_rows - len(level_db))), (0, 0)), constant_values=_FLOOR_DB - 40
    )
    level_db = _fewer_rows(level_db[:n_rows])
    # Of full scale, not of the loudest: versions of a clip share their colours.
    share = np.clip((level_db + 25) / -_FLOOR_DB + 1, 0, 1)
    index = np.round(share * (_N_COLOURS - 1)).astype(np.uint8)[::-1]  # low frequencies below
    image = Image.frombytes("P", (index.shape[1], index.shape[0]), index.tobytes())
    colours = colormaps["magma"](np.linspace(0, 1, _N_COLOURS))[:, :3]
    image.putpalette([int(value) for value in np.round(colours * 255).ravel()])
    image.save(path, format="PNG", optimize=True)


def _fewer_rows(level_db: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loudest of each group of neighbouring frequencies."""
    group = -(-len(level_db) // _MOST_ROWS)
    n_rows = -(-len(level_db) // group)
    padded = np.pad(level_db, ((0, n_rows * group - len(level_db)), (0, 0)), mode="edge")
    return padded.reshape(n_rows, group, -1).max(axis=1)


def _name(value: object) -> str:
    """A clip's or a codec's name, which becomes a file's."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} cannot be the name of a file")
    return value


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
