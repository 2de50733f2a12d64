"""A folder of audio that was decoded elsewhere, as a codec: ``folder:PATH``.

For a codec that does not run here (on another machine, in another language, closed). A clip is
paired with its decoded file by name, never by position: the clip whose id is ``speech/a.flac``
(its path from the data set's folder on) with ``PATH/speech/a.wav``. Beside the files lies
``codec.json``, which says what cannot be heard: ``{"bitrate_bps": 6000}``, and, if known,
``name``, ``licence`` and ``citation``.

If all files have one rate, that is the codec's rate: the run brings the clips there and back.
Files of several rates have to be at those of their clips. A decoded clip that is up to a
quarter of a second longer or shorter than its own is cut or filled up with zeros, for codecs
whose frames do not end where a clip does; one that is further off is a wrong file, and fails.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.codec import CodecInfo, CodecUnavailableError, Encoded

PREFIX = "folder:"
DESCRIPTION = "codec.json"

_SUFFIXES = (".wav", ".flac")
_LENGTH_TOLERANCE_S = 0.25
_MOST_NAMED = 5


class DecodedFolder:
    """Decoded files, each of them the only thing that it can make of its own clip.

    Args:
        folder: with the files and `codec.json`.

    Raises:
        CodecUnavailableError: it has no files or two for one clip, or does not say what a codec
            must; one line says what.
    """

    def __init__(self, folder: Path) -> None:
        self._files = _files(folder)
        described = _description(folder)
        rates = {soundfile.info(file).samplerate for file in self._files.values()}
        decides = hashlib.sha256(repr(described["bitrate_bps"]).encode())
        for key, file in sorted(self._files.items()):
            decides.update(f"{key} {_sha256(file)}\n".encode())
        revision = decides.hexdigest()[:16]
        name = described.get("name", folder.resolve().name or "folder")
        self._info = CodecInfo(
            # Another content is another codec.
            name=f"{name}-{revision[:8]}",
            sample_rate=rates.pop() if len(rates) == 1 else None,
            bitrate_bps=described["bitrate_bps"],
            n_codebooks=0,
            codebook_size=0,
            frame_rate_hz=0.0,
            revision=revision,
            licence=described.get("licence", ""),
            citation=described.get("citation", ""),
        )

    @property
    def info(self) -> CodecInfo:
        """Name, rate of the files, declared bitrate."""
        return self._info

    def of_clip(self, clip: str) -> DecodedClip:
        """What there is for the clip with this id.

        Raises:
            ValueError: nothing; says which file was expected.
        """
        for key in _keys(clip):
            if key in self._files:
                return DecodedClip(self._info, self._files[key])
        expected = f"{_keys(clip)[-1]}.wav"
        raise ValueError(f"{self._info.name} has no decoded file for {clip}: no {expected}")

    def unpaired(self, clips: Iterable[str]) -> list[str]:
        """Say in lines which of these clips have no file, and which files no clip."""
        used, without = set(), []
        for clip in clips:
            found = [key for key in _keys(clip) if key in self._files]
            used.update(found[:1])
            if not found:
                without.append(clip)
        extra = sorted(key for key in self._files if key not in used)
        lines = []
        if without:
            lines.append(f"{self._info.name}: no decoded file for {_named(without)}")
        if extra:
            lines.append(f"{self._info.name}: decoded files of no clip: {_named(extra)}")
        return lines

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Not without the clip's name: see `of_clip`."""
        raise ValueError(f"{self._info.name} is decoded already: it has only its own clips")

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Not without the clip's name: see `of_clip`."""
        raise ValueError(f"{self._info.name} is decoded already: it has only its own clips")


@dataclass(frozen=True)
class DecodedClip:
    """One decoded file behind the contract: whatever goes in, it comes out."""

    info: CodecInfo
    file: Path

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Take the clip [1, T]; bits = declared bitrate x T / rate.

        Raises:
            ValueError: the file has another rate, or a length that is not this clip's.
        """
        assert self.info.bitrate_bps is not None
        decoded, file_rate = soundfile.read(self.file, dtype="float32", always_2d=True)
        length = audio.shape[1]
        if file_rate != sample_rate:
            raise ValueError(
                f"the decoded {self.file.name} is at {file_rate} Hz, its clip at {sample_rate} Hz"
            )
        if abs(len(decoded) - length) > _LENGTH_TOLERANCE_S * sample_rate:
            raise ValueError(
                f"the decoded {self.file.name} has {len(decoded) / file_rate:.3f} s, its clip "
                f"{length / sample_rate:.3f} s: not the same clip"
            )
        bits = self.info.bitrate_bps * length / sample_rate
        return Encoded((bits,), length, sample_rate, payload=decoded[:, 0])

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """The file's first channel, as [1, T]."""
        decoded = encoded.payload[: encoded.length]
        return np.pad(decoded, (0, encoded.length - len(decoded)))[None]


def _keys(clip: str) -> tuple[str, str]:
    """The names that a clip's decoded file may have, without their last suffix."""
    return clip, str(PurePosixPath(clip).with_suffix(""))


def _files(folder: Path) -> dict[str, Path]:
    """The decoded files by their paths from the folder on, without the suffix."""
    if not folder.is_dir():
        raise CodecUnavailableError(f"{PREFIX}{folder}: no such folder")
    files: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in _SUFFIXES and not file.name.startswith("."):
            key = file.relative_to(folder).with_suffix("").as_posix()
            if key in files:
                raise CodecUnavailableError(
                    f"{PREFIX}{folder}: two files for one clip: {files[key].name}, {file.name}"
                )
            files[key] = file
    if not files:
        raise CodecUnavailableError(
            f"{PREFIX}{folder}: no decoded audio in it; expected {' or '.join(_SUFFIXES)}"
        )
    return files


def _description(folder: Path) -> dict[str, Any]:
    """What `codec.json` says, checked."""
    file = folder / DESCRIPTION
    example = '{"bitrate_bps": 6000}'
    if not file.is_file():
        raise CodecUnavailableError(
            f"{file} is missing, which says at what bitrate the files were coded: such as {example}"
        )
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        bitrate_bps = described["bitrate_bps"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CodecUnavailableError(
            f"{file} cannot be used ({type(error).__name__}: {error}): expected {example}"
        ) from error
    if not isinstance(bitrate_bps, int | float) or not bitrate_bps > 0:
        raise CodecUnavailableError(
            f"{file}: expected a bitrate_bps above 0, got {bitrate_bps!r}: such as {example}"
        )
    return described | {"bitrate_bps": float(bitrate_bps)}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    rest = len(names) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def load(name: str) -> DecodedFolder:
    """The folder that ``folder:PATH`` names.

    Raises:
        CodecUnavailableError: it cannot be used; one line says why.
    """
    try:
        return DecodedFolder(Path(name.removeprefix(PREFIX)).expanduser())
    except soundfile.LibsndfileError as error:
        raise CodecUnavailableError(f"{name}: a file cannot be read as audio: {error}") from error
