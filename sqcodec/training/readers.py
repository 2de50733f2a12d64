"""Training audio as users have it on disk: the paper's data sets, folders, manifests.

Each reader takes a folder (or a CSV file) and returns its files to train on, in the order of
their paths; what a data set keeps for development and test is left out. Nothing is decoded
here: a file that turns out to be corrupt is skipped, counted and named by `corpus`.

Source: SQCodec paper, section 4.1 (LibriSpeech, Common Voice 18, MTG-Jamendo in low quality,
FSD50K), and the layouts in which those are published.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqcodec.training.sources import AUDIO_SUFFIXES, KINDS, TrainingFile

SUFFIXES = (*AUDIO_SUFFIXES, ".mp3", ".aif", ".aiff")


class SourceError(ValueError):
    """A folder or a file is not what it was said to be; the message says what was looked for."""


def librispeech(root: Path) -> list[TrainingFile]:
    """LibriSpeech, ``train-*/SPEAKER/CHAPTER/*.flac``, below `root` or `root`/LibriSpeech."""
    files = []
    for path in _found(_below(root, "LibriSpeech"), "train-*/*/*/*.flac"):
        speaker = f"librispeech-{path.parent.parent.name}"
        files.append(_file(path, root, "librispeech", "speech", speaker, "en", "CC-BY-4.0"))
    return _some(files, root, "train-*/SPEAKER/CHAPTER/*.flac")


def common_voice(root: Path) -> list[TrainingFile]:
    """Common Voice, ``train.tsv`` and ``clips/``, of one language or of several below `root`."""
    files = []
    for table in sorted([*root.glob("train.tsv"), *root.glob("*/train.tsv")]):
        for row in _rows(table, "\t", ("client_id", "path")):
            path = table.parent / "clips" / row["path"]
            speaker = f"common-voice-{row['client_id'][:16]}"
            language = row.get("locale") or table.parent.name
            files.append(_file(path, root, "common-voice", "speech", speaker, language, "CC0-1.0"))
    return _some(files, root, "LANGUAGE/train.tsv")


def mtg_jamendo(root: Path) -> list[TrainingFile]:
    """MTG-Jamendo, ``NN/TRACK.low.mp3`` or ``NN/TRACK.mp3``.

    Tracks of one artist stay together where one of the set's tables (``raw*.tsv``,
    ``autotagging*.tsv``) lies in `root` or `root`/data.
    """
    artists: dict[str, str] = {}
    tables = [*root.glob("*.tsv"), *root.glob("data/*.tsv")]
    for table in sorted(tables):
        if not table.name.startswith(("raw", "autotagging")) or ".meta." in table.name:
            continue  # `raw.meta.tsv` has titles, and no paths
        for row in _rows(table, "\t", ("ARTIST_ID", "PATH")):
            artists[Path(row["PATH"]).name.split(".")[0]] = row["ARTIST_ID"]
    files = []
    for path in _found(root, "[0-9][0-9]/*.mp3"):
        track = path.name.split(".")[0]
        group = artists.get(track, f"track_{track}")
        file = _file(path, root, "mtg-jamendo", "music", "", "", "Creative Commons, by track")
        files.append(replace(file, group=f"mtg-jamendo-{group}"))
    return _some(files, root, "NN/*.mp3")


