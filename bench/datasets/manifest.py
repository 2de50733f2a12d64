"""A data set as a table: one row a clip, read from a CSV file.

Columns that a manifest must have: ``id``, ``path`` (relative to the CSV's folder), ``dataset``,
``kind`` (speech, music or effects) and ``sha256`` (of the file). Columns that it may have:
``speaker``, ``language``, ``transcript``, ``label`` and ``group``. Other columns (sources and
licences, say) are for people and are not read. A manifest is checked as a table only: an
audio file that is missing or not the one it was is a fault of that clip, found when it is read.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

KINDS = ("speech", "music", "effects")
REQUIRED_COLUMNS = ("id", "path", "dataset", "kind", "sha256")
OPTIONAL_COLUMNS = ("speaker", "language", "transcript", "label", "group")


class ManifestError(ValueError):
    """A manifest that cannot be used; the message says which one, where in it, and why."""


@dataclass(frozen=True)
class Clip:
    """One reference clip.

    Attributes:
        dataset: the data set it is averaged with.
        id: unique in its manifest.
        kind: ``speech``, ``music`` or ``effects``.
        path: of the audio file.
        sha256: of the audio file, 64 hexadecimal digits.
        speaker: who speaks; "" if nobody or unknown.
        language: of the speech, as an ISO 639 code with a region where it matters.
        transcript: what is said; "" where there is no verified one.
        label: the class of an effect.
        group: clips of one group (a speaker, a track) are not independent of each other.
    """

    dataset: str
    id: str
    kind: str
    path: Path
    sha256: str
    speaker: str = ""
    language: str = ""
    transcript: str = ""
    label: str = ""
    group: str = ""


@dataclass(frozen=True)
class Manifest:
    """A named set of clips.

    Attributes:
        name: of the set, as it is stored with results.
        revision: a hash of all that the manifest says of its clips, their files included.
        clips: in the order of the file.
        notes: what a user has to know of the set, such as what is not in it; a line each.
    """

    name: str
    revision: str
    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()


def load_manifest(csv_path: Path, name: str = "") -> Manifest:
    """Read a manifest and check it; audio files are not looked for.

    Args:
        csv_path: the CSV file, in UTF-8 with a header.
        name: of the set; the file's own without its suffix by default.

    A clip without a group is in that of its speaker, or in one of its own if it has none.

    Raises:
        ManifestError: the file is missing or no CSV, lacks a column, has no row, repeats
            an id, or has a row with an empty or wrong value.
    """
    try:
        with open(csv_path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
            columns = reader.fieldnames or []
    except FileNotFoundError:
        raise ManifestError(f"{csv_path}: no such manifest") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{csv_path}: not readable as CSV: {error}") from error
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        raise ManifestError(
            f"{csv_path}: column {', '.join(missing)} is missing; expected "
            f"{', '.join(REQUIRED_COLUMNS)}, got {', '.join(columns) or 'an empty file'}"
        )
    if not rows:
        raise ManifestError(f"{csv_path}: no clips, only a header")
    clips = []
    line_of: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):
        try:
            clip = _clip(row, csv_path.parent)
        except ValueError as error:
            raise ManifestError(f"{csv_path}, row {line}: {error}") from error
        if clip.id in line_of:
            raise ManifestError(
                f"{csv_path}, row {line}: the id {clip.id!r} is that of row {line_of[clip.id]} too"
            )
        line_of[clip.id] = line
        clips.append(clip)
    return Manifest(name or csv_path.stem, revision_of(clips), tuple(clips))


def _clip(row: dict[str, str | None], folder: Path) -> Clip:
    """One row as a clip; raises ValueError with the reason."""
    if None in row:
        raise ValueError("more values than columns")
    values = {column: (row.get(column) or "").strip() for column in row}
    for column in REQUIRED_COLUMNS:
        if not values[column]:
            raise ValueError(f"{column} is empty")
    if values["kind"] not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {values['kind']!r}")
    if not re.fullmatch("[0-9a-f]{64}", values["sha256"]):
        raise ValueError(f"sha256 must be 64 hexadecimal digits, got {values['sha256']!r}")
    texts = {column: values.get(column, "") for column in OPTIONAL_COLUMNS}
    texts["group"] = texts["group"] or texts["speaker"] or values["id"]
    return Clip(
        dataset=values["dataset"],
        id=values["id"],
        kind=values["kind"],
        path=folder / values["path"],
        sha256=values["sha256"],
        **texts,
    )


def revision_of(clips: Iterable[Clip]) -> str:
    """Hash of the clips, wherever their files lie and in whatever order they come."""
    said = [asdict(clip) | {"path": ""} for clip in sorted(clips, key=lambda clip: clip.id)]
    text = json.dumps(said, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
