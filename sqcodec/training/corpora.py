"""What ``--corpus`` may name: a packed corpus, a folder, a manifest, a data set for one of the
readers, or the demonstration.

Folders and manifests are decoded once, into a packed corpus in the user's cache. Its name is
a hash of the files' paths, sizes and times, so that changed audio is packed anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from sqcodec.training import readers
from sqcodec.training.corpus import PackedCorpus, build_corpus
from sqcodec.training.sources import TrainingFile

DEMO = "mini-demo"

Progress = Callable[[int, int], None]


def open_corpus(
    source: str,
    sample_rate: int,
    *,
    kind: str = "speech",
    cache: Path | None = None,
    on_clip: Progress = lambda done, total: None,
) -> PackedCorpus:
    """Open what `source` names, after packing it where it is not packed.

    Args:
        source: ``mini-demo``; or the path of a packed corpus, a folder of audio or a CSV file;
            or READER=PATH (see `readers`).
        sample_rate: of the packed audio, Hz.
        kind: of audio in a folder that does not say.
        cache: where corpora are packed to; the user's cache folder by default.
        on_clip: called with the number of files packed and of all files.

    Raises:
        ValueError: there is nothing to train on.
        OSError: it cannot be read, or there is no room to pack it.
    """
    if source == DEMO:
        from sqcodec.training.demo import demo_corpus

        return demo_corpus(sample_rate)
    path = Path(source).expanduser()
    if (path / "corpus.json").is_file():
        return PackedCorpus.open(path)
    if source.partition("=")[0] in readers.READERS:
        files = readers.read_source(source)
    elif path.is_dir():
        files = readers.folder(path, kind)
    elif path.suffix == ".csv":
        files = readers.manifest(path)
    else:
        raise FileNotFoundError(
            f"{source} is no corpus: neither a folder, nor a .csv file, nor READER=PATH, nor {DEMO}"
        )
    cache = cache or platformdirs.user_cache_path("sqcodec") / "corpora"
    packed = cache / _digest(files, sample_rate)
    if not packed.exists():
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            on_clip(done, len(files))

        origin = f"the audio in {path}"
        try:
            build_corpus(files, packed, sample_rate=sample_rate, origin=origin, on_clip=advance)
        except OSError:
            if not packed.exists():
                raise  # else another process, or machine, was faster
    return PackedCorpus.open(packed)


def _digest(files: Sequence[TrainingFile], sample_rate: int) -> str:
    digest = hashlib.sha256(f"{sample_rate}".encode())
    for file in files:
        size, modified = "missing", 0
        if file.path.is_file():
            about = file.path.stat()
            size, modified = f"{about.st_size}", about.st_mtime_ns
        described = (file.path.resolve(), size, modified, file.kind, file.group, file.speaker)
        digest.update(repr(described).encode())
    return digest.hexdigest()[:16]