def fsd50k(root: Path) -> list[TrainingFile]:
    """FSD50K, ``FSD50K.dev_audio/*.wav``.

    Sounds of one uploader stay together, and each has its own licence, where
    ``FSD50K.metadata/dev_clips_info_FSD50K.json`` is there.
    """
    metadata = root / "FSD50K.metadata" / "dev_clips_info_FSD50K.json"
    clips: dict[str, dict[str, Any]] = {}
    if metadata.exists():
        try:
            clips = json.loads(metadata.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SourceError(f"{metadata} is no JSON file: {error}") from error
    files = []
    for path in _found(root, "FSD50K.dev_audio/*.wav"):
        about = clips.get(path.stem, {})
        licence = about.get("license", "Creative Commons, by clip")
        group = about.get("uploader", path.stem)
        file = _file(path, root, "fsd50k", "effects", "", "", licence)
        files.append(replace(file, group=f"fsd50k-{group}"))
    return _some(files, root, "FSD50K.dev_audio/*.wav")


def folder(root: Path, kind: str = "speech") -> list[TrainingFile]:
    """Any folder of audio files.

    Files below a folder called speech, music or effects are of that kind, all others of
    `kind`. Speech files that lie in one folder are taken for one speaker's.
    """
    if kind not in KINDS:
        raise SourceError(f"kind must be one of {KINDS}, got {kind!r}")
    files = []
    for path in _found(root, "**/*"):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            named = [part for part in path.relative_to(root).parent.parts if part in KINDS]
            of_kind = named[-1] if named else kind
            speaker = path.parent.relative_to(root).as_posix() if of_kind == "speech" else ""
            files.append(_file(path, root, root.name, of_kind, speaker, "", ""))
    return _some(files, root, f"files ending in {', '.join(SUFFIXES)}")


def manifest(path: Path) -> list[TrainingFile]:
    """A CSV file with the columns path (absolute, or relative to it) and kind.

    It may have the columns group (a speaker or a track), speaker, language and licence too.
    """
    files = []
    for row in _rows(path, ",", ("path", "kind")):
        if row["kind"] not in KINDS:
            raise SourceError(f"{path}: kind must be one of {KINDS}, got {row['kind']!r}")
        file = _file(
            path.parent / row["path"],
            path.parent,
            path.stem,
            row["kind"],
            row.get("speaker") or "",
            row.get("language") or "",
            row.get("licence") or "",
        )
        files.append(replace(file, group=row.get("group") or file.group))
    return _some(files, path, "rows")


READERS: dict[str, Callable[[Path], list[TrainingFile]]] = {
    "librispeech": librispeech,
    "common-voice": common_voice,
    "mtg-jamendo": mtg_jamendo,
    "fsd50k": fsd50k,
    "folder": folder,
    "manifest": manifest,
}


def read_source(source: str) -> list[TrainingFile]:
    """Return the files of ``READER=PATH``.

    Raises:
        SourceError: there is no such reader, or it finds nothing at the path.
    """
    name, separator, path = source.partition("=")
    if not separator or name not in READERS:
        raise SourceError(f"expected one of {', '.join(READERS)}, '=' and a path, got {source!r}")
    return READERS[name](Path(path).expanduser())


def _file(
    path: Path, root: Path, package: str, kind: str, speaker: str, language: str, licence: str
) -> TrainingFile:
    relative = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
    group = speaker or relative
    return TrainingFile(path, relative, package, kind, group, speaker, language, licence)


def _below(root: Path, name: str) -> Path:
    return root / name if (root / name).is_dir() else root


def _found(root: Path, pattern: str) -> Iterable[Path]:
    return sorted(root.glob(pattern))


def _rows(table: Path, delimiter: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table that must have some columns, and something in them."""
    try:
        with open(table, newline="", encoding="utf-8-sig") as opened:
            # Sentences of Common Voice hold lone quotation marks.
            reader = (
                csv.DictReader(opened, delimiter="\t", quoting=csv.QUOTE_NONE)
                if delimiter == "\t"
                else csv.DictReader(opened, delimiter=delimiter)
            )
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise SourceError(f"{table} has no column {' or '.join(missing)}")
            for row in reader:
                empty = [name for name in columns if not row[name]]
                if empty:
                    raise SourceError(f"{table}, line {reader.line_num}: no {empty[0]}")
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{table} cannot be read as a table: {error}") from error


def _some(files: list[TrainingFile], place: Path, pattern: str) -> list[TrainingFile]:
    if not files:
        raise SourceError(f"{place} holds no {pattern}")
    return files
