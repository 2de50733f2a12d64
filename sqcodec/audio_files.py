"""Audio files of the command line, read and written piece by piece; ``-`` is the standard stream.

Conventions: float32 [C, T], full scale 1; rates in Hz. What cannot be used raises
`AudioFileError`, whose message is the reason in one line.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from sqcodec.arguments import MAX_PEAK
from sqcodec.weights import replace_file

# What a folder is searched for: libsndfile's containers, by the endings they go by.
SUFFIXES = frozenset(
    f".{ending}"
    for ending in (
        *("wav", "flac", "mp3", "ogg", "oga", "opus", "aif", "aiff", "aifc"),
        *("au", "snd", "caf", "w64", "rf64"),
    )
)
# Sample formats by their bits.
SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}

# libsndfile's log of a RIFF file that is shorter than its header says.
_SHORT_RIFF = re.compile(r"^data\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write WAV into a pipe do not know the length and declare the largest one.
_UNKNOWN_RIFF_LENGTH = 0x7FFF0000
_PIECE = 1 << 20  # samples of all channels that are read or written at a time
# A header may declare any length. What is up to a MiB, or so many samples to a byte, is believed,
# and more once it is there.
_BELIEVED, _BELIEVED_PER_BYTE = 1 << 18, 128
# Formats whose fields of sizes have 64 bits, or none that counts; those of others have 32.
_OF_ANY_SIZE = frozenset(["FLAC", "OGG", "MP3", "CAF", "W64", "RF64"])
_MOST_BYTES = (1 << 32) - (1 << 16)  # of samples in the others, chunks of headers left out


class AudioFileError(ValueError):
    """A file that holds no usable audio; the message says why."""


def read_bytes(path: str | Path) -> bytes:
    """Read a file, or the standard input."""
    if str(path) == "-":
        return _standard(sys.stdin, "input").read()
    return Path(path).read_bytes()


def check_target(path: str | Path) -> None:
    """Refuse a file that cannot be written, before anything is computed for it.

    Raises:
        OSError: it names `path`, and why it cannot be.
    """
    target = Path(path)
    if str(path) == "-":
        _standard(sys.stdout, "output")
    elif target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    elif target.is_file() or not target.exists():
        folder = target.resolve().parent
        while not folder.exists():
            folder = folder.parent
        with _named(path), tempfile.TemporaryFile(dir=folder):
            pass  # what its owner may do there is not all that decides


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file, whole or not at all; or to the standard output, a named pipe or a device.

    A link stays one: the file that it leads to is written.
    """

    def write(file: Path) -> None:
        file.write_bytes(data)

    _put(path, write)


def read_audio(path: str | Path) -> tuple[NDArray[np.float32], int]:
    """Read an audio file, or the standard input: samples [C, T] and the sample rate.

    Raises:
        AudioFileError: it is empty, no audio, truncated, without samples, not finite, or so
            loud that it is none.
        OSError: it cannot be read.
    """
    with _opened(path) as data:
        n_bytes = data.seek(0, os.SEEK_END)
        data.seek(0)
        if not n_bytes:
            raise AudioFileError("the file is empty (0 bytes)")
        try:
            with soundfile.SoundFile(data) as file:
                declared, sample_rate = file.frames, file.samplerate
                short = _SHORT_RIFF.search(file.extra_info)
                audio = _samples(file, n_bytes)
        except soundfile.LibsndfileError as error:
            raise AudioFileError(f"not readable as audio: {error.error_string}") from error
    if short and int(short[2]) < int(short[1]) < _UNKNOWN_RIFF_LENGTH:
        raise AudioFileError(f"truncated: {short[2]} of {short[1]} bytes of audio are there")
    if not audio.size:
        raise AudioFileError("it holds no samples")
    if audio.shape[1] < declared:
        raise AudioFileError(f"truncated: {audio.shape[1]} of {declared} samples are there")
    peak = max(-audio.min(), audio.max())  # without a copy; NaN if there is one
    if not np.isfinite(peak):
        raise AudioFileError("it has samples that are NaN or infinite")
    if peak > MAX_PEAK:
        raise AudioFileError(f"audio must lie in [-1, 1], and its samples reach {peak:.3g}")
    return audio, sample_rate


