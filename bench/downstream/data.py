"""What the four tasks are asked on: the parts of a Codec-SUPERB tree, or any labelled clips.

A tree has LibriSpeech for asr, VoxCeleb1-O for asv, RAVDESS for er and ESC-50 for aec. Of any
other data set asr takes the transcribed English clips, asv all pairs of clips whose speakers
are known, and aec the labelled effects. Clips are listed and hashed here, never loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.datasets import codec_superb
from bench.datasets.librispeech import load_librispeech
from bench.datasets.load import DATASETS, load_data
from bench.datasets.manifest import Manifest, revision_of
from bench.downstream.labelled import (
    LabelledSet,
    esc50_folder,
    labelled_effects,
    load_esc50,
    load_ravdess,
    ravdess_folder,
)
from bench.downstream.score import TaskData
from bench.downstream.trials import all_pairs, digest
from bench.downstream.voxceleb import NAME as VOXCELEB
from bench.downstream.voxceleb import load_voxceleb, voxceleb_folder
from bench.weights import revision

_LIBRISPEECH = "LibriSpeech"
_MOST_PAIRS = 1_000_000
_NEEDS_RAVDESS = (
    "no emotions are labelled here: it needs RAVDESS, which a Codec-SUPERB tree has in "
    "RAVDESS/ravdess (--data)"
)


@dataclass(frozen=True)
class Application:
    """What a data set offers to the tasks.

    Attributes:
        name: of the data set.
        tasks: what each task is asked on, by its name.
        absent: why a task is not asked, by its name; a line each.
    """

    name: str
    tasks: dict[str, TaskData]
    absent: dict[str, str]


def load_application(data: str, kind: str | None = None) -> Application:
    """What the tasks find in what a user types after `--data`.

    Raises:
        UnknownNameError: neither a bundled set nor a path that exists.
        ManifestError: labels, transcripts or trials that cannot be used, or files that they
            name and that are not there.
    """
    root = Path(data).expanduser()
    if data not in DATASETS and root.is_dir() and _is_tree(root):
        return _of_tree(root)
    return of_manifest(load_data(data, kind))


def of_manifest(manifest: Manifest) -> Application:
    """What the tasks find in a set of clips that says who speaks what, or what sounds."""
    tasks: dict[str, TaskData] = {}
    absent = {"er": _NEEDS_RAVDESS}
    said = [c for c in manifest.clips if c.transcript and c.language.split("-")[0] == "en"]
    if said:
        name = f"{manifest.name}, its transcribed English clips"
        tasks["asr"] = TaskData("asr", name, revision_of(said), tuple(said))
    else:
        absent["asr"] = "no English clip has a transcript here"
    spoken = tuple(clip for clip in manifest.clips if clip.kind == "speech" and clip.speaker)
    n_pairs = len(spoken) * (len(spoken) - 1) // 2
    trials = all_pairs(spoken) if n_pairs <= _MOST_PAIRS else ()
    if n_pairs > _MOST_PAIRS:
        absent["asv"] = f"{n_pairs:,} pairs of clips are more than the {_MOST_PAIRS:,} it compares"
    elif len({t.target for t in trials if t.target or t.same_language}) < 2:
        absent["asv"] = (
            "no trials can be made here: it needs two clips of one speaker, and two speakers of "
            "one language"
        )
    else:
        name = f"{manifest.name}, all pairs of its speakers' clips"
        hashes = revision(revision_of(spoken), digest(trials))
        tasks["asv"] = TaskData("asv", name, hashes, spoken, trials)
    if any(clip.kind == "effects" and clip.label for clip in manifest.clips):
        tasks["aec"] = _labelled("aec", labelled_effects(manifest), "its labelled effects")
    else:
        absent["aec"] = "no clip of kind effects has a label here"
    return Application(manifest.name, tasks, absent)


def _is_tree(root: Path) -> bool:
    folders: tuple[Callable[[Path], Path | None], ...] = (
        codec_superb.samples_folder,
        voxceleb_folder,
        ravdess_folder,
        esc50_folder,
    )
    return (root / _LIBRISPEECH).is_dir() or any(find(root) is not None for find in folders)


def _of_tree(root: Path) -> Application:
    tasks: dict[str, TaskData] = {}
    absent: dict[str, str] = {}
    if (root / _LIBRISPEECH).is_dir():
        found = load_librispeech(root / _LIBRISPEECH)
        splits = " + ".join(dict.fromkeys(clip.id.split("/")[0] for clip in found.clips))
        name = f"LibriSpeech {splits}"
        tasks["asr"] = TaskData("asr", name, found.revision, found.clips, notes=found.notes)
    else:
        absent["asr"] = f"no {_LIBRISPEECH} in {root}"
    if voxceleb_folder(root) is not None:
        clips, trials = load_voxceleb(root)
        hashes = revision(revision_of(clips), digest(trials))
        tasks["asv"] = TaskData("asv", VOXCELEB, hashes, clips, trials)
    else:
        absent["asv"] = f"no vox1_test_wav in {root}"
    ravdess, esc50 = ravdess_folder(root), esc50_folder(root)
    if ravdess is None:
        absent["er"] = f"no RAVDESS in {root}"
    else:
        tasks["er"] = _labelled("er", load_ravdess(ravdess))
    if esc50 is None:
        absent["aec"] = f"no ESC-50 in {root}"
    else:
        tasks["aec"] = _labelled("aec", load_esc50(esc50))
    return Application(codec_superb.NAME, tasks, absent)


def _labelled(task: str, found: LabelledSet, what: str = "") -> TaskData:
    manifest = found.manifest
    name = f"{manifest.name}, {what}" if what else manifest.name
    return TaskData(
        task,
        name,
        manifest.revision,
        manifest.clips,
        folds=found.fold_of,
        notes=manifest.notes,
    )
