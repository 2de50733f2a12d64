"""The packed training corpus: free audio in one file that can be read at random.

A corpus is a folder with

- ``audio.i16``: every clip, mono, int16, one after the other;
- ``clips.csv``: a row a clip, in the columns of `CLIP_COLUMNS`;
- ``corpus.json``: the sample rate, totals, the packages with their versions, and what was
  left out and why.

Clips are mixed to mono by the mean of their channels and resampled by soxr. A clip whose
peak exceeds full scale is scaled down to it; levels are left alone otherwise. Silent clips,
clips under `MIN_DURATION_S` and repeats of a recording already packed are dropped.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import soxr
from numpy.typing import NDArray

from sqcodec.training.decode import read_audio
from sqcodec.training.sources import KINDS, TrainingFile

SILENT_PEAK = 1e-3
MIN_DURATION_S = 0.1
VALIDATION_SHARE = 0.03
DECODED_AT_ONCE = 32  # bounds the audio held in memory


@dataclass(frozen=True)
class PackedClip:
    """A row of ``clips.csv``.

    Attributes:
        clip_id: the package and the path in it.
        group: the speaker, or the track for music and effects; never in both splits.
        split: ``train`` or ``val``.
        start_sample, n_samples: where it lies in ``audio.i16``.
    """

    clip_id: str
    kind: str
    package: str
    group: str
    speaker: str
    language: str
    licence: str
    split: str
    start_sample: int
    n_samples: int


CLIP_COLUMNS = tuple(PackedClip.__dataclass_fields__)


@dataclass
class LeftOut:
    """Clips that were not packed: corrupt ones by name with the reason, others counted."""

    corrupt: dict[str, str] = field(default_factory=dict)
    silent: int = 0
    too_short: int = 0
    repeated: int = 0


def build_corpus(
    files: Sequence[TrainingFile],
    folder: Path,
    *,
    sample_rate: int = 16_000,
    versions: dict[str, str] | None = None,
    origin: str = "a packed corpus",
    on_clip: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Decode `files` and pack them into `folder`; return what ``corpus.json`` says.

    Args:
        sample_rate: of the packed audio, Hz.
        versions: version by package, for the record.
        origin: where the audio comes from, in a few words; weights trained on it repeat them.
        on_clip: called after each file, for progress.

    Raises:
        ValueError: if `sample_rate` is not positive or not one clip could be packed.
        FileExistsError: if `folder` exists; a corpus is never overwritten.
    """
    if sample_rate <= 0:
        raise ValueError(f"sample_rate must be positive, got {sample_rate}")
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; remove it or choose another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its destination, so that the final rename cannot cross a file system.
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        left_out = LeftOut()
        with open(temporary / "audio.i16", "wb") as audio_file:
            clips = list(_pack(files, audio_file, sample_rate, left_out, on_clip))
        if not clips:
            raise ValueError(f"none of the {len(files)} files could be packed")
        clips = _split(clips)
        with open(temporary / "clips.csv", "w", newline="", encoding="utf-8") as table:
            writer = csv.DictWriter(table, CLIP_COLUMNS)
            writer.writeheader()
            writer.writerows(asdict(clip) for clip in clips)
        summary = {
            "sample_rate": sample_rate,
            **_totals(clips, sample_rate),
            "origin": origin,
            "packages": versions or {},
            "left_out": asdict(left_out),
        }
        (temporary / "corpus.json").write_text(json.dumps(summary, indent=2) + "\n")
        os.chmod(temporary, 0o755)  # mkdtemp's own mode shuts other users out
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary)
        raise
    return summary


