"""VoxCeleb1-O: the list of trials ``veri_test2.txt`` and the clips that it names.

    <root>/vox1_test_wav/wav/<speaker>/<video>/<n>.wav
    <root>/veri_test2.txt, or in one of those two folders

Source: Nagrani et al., "VoxCeleb: A Large-Scale Speaker Identification Dataset", 2017.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.datasets.folder import hashed
from bench.datasets.manifest import Clip, ManifestError
from bench.downstream.trials import Trial, read_trials

NAME = "voxceleb1-o"
LIST = "veri_test2.txt"

_AUDIO = Path("vox1_test_wav")


def voxceleb_folder(root: Path) -> Path | None:
    """Where VoxCeleb1's test set lies in a Codec-SUPERB tree; None where it does not."""
    return root / _AUDIO if (root / _AUDIO).is_dir() else None


def load_voxceleb(root: Path) -> tuple[tuple[Clip, ...], tuple[Trial, ...]]:
    """The clips that have trials, called by their paths in the list, and the trials.

    Raises:
        ManifestError: the list is missing or wrong, or names a file that is not there.
    """
    places = [root / LIST, root / _AUDIO / LIST, root / _AUDIO / "wav" / LIST]
    path = next((place for place in places if place.is_file()), places[0])
    trials = read_trials(path)
    wav = root / _AUDIO / "wav"
    speakers: dict[str, str] = {}
    for trial in trials:
        speakers[trial.enrol] = trial.enrol_speaker
        speakers[trial.test] = trial.test_speaker
    lost = sorted(name for name in speakers if not (wav / name).is_file())
    if lost:
        raise ManifestError(f"{path}: names {wav / lost[0]}, which is not there ({len(lost)} such)")
    found = hashed((NAME, name, "speech", wav / name) for name in sorted(speakers))
    clips = tuple(
        replace(clip, speaker=speakers[clip.id], group=speakers[clip.id]) for clip in found
    )
    return clips, trials