def audio_format(path: str | Path, bits: int | None = None) -> tuple[str, str | None]:
    """Return libsndfile's names of a file's format and samples: by its ending; a pipe has WAV.

    Args:
        path: the file to be written, or ``-``.
        bits: 16 or 24, or 32 for floating point; if None, 32 in WAV, which changes no sample,
            and what is usual (None) in other formats.

    Raises:
        AudioFileError: there is no such format, or it has no such samples.
    """
    ending = Path(path).suffix[1:].upper()
    kind = "WAV" if str(path) == "-" else "AIFF" if ending == "AIF" else ending
    if kind not in soundfile.available_formats() or kind == "RAW":
        raise AudioFileError(f"{path} must end as an audio file does, such as .wav")
    subtype = SUBTYPES[bits] if bits else "FLOAT" if kind == "WAV" else None
    if not soundfile.check_format(kind, subtype):
        raise AudioFileError(f"{kind} files have no samples of {bits} bits")
    return kind, subtype


def write_audio(
    path: str | Path, audio: NDArray[np.float32], sample_rate: int, bits: int | None = None
) -> None:
    """Write audio [C, T], whole or not at all; `path` and `bits` as in `audio_format`.

    WAV of more than 4 GiB becomes RF64, as the standard has it (EBU Tech 3306).

    Raises:
        AudioFileError: the format cannot hold it.
        OSError: the file cannot be written.
    """
    kind, subtype = audio_format(path, bits)
    channels, length = audio.shape
    if kind not in _OF_ANY_SIZE and audio.size * (bits or 32) // 8 > _MOST_BYTES:
        if kind != "WAV":
            raise AudioFileError(f"{kind} files have at most 4 GiB; .wav, .w64 and .caf have more")
        kind = "RF64"

    def write(file: Path) -> None:
        try:
            # Its name as bytes: it may be in no encoding.
            out = soundfile.SoundFile(
                os.fsencode(file), "w", sample_rate, channels, subtype, format=kind
            )
        except soundfile.LibsndfileError as error:
            raise AudioFileError(
                f"{kind} cannot hold it ({channels} channels, {sample_rate} Hz): "
                f"{error.error_string}"
            ) from error
        step = max(1, _PIECE // channels)
        try:
            with out:
                for start in range(0, length, step):
                    out.write(np.ascontiguousarray(audio[:, start : start + step].T))  # [n, C]
        except soundfile.LibsndfileError as error:
            raise AudioFileError(f"it cannot be written: {error.error_string}") from error
        if subtype == "FLOAT":
            _forget_time(file)

    _put(path, write)


def _forget_time(file: Path) -> None:
    """Take the time of day out of a file of floats: the same audio, the same bytes."""
    with open(file, "r+b") as out:
        if (peak := out.read(128).find(b"PEAK")) >= 0:
            out.seek(peak + 12)
            out.write(bytes(4))


def _samples(file: soundfile.SoundFile, n_bytes: int) -> NDArray[np.float32]:
    """Read what there is, into one array [C, T]; the header may declare far more than that."""
    channels = file.channels
    believed = max(_BELIEVED, _BELIEVED_PER_BYTE * n_bytes) // channels + 1
    audio = np.empty((channels, min(file.frames, believed)), np.float32)
    buffer = np.empty((max(1, _PIECE // channels), channels), np.float32)
    length = 0
    while len(piece := file.read(out=buffer)):
        end = length + len(piece)
        if end > audio.shape[1]:
            more = np.empty((channels, max(end, min(file.frames, 2 * end))), np.float32)
            more[:, :length] = audio[:, :length]
            audio = more
        audio[:, length:end] = piece.T  # [n, C] -> [C, n]
        length = end
    return audio[:, :length]


def _opened(path: str | Path) -> AbstractContextManager[BinaryIO]:
    """Open a file for reading at any place; of a pipe, all that comes out of it."""
    if str(path) == "-" or not Path(path).is_file():
        return io.BytesIO(read_bytes(path))
    return open(path, "rb")


def _put(path: str | Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file, and put it in its place when it is whole."""
    target = Path(path)
    to_pipe = str(path) == "-"
    if not to_pipe and (target.is_file() or not target.exists()):
        with _named(path):
            replace_file(target.resolve(), write)
        return
    # A file in the place of /dev/null would be the end of that.
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        write(whole)
        standard = nullcontext(_standard(sys.stdout, "output")) if to_pipe else None
        with open(whole, "rb") as data, standard or open(target, "wb") as out:
            shutil.copyfileobj(data, out)
            out.flush()


def _standard(stream: TextIO | None, name: str) -> BinaryIO:
    """Return the bytes of a standard stream, which a shell can have closed."""
    if stream is None:
        raise AudioFileError(f"the standard {name} is closed")
    return stream.buffer


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """Tell errors of the system by the file that was asked for, not by a temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(error.errno, os.strerror(error.errno), str(path)) from error
