"""From what a user types after ``--data`` to the clips.

The name of a bundled set; a folder with Codec-SUPERB's tree in it; any other folder of audio;
or a manifest, a CSV file. A name wins over a folder of the same name (``./mini`` is the folder).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.datasets.codec_superb import NAME, load_codec_superb, samples_folder
from bench.datasets.folder import load_folder
from bench.datasets.manifest import KINDS, Manifest, ManifestError, load_manifest
from bench.datasets.mini import mini
from bench.names import UnknownNameError

DATASETS: dict[str, Callable[[], Manifest]] = {"mini": mini}
"""The bundled sets, by name."""

_MANIFEST_SUFFIX = ".csv"
_DEFAULT_KIND = "speech"


def load_data(data: str, kind: str | None = None) -> Manifest:
    """Load the clips that `data` names.

    Args:
        data: a bundled set's name, or the path of a folder or a manifest.
        kind: what all clips of a folder are, speech by default; only a folder takes it, for
            every other source says it itself.

    Raises:
        UnknownNameError: neither a bundled set nor a path that exists, or no such kind.
        ManifestError: the path holds no usable data set, or does not take a kind.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownNameError("kind of clip", kind, KINDS)
    path = Path(data).expanduser()
    samples = samples_folder(path) if data not in DATASETS else None
    if data not in DATASETS and samples is None and path.is_dir():
        return _named_apart(load_folder(path, kind or _DEFAULT_KIND))
    if kind is not None:
        raise ManifestError(f"{data}: --kind is for a folder of audio, this set says it of each")
    if data in DATASETS:
        return DATASETS[data]()
    if samples is not None:
        return load_codec_superb(samples)
    if path.exists():
        if path.suffix.lower() == _MANIFEST_SUFFIX:
            return _named_apart(load_manifest(path))
        raise ManifestError(f"{data}: expected a folder of audio or a manifest (.csv)")
    raise UnknownNameError("data set, folder or manifest", data, DATASETS, _beside(path))


def _beside(path: Path) -> list[str]:
    """The folders and manifests that are where `path` should be."""
    if not path.parent.is_dir():
        return []
    return [
        str(other)
        for other in path.parent.iterdir()
        if other.is_dir() or other.suffix.lower() == _MANIFEST_SUFFIX
    ]


def _named_apart(manifest: Manifest) -> Manifest:
    """A user's own set never passes for a bundled one, nor writes its results over them."""
    if manifest.name not in (*DATASETS, NAME):
        return manifest
    return replace(manifest, name=f"{manifest.name}-{manifest.revision[:8]}")
