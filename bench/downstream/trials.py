"""Trials of speaker verification: pairs of clips, of one speaker or of two.

VoxCeleb1-O's list ``veri_test2.txt`` has a line for each: ``1`` (one speaker) or ``0`` (two),
and the paths of the two files, of which the first folder names the speaker. A line that says
otherwise than its paths do is an error, not a trial. Where a data set has speakers and no list,
all pairs of its clips are trials.

Source of the list: Chung et al., "VoxCeleb2: Deep Speaker Recognition", 2018 (the cleaned list).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bench.datasets.manifest import Clip, ManifestError

_LABELS = {"0": False, "1": True}


@dataclass(frozen=True)
class Trial:
    """Two clips.

    Attributes:
        enrol, test: their ids.
        enrol_speaker, test_speaker: who speaks in them.
        same_language: whether both speak one language, as far as it is known.
    """

    enrol: str
    test: str
    enrol_speaker: str
    test_speaker: str
    same_language: bool = True

    @property
    def target(self) -> bool:
        """Whether one speaker speaks in both."""
        return self.enrol_speaker == self.test_speaker


def read_trials(path: Path) -> tuple[Trial, ...]:
    """Read a list in VoxCeleb's format; clips are called by their paths in it.

    A line that comes twice is two trials: an error rate is over the list as it is published.

    Raises:
        ManifestError: the file is missing or no text; or a line is no trial or contradicts
            its paths; or all trials are of one kind. It names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such list of trials") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not readable as a list of trials: {error}") from error
    trials = []
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != 3 or fields[0] not in _LABELS:
            raise ManifestError(f"{path}, line {number}: expected '1|0 enrol test', got {line!r}")
        label, enrol, test = fields
        trial = Trial(enrol, test, _speaker(enrol, path, number), _speaker(test, path, number))
        if trial.target != _LABELS[label]:
            speakers = "one speaker" if trial.target else "two speakers"
            raise ManifestError(f"{path}, line {number}: label {label}, but paths of {speakers}")
        trials.append(trial)
    if len({trial.target for trial in trials}) < 2:
        raise ManifestError(f"{path}: expected trials of one speaker and of two, got one kind")
    return tuple(trials)


def all_pairs(clips: Sequence[Clip]) -> tuple[Trial, ...]:
    """Every pair of clips whose speakers are known.

    Languages are compared without their region: en-GB and en-US are one.
    """
    spoken = [clip for clip in clips if clip.speaker]
    return tuple(
        Trial(
            one.id,
            other.id,
            one.speaker,
            other.speaker,
            one.language.split("-")[0] == other.language.split("-")[0],
        )
        for one, other in combinations(spoken, 2)
    )


def digest(trials: Iterable[Trial]) -> str:
    """A hash of the trials, in their order."""
    return hashlib.sha256(repr(list(trials)).encode()).hexdigest()[:16]


def _speaker(name: str, path: Path, number: int) -> str:
    speaker, slash, _ = name.partition("/")
    if not slash or not speaker:
        raise ManifestError(
            f"{path}, line {number}: expected a path from its speaker's folder on, got {name!r}"
        )
    return speaker
