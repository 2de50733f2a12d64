"""The few clips of a quick evaluation, chosen so that every task can still be asked.

Two clips a speaker, two a class of effects, two a data set of music, in turn: eight clips of
the mini set are of two English speakers with transcripts and of two classes of effects.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain, zip_longest
from pathlib import Path

from bench.datasets.manifest import OPTIONAL_COLUMNS, REQUIRED_COLUMNS, Clip, Manifest
from bench.report.files import replace_text

# Speech and effects have tasks of their own, so music comes after two of each.
_TURNS = ("speech", "effects", "speech", "effects", "music")


def chosen(manifest: Manifest, most: int) -> tuple[Clip, ...]:
    """At most so many clips of a set, the same at every call, in the set's order."""
    left = {kind: _by_twos(manifest, kind) for kind in dict.fromkeys(_TURNS)}
    found: list[Clip] = []
    while len(found) < most and any(left.values()):
        for kind in _TURNS:
            found += left[kind].pop(0) if left[kind] else ()
    kept = {clip.id for clip in found[:most]}
    return tuple(clip for clip in manifest.clips if clip.id in kept)


def write_chosen(manifest: Manifest, most: int, folder: Path) -> Path:
    """Write the chosen clips as a manifest of their own, below `folder`, and return its path.

    Raises:
        OSError: it cannot be written.
    """
    clips = chosen(manifest, most)
    columns = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(clip) | {"path": str(clip.path.absolute())} for clip in clips)
    return replace_text(folder / f"{manifest.name}-{len(clips)}-clips.csv", text.getvalue())


def _by_twos(manifest: Manifest, kind: str) -> list[Sequence[Clip]]:
    """The clips of a kind in pairs that are alike and of different groups where they can be.

    Those that most can be asked of come first: speakers of transcribed English.
    """
    alike: dict[tuple[bool, str, str], list[Clip]] = defaultdict(list)
    for clip in manifest.clips:
        if clip.kind == kind:
            transcribed = bool(clip.transcript) and clip.language.split("-")[0] == "en"
            what = clip.label or clip.speaker or clip.group or clip.dataset
            alike[not transcribed, clip.language, what].append(clip)
    rounds = [
        [clips[start : start + 2] for start in range(0, len(clips), 2)]
        for clips in (_groups_in_turn(alike[key]) for key in sorted(alike))
    ]
    return [pair for pairs in zip_longest(*rounds) for pair in pairs if pair]


def _groups_in_turn(clips: Sequence[Clip]) -> list[Clip]:
    """One clip of every group, then the second of every group, and so on."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        groups[clip.group or clip.id].append(clip)
    taken = chain.from_iterable(zip_longest(*groups.values()))
    return [clip for clip in taken if clip is not None]
