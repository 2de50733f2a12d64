"""Clips with the class that they are of: RAVDESS's emotions, ESC-50's events, a manifest's labels.

    <root>/RAVDESS/ravdess/<emotion>-....wav                  (as the challenge names them)
    <root>/.../Actor_12/03-01-06-01-02-01-12.wav              (as RAVDESS names them)
    <root>/ESC-50-master/audio/*.wav, meta/esc50.csv

RAVDESS codes the emotion as the third field of a name, the actor as the last. "calm", its 02,
has no class among those that the protocol's model knows; it is kept under its own name. A label
that is not known is an error that names the file: it would otherwise count as a wrong answer.

Sources: S. R. Livingstone, F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech
and Song", PLoS ONE, 2018; K. J. Piczak, "ESC: Dataset for Environmental Sound Classification",
ACM Multimedia, 2015; github.com/voidful/Codec-SUPERB, branch SLT_Challenge.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.datasets.folder import clip_id, hashed
from bench.datasets.manifest import Clip, Manifest, ManifestError, revision_of
from bench.downstream.aec import ESC50_CLASSES
from bench.downstream.er import CALM, CLASSES

RAVDESS = "ravdess"
ESC50 = "esc-50"

_RAVDESS_PLACES = ("RAVDESS/ravdess", "RAVDESS", "ravdess")
_ESC50_PLACES = ("ESC-50-master", "ESC-50")
_ESC50_COLUMNS = ("filename", "fold", "target", "category")
_ESC50_TABLE = Path("meta/esc50.csv")

# RAVDESS's numbers, in the words of the protocol's model.
_EMOTIONS = {
    "01": "neutral",
    "02": CALM,
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgusted",
    "08": "surprised",
}
_RAVDESS_NAME = re.compile(r"\d\d-\d\d-(\d\d)-\d\d-\d\d-\d\d-\d\d")
_SUNG = re.compile(r"(?:^|-)\d\d-02(?:-\d\d){5}$")
_ACTOR = re.compile(r"\d\d")
_MOST_SHOWN = 3


@dataclass(frozen=True)
class LabelledSet:
    """Clips, each with its class in `label`.

    Attributes:
        manifest: the clips; its revision covers files, labels and folds.
        classes: that a classifier chooses from, in their order.
        fold_of: clip id -> fold that the set itself prescribes; empty where it prescribes none.
    """

    manifest: Manifest
    classes: tuple[str, ...]
    fold_of: Mapping[str, str] = field(default_factory=dict)


def ravdess_folder(root: Path) -> Path | None:
    """Where RAVDESS lies in a Codec-SUPERB tree; None where it does not."""
    return next((root / place for place in _RAVDESS_PLACES if (root / place).is_dir()), None)


def esc50_folder(root: Path) -> Path | None:
    """Where ESC-50 lies in a Codec-SUPERB tree, or `root` if that is it; None where neither.

    In a tree it is known by its name, so that a table of labels that is missing is found
    missing; elsewhere by that table.
    """
    if (root / _ESC50_TABLE).is_file():
        return root
    return next((root / place for place in _ESC50_PLACES if (root / place).is_dir()), None)


def load_ravdess(folder: Path) -> LabelledSet:
    """The clips below a folder of RAVDESS, in either convention of names; both may be mixed.

    Raises:
        ManifestError: there is no clip, or a name says no emotion that is known.
    """
    paths = sorted(p for p in folder.rglob("*.wav") if p.is_file() and p.name[0] != ".")
    if not paths:
        raise ManifestError(f"{folder}: no clips of RAVDESS; expected *.wav below it")
    labels = {clip_id(path, folder): _emotion(path) for path in paths}
    found = hashed((RAVDESS, clip_id(path, folder), "speech", path) for path in paths)
    clips = []
    for clip in found:
        actor = _actor(clip.path)
        clips.append(replace(clip, label=labels[clip.id], speaker=actor, group=actor or clip.id))
    notes = tuple(_doubtful(folder, clips))
    return LabelledSet(Manifest(RAVDESS, revision_of(clips), tuple(clips), notes), CLASSES)


def _doubtful(folder: Path, clips: Sequence[Clip]) -> Iterator[str]:
    """Lines on clips that count as the others do, and perhaps should not be there."""
    hashes = [clip.sha256 for clip in clips if clip.sha256]
    if copies := len(hashes) - len(set(hashes)):
        yield f"{folder}: {copies} clips are copies of others, and count as often as they are there"
    sung = sum(_SUNG.search(clip.path.stem) is not None for clip in clips)
    if sung:
        yield f"{folder}: {sung} clips are sung, by their names; they count as the spoken ones do"


def _emotion(path: Path) -> str:
    """The emotion that a file's name says."""
    numbered = _RAVDESS_NAME.fullmatch(path.stem)
    word = numbered[1] if numbered else path.stem.split("-")[0]
    emotion = _EMOTIONS.get(word, "") if numbered else word
    if emotion not in (*CLASSES, CALM):
        raise ManifestError(
            f"{path}: {word!r} is no emotion that is known; expected a name that begins with "
            f"{', '.join(CLASSES)} or {CALM}, then '-', or one of RAVDESS's own with a third "
            f"field of 01 to {len(_EMOTIONS):02d}"
        )
    return emotion


