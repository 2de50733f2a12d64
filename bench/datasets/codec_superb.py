"""The tree of Codec-SUPERB's data, as ``codec_superb_data.zip`` (SLT 2024) unpacks.

    <root>/samples/<dataset>/*.wav

with eight data sets of speech and three of other audio, over which the protocol takes its two
unweighted means. Those that are absent are named, and the means are over the others. Folders
of other names are named and left out: the protocol says neither what they hold nor that they
count. The tree does not say who speaks: every clip is a group of its own.

Source: github.com/voidful/Codec-SUPERB, branch SLT_Challenge.
"""

from __future__ import annotations

from pathlib import Path

from bench.datasets.folder import clip_id, hashed
from bench.datasets.manifest import Manifest, ManifestError, revision_of

NAME = "codec-superb"
SPEECH = (
    "crema_d",
    "fluent_speech_commands",
    "libri2Mix_test",
    "librispeech",
    "quesst",
    "snips_test_valid_subset",
    "vox_lingua_top10",
    "voxceleb1",
)
AUDIO = ("esc50", "fsd50k", "gunshot_triangulation")
DATASETS = dict.fromkeys(SPEECH, "speech") | dict.fromkeys(AUDIO, "effects")
"""The protocol's data sets, with the kind of their clips."""

_SAMPLES = "samples"


def samples_folder(root: Path) -> Path | None:
    """The tree's ``samples`` folder, if `root` (or `root` itself) is such a tree, else None."""
    samples = root if root.resolve().name == _SAMPLES else root / _SAMPLES
    return samples if any((samples / name).is_dir() for name in DATASETS) else None


def load_codec_superb(samples: Path) -> Manifest:
    """The clips of the tree's ``samples`` folder; ids are ``<dataset>/<file name>``.

    Raises:
        ManifestError: there is no clip in it.
    """
    # A name that begins with "." is no clip but what some systems leave beside one.
    files = {name: sorted((samples / name).glob("[!.]*.wav")) for name in DATASETS}
    if not any(files.values()):
        raise ManifestError(f"{samples}: no clips; expected {samples}/<dataset>/*.wav")
    clips = hashed(
        (name, clip_id(path, samples), DATASETS[name], path)
        for name, paths in files.items()
        for path in paths
    )
    return Manifest(NAME, revision_of(clips), clips, tuple(_notes(samples, files)))


def _notes(samples: Path, files: dict[str, list[Path]]) -> list[str]:
    notes = []
    absent = [name for name, paths in files.items() if not paths]
    if absent:
        n_speech, n_audio = (sum(name not in absent for name in of) for of in (SPEECH, AUDIO))
        notes.append(
            f"{samples}: means are over {n_speech} of {len(SPEECH)} data sets of speech and "
            f"{n_audio} of {len(AUDIO)} of audio; absent: {', '.join(absent)}"
        )
    unknown = sorted(
        path.name
        for path in samples.iterdir()
        if path.is_dir() and path.name not in DATASETS and path.name[0] != "."
    )
    if unknown:
        notes.append(
            f"{samples}: left out, no data sets of the protocol: {', '.join(unknown)} "
            "(give such a folder to --data by itself)"
        )
    return notes
