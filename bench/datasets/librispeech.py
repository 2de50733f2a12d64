"""LibriSpeech's test sets, in the folders that OpenSLR's archives unpack to.

    <folder>/test-clean|test-other/<speaker>/<chapter>/<speaker>-<chapter>-<utterance>.flac
    <folder>/.../<speaker>-<chapter>.trans.txt          lines "<utterance's name> WHAT IS SAID"

Names and transcripts have to agree: an utterance without a line, or a line without its file, is
an error that names it, and no silent gap in a score.

Source: Panayotov et al., "LibriSpeech: An ASR Corpus Based on Public Domain Audio Books", 2015.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.datasets.folder import clip_id, hashed
from bench.datasets.manifest import Clip, Manifest, ManifestError, revision_of

NAME = "librispeech"
SPLITS = ("test-clean", "test-other")
"""Over which the protocol takes one word error rate."""


def load_librispeech(folder: Path) -> Manifest:
    """The utterances of the splits that are below a folder; ids are paths from there.

    Raises:
        ManifestError: there is none, or transcripts and files do not agree.
    """
    here = [split for split in SPLITS if (folder / split).is_dir()]
    if not here:
        raise ManifestError(f"{folder}: neither {' nor '.join(SPLITS)} is in it")
    said: dict[Path, str] = {}
    for split in here:
        said |= _of_split(folder / split)
    found = hashed((NAME, clip_id(path, folder), "speech", path) for path in said)
    clips = tuple(_described(clip, said[clip.path]) for clip in found)
    absent = [split for split in SPLITS if split not in here]
    notes = (f"{folder}: without {', '.join(absent)}",) if absent else ()
    return Manifest(NAME, revision_of(clips), clips, notes)


def _of_split(folder: Path) -> dict[Path, str]:
    """What is said in each file of a split."""
    said: dict[Path, str] = {}
    audio = sorted(folder.glob("*/*/[!.]*.flac"))
    if not audio:
        raise ManifestError(f"{folder}: no utterances; expected <speaker>/<chapter>/*.flac")
    for chapter in dict.fromkeys(path.parent for path in audio):
        transcripts = chapter / f"{chapter.parent.name}-{chapter.name}.trans.txt"
        said |= _of_chapter(transcripts)
    unsaid = [path for path in audio if path not in said]
    if unsaid:
        raise ManifestError(f"{unsaid[0]}: has no line in the transcripts of its chapter")
    return said


def _of_chapter(transcripts: Path) -> dict[Path, str]:
    try:
        lines = transcripts.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ManifestError(f"{transcripts}: no such file; it has what is said") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{transcripts}: not readable as transcripts: {error}") from error
    said = {}
    for number, line in enumerate(lines, start=1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        path = transcripts.parent / f"{name}.flac"
        if not text.strip():
            raise ManifestError(f"{transcripts}, line {number}: nothing is said in {name}")
        if path in said or not path.is_file():
            why = "comes twice" if path in said else f"names {path}, which is not there"
            raise ManifestError(f"{transcripts}, line {number}: {why}")
        said[path] = text.strip()
    return said


def _described(clip: Clip, text: str) -> Clip:
    speaker = clip.path.name.split("-")[0]
    return replace(clip, transcript=text, speaker=speaker, group=speaker, language="en")