def _actor(path: Path) -> str:
    """The actor, by the last field of the name; "" where that is no number of two digits."""
    last = path.stem.split("-")[-1]
    return f"actor-{last}" if _ACTOR.fullmatch(last) else ""


def load_esc50(folder: Path) -> LabelledSet:
    """ESC-50, or as much of it as its table lists.

    Raises:
        ManifestError: the table is missing or no table of ESC-50's, names a file twice or one
            that is not there, or has a class or a fold that is not known.
    """
    table = folder / _ESC50_TABLE
    folds: dict[str, str] = {}
    rows: dict[str, tuple[str, str]] = {}  # file name -> class, recording that it is cut from
    for line, row in enumerate(_esc50_rows(table), start=2):
        name, fold = row["filename"], row["fold"]
        where = f"{table}, row {line}"
        if name in rows:
            raise ManifestError(f"{where}: {name} is listed twice")
        if not (folder / "audio" / name).is_file() or not name:
            raise ManifestError(f"{where}: {folder / 'audio' / name} is not there")
        if not fold.isdecimal():
            raise ManifestError(f"{where}: the fold of {name} must be a number, got {fold!r}")
        rows[name] = (_event(row, where), row.get("src_file") or name)
        folds[name] = fold
    if not rows:
        raise ManifestError(f"{table}: lists no clips")
    clips = tuple(
        replace(clip, label=rows[clip.id][0], group=rows[clip.id][1])
        for clip in hashed((ESC50, name, "effects", folder / "audio" / name) for name in rows)
    )
    audio = sorted(path.name for path in (folder / "audio").glob("[!.]*.wav"))
    others = [name for name in audio if name not in rows]
    notes = []
    if others:
        shown = ", ".join(others[:_MOST_SHOWN])
        notes.append(f"{folder}: left out, not in {_ESC50_TABLE.name}: {len(others)}, {shown}")
    return LabelledSet(
        Manifest(ESC50, _revision_with(clips, folds), clips, tuple(notes)), ESC50_CLASSES, folds
    )


def _esc50_rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [{key: (value or "").strip() for key, value in row.items()} for row in reader]
            columns = reader.fieldnames or []
    except FileNotFoundError:
        raise ManifestError(f"{table}: no such file; it has ESC-50's labels and folds") from None
    except (AttributeError, OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{table}: not readable as CSV: {error}") from error
    missing = [column for column in _ESC50_COLUMNS if column not in columns]
    if missing:
        raise ManifestError(f"{table}: column {', '.join(missing)} is missing")
    return rows


def _event(row: dict[str, str], where: str) -> str:
    """A row's class, whose number has to agree."""
    category, target = row["category"], row["target"]
    if category not in ESC50_CLASSES:
        raise ManifestError(f"{where}: {category!r} is no class of ESC-50, of {row['filename']}")
    if target != str(ESC50_CLASSES.index(category)):
        raise ManifestError(
            f"{where}: {category} is class {ESC50_CLASSES.index(category)} of ESC-50, "
            f"got {target!r}, of {row['filename']}"
        )
    return category


def labelled_effects(manifest: Manifest) -> LabelledSet:
    """The effects of a manifest that have a label; its classes are the labels there are.

    Raises:
        ManifestError: none has one.
    """
    clips = tuple(clip for clip in manifest.clips if clip.kind == "effects" and clip.label)
    if not clips:
        raise ManifestError(f"{manifest.name}: no clip of kind effects has a label")
    classes = tuple(sorted({clip.label for clip in clips}))
    return LabelledSet(Manifest(manifest.name, revision_of(clips), clips), classes)


def _revision_with(clips: tuple[Clip, ...], folds: Mapping[str, str]) -> str:
    """Hash of the clips and their folds: a fold decides what a probe is fitted on."""
    return revision_of(replace(clip, speaker=f"fold {folds[clip.id]}") for clip in clips)