class PackedCorpus:
    """A packed corpus, read by memory map.

    Attributes:
        sample_rate: Hz.
        clips: the table, a row a clip, in the columns of `CLIP_COLUMNS`.
        summary: what ``corpus.json`` says.
    """

    def __init__(self, audio: NDArray[np.int16], clips: pd.DataFrame, summary: dict[str, Any]):
        self.sample_rate: int = summary["sample_rate"]
        self.clips = clips
        self.summary = summary
        self._audio = audio
        self._starts = clips["start_sample"].to_numpy()
        self._lengths = clips["n_samples"].to_numpy()

    @classmethod
    def open(cls, folder: Path) -> PackedCorpus:
        """Open the corpus in `folder`.

        Raises:
            FileNotFoundError: if it is not a corpus.
            ValueError: if its files do not fit together.
        """
        for name in ("audio.i16", "clips.csv", "corpus.json"):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder} is no packed corpus: {name} is missing")
        try:
            clips = pd.read_csv(folder / "clips.csv", keep_default_na=False)
            summary = json.loads((folder / "corpus.json").read_text())
            summary["sample_rate"] = int(summary["sample_rate"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{folder} is damaged, pack it again: {error}") from error
        if tuple(clips.columns) != CLIP_COLUMNS:
            raise ValueError(f"{folder}: clips.csv has columns {list(clips.columns)}")
        audio = np.memmap(folder / "audio.i16", dtype="<i2", mode="r")
        expected = int(clips["n_samples"].sum())
        if len(audio) != expected:
            raise ValueError(
                f"{folder}: audio.i16 holds {len(audio)} samples, clips.csv names {expected}"
            )
        return cls(audio, clips, summary)

    def __len__(self) -> int:
        return len(self.clips)

    def read(
        self, clip_index: int, start: int = 0, n_samples: int | None = None
    ) -> NDArray[np.float32]:
        """Clip `clip_index`, float32 [T] in [-1, 1], or `n_samples` of it from `start` on.

        A part that reaches beyond the clip's end stops there.

        Raises:
            IndexError: if there is no such clip.
            ValueError: if `start` lies outside the clip.
        """
        if not 0 <= clip_index < len(self):
            raise IndexError(f"clip {clip_index} of {len(self)}")
        length = int(self._lengths[clip_index])
        if not 0 <= start < length:
            raise ValueError(f"start must lie in 0..{length - 1}, got {start}")
        stop = length if n_samples is None else min(length, start + n_samples)
        offset = int(self._starts[clip_index])
        part = self._audio[offset + start : offset + stop]
        return np.multiply(part, 1 / 32768, dtype=np.float32)


def _pack(
    files: Sequence[TrainingFile],
    audio_file: IO[bytes],
    sample_rate: int,
    left_out: LeftOut,
    on_clip: Callable[[], None],
) -> Iterator[PackedClip]:
    """Append each file's audio to `audio_file` and yield its row, without its split."""
    seen: set[bytes] = set()
    position = 0
    for file, outcome in _decoded(files, sample_rate):
        on_clip()
        clip_id = f"{file.package}/{file.relative_path}"
        if isinstance(outcome, ValueError):
            left_out.corrupt[clip_id] = str(outcome)
            continue
        digest = hashlib.sha256(outcome.tobytes()).digest()
        if len(outcome) < MIN_DURATION_S * sample_rate:
            left_out.too_short += 1
        elif np.abs(outcome.astype(np.int32)).max() < SILENT_PEAK * 32767:
            left_out.silent += 1
        elif digest in seen:
            left_out.repeated += 1
        else:
            seen.add(digest)
            audio_file.write(outcome.astype("<i2").tobytes())
            yield PackedClip(
                clip_id,
                file.kind,
                file.package,
                file.group,
                file.speaker,
                file.language,
                file.licence,
                "train",
                position,
                len(outcome),
            )
            position += len(outcome)


def _decoded(
    files: Sequence[TrainingFile], sample_rate: int
) -> Iterator[tuple[TrainingFile, NDArray[np.int16] | ValueError]]:
    """Decode in threads (soundfile and soxr release the lock), a bounded batch at a time."""

    def decode(file: TrainingFile) -> NDArray[np.int16] | ValueError:
        try:
            return decode_mono(file.path, sample_rate)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(0, len(files), DECODED_AT_ONCE):
            batch = files[first : first + DECODED_AT_ONCE]
            yield from zip(batch, pool.map(decode, batch), strict=True)


def decode_mono(path: Path, sample_rate: int) -> NDArray[np.int16]:
    """Read a file as mono int16 [T] at `sample_rate`."""
    audio, native_rate = read_audio(path)
    mono = audio.mean(axis=1)  # (T,)
    if native_rate != sample_rate:
        mono = soxr.resample(mono, native_rate, sample_rate)
    peak = float(np.abs(mono).max(initial=0.0))
    return np.round(mono * (32767 / max(peak, 1.0))).astype(np.int16)


def _split(clips: Sequence[PackedClip]) -> list[PackedClip]:
    """Move whole groups to the validation split, about `VALIDATION_SHARE` of each kind.

    Groups are taken in the order of a hash of their names, so that the choice is the same
    every time; a group that would exceed the share is passed over.
    """
    n_samples: dict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        n_samples[clip.kind][clip.group] += clip.n_samples
    held: set[tuple[str, str]] = set()
    for kind, groups in n_samples.items():
        room = VALIDATION_SHARE * groups.total()
        for group in sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest()):
            if groups[group] <= room:
                room -= groups[group]
                held.add((kind, group))
    return [
        PackedClip(**{**asdict(clip), "split": "val"}) if (clip.kind, clip.group) in held else clip
        for clip in clips
    ]


def _totals(clips: Sequence[PackedClip], sample_rate: int) -> dict[str, Any]:
    """Clips, hours, speakers and hours of validation by kind."""
    totals: dict[str, Any] = {}
    for kind in KINDS:
        of_kind = [clip for clip in clips if clip.kind == kind]
        hours = sum(clip.n_samples for clip in of_kind) / sample_rate / 3600
        validation = sum(clip.n_samples for clip in of_kind if clip.split == "val")
        totals[kind] = {
            "clips": len(of_kind),
            "hours": round(hours, 3),
            "validation_hours": round(validation / sample_rate / 3600, 3),
            "speakers": len({clip.speaker for clip in of_kind if clip.speaker}),
            "languages": len({clip.language for clip in of_kind if clip.language}),
        }
    return {"totals": totals}
