"""Debian packages as a source of free audio, fetched and unpacked without root.

`apt-get download` saves a package's archive and `dpkg -x` unpacks it; neither installs
anything. Each package lies unpacked in a folder of its own in a cache, beside a
``VERSION`` file that is written last, so that a folder with one is complete.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs


class DebianError(RuntimeError):
    """A package cannot be had here. The message is one line: what, why, how to get it."""


@dataclass(frozen=True)
class DebianPackage:
    """An unpacked package: `root` is the folder that stands for ``/``."""

    name: str
    version: str
    root: Path


def default_cache() -> Path:
    """The user's cache folder for unpacked packages."""
    return platformdirs.user_cache_path("sqcodec") / "debian"


def fetch(name: str, cache: Path | None = None) -> DebianPackage:
    """Unpack package `name` into `cache`, downloading its archive where needed.

    A package that is unpacked there already is used as it is, and an archive
    ``<name>_*.deb`` lying in `cache` is taken instead of a download.

    Raises:
        DebianError: if a tool is missing or the package cannot be downloaded or unpacked.
    """
    cache = default_cache() if cache is None else cache
    folder = cache / name
    version_file = folder / "VERSION"
    if version_file.is_file():
        return DebianPackage(name, version_file.read_text().strip(), folder / "root")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as temporary:
            unpacked = Path(temporary) / name
            unpacked.mkdir()
            archive = _archive(name, cache, Path(temporary))
            _run("dpkg", "-x", str(archive), str(unpacked / "root"), cwd=cache)
            version = _run("dpkg-deb", "-f", str(archive), "Version", cwd=cache).strip()
            (unpacked / "VERSION").write_text(version + "\n")
            if folder.exists():  # left incomplete by an interruption
                shutil.rmtree(folder)
            unpacked.rename(folder)
    except OSError as error:
        raise DebianError(f"cannot unpack the Debian package {name!r}: {error}") from error
    return DebianPackage(name, version, folder / "root")


def _archive(name: str, cache: Path, download_folder: Path) -> Path:
    """The package's archive: one that lies in the cache, or a fresh download."""
    at_hand = sorted(cache.glob(f"{name}_*.deb"))
    if at_hand:
        return at_hand[-1]
    try:
        _run("apt-get", "download", "-qq", name, cwd=download_folder)
    except DebianError as error:
        raise DebianError(f"{error} (Debian 12 has it; is the package index up to date?)") from None
    downloaded = sorted(download_folder.glob(f"{name}_*.deb"))
    if not downloaded:
        raise DebianError(f"apt-get downloaded no archive of the Debian package {name!r}")
    return downloaded[-1]


def _run(tool: str, *arguments: str, cwd: Path) -> str:
    """Run one of Debian's tools and return its output."""
    if shutil.which(tool) is None:
        raise DebianError(
            f"{tool} is missing: the corpus is assembled from Debian packages; run this on "
            "Debian or Ubuntu, or unpack the packages into the cache folder elsewhere"
        )
    done = subprocess.run([tool, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise DebianError(f"`{tool} {' '.join(arguments)}` failed: {said[-1].strip()}")
    return done.stdout
