"""Any folder of audio as a data set.

Every audio file below the folder, known by its suffix, is a clip; its id is its path from
there, with "/" between folders, so that clips of one name in two folders, or of one name and
two suffixes, stay two. The folders directly below are the data sets that are averaged on
their own (as in the Codec-SUPERB tree); files beside them are in one named after the folder
itself. A folder does not say who speaks: every clip is a group of its own. What is hidden
(a name that begins with ".") is left out; links are followed. No file is opened but to hash it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import audio
from bench.datasets.manifest import Clip, Manifest, ManifestError, revision_of

SUFFIXES = frozenset(
    (".aif", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".w64", ".wav")
)
"""What passes for audio, in either case: formats that libsndfile reads."""

_MOST_SHOWN = 12


def load_folder(folder: Path, kind: str) -> Manifest:
    """The audio below a folder, all of one kind (speech, music or effects).

    Raises:
        ManifestError: there is none.
    """
    found = sorted(_visible_files(folder))
    paths = [path for path in found if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise ManifestError(
            f"{folder}: no audio in it; expected files ending in {', '.join(sorted(SUFFIXES))}"
        )
    name = folder.resolve().name or "root"
    places = {path: path.relative_to(folder).parts for path in paths}
    clips = hashed(
        (places[path][0] if len(places[path]) > 1 else name, clip_id(path, folder), kind, path)
        for path in paths
    )
    sets = list(dict.fromkeys(clip.dataset for clip in clips))
    notes = [
        f"{folder}: clips: {len(clips)}, all taken for {kind} (--kind); "
        f"data sets, which weigh alike: {_listed(sets)}"
    ]
    others = [str(path.relative_to(folder)) for path in found if path not in places]
    if others:
        notes.append(f"{folder}: left out, no audio by their suffix: {_listed(others)}")
    return Manifest(name, revision_of(clips), clips, tuple(notes))


def _listed(names: list[str]) -> str:
    """Names in a line, with their number where there are many."""
    shown = ", ".join(names[:_MOST_SHOWN])
    rest = len(names) - _MOST_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown


def clip_id(path: Path, root: Path) -> str:
    """A file's path from `root`, with "/"; bytes of its name that are no UTF-8 are escaped."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "backslashreplace")


def hashed(described: Iterable[tuple[str, str, str, Path]]) -> tuple[Clip, ...]:
    """Clips of (dataset, id, kind, path), with the hashes of their files."""
    rows = list(described)
    with ThreadPoolExecutor() as pool:  # hashing and reading leave Python's lock alone
        hashes = list(pool.map(_sha256, (path for *_, path in rows)))
    return tuple(
        Clip(dataset, name, kind, path, sha256, group=name)
        for (dataset, name, kind, path), sha256 in zip(rows, hashes, strict=True)
    )


def _sha256(path: Path) -> str:
    """A file's hash; "" where it cannot be read, which the run then says of its clip."""
    try:
        return audio.sha256(path)
    except OSError:
        return ""


def _visible_files(folder: Path) -> Iterator[Path]:
    """All files below a folder, hidden ones left out; each real folder once, for links may loop."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted(name for name in folders if name[0] != "." and real not in seen)
        if real not in seen:
            yield from (Path(place, name) for name in names if name[0] != ".")
        seen.add(real)
