"""Audio files of the command line, read and written whole; ``-`` is the standard stream.

Conventions: float32 [C, T], full scale 1; rates in Hz. What cannot be used raises
`AudioFileError`, whose message is the reason in one line.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

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
_PIECE = 1 << 20  # samples read at a time


class AudioFileError(ValueError):
    """A file that holds no usable audio; the message says why."""


def read_bytes(path: str | Path) -> bytes:
    """Read a file, or the standard input."""
    return sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()


def write_bytes(path: str | Path, data: bytes | memoryview) -> None:
    """Write a file, whole or not at all; or to the standard output, a named pipe or a device.

    A link stays one: the file that it leads to is written.
    """

    def write(file: Path) -> None:
        file.write_bytes(data)

    target = Path(path)
    if str(path) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif target.exists() and not target.is_file():
        write(target)  # a file in the place of /dev/null would be the end of that
    else:
        replace_file(target.resolve(), write)


def read_audio(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Decode an audio file that was read: samples [C, T] and the sample rate.

    Raises:
        AudioFileError: it is empty, no audio, truncated, without samples, or not finite.
    """
    if not data:
        raise AudioFileError("the file is empty (0 bytes)")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            declared, sample_rate = file.frames, file.samplerate
            short = _SHORT_RIFF.search(file.extra_info)
            pieces = []
            # Piece by piece: the header may declare far more than there is.
            while len(piece := file.read(_PIECE, dtype="float32", always_2d=True)):
                pieces.append(piece)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(f"not readable as audio: {error.error_string}") from error
    if short and int(short[2]) < int(short[1]) < _UNKNOWN_RIFF_LENGTH:
        raise AudioFileError(f"truncated: {short[2]} of {short[1]} bytes of audio are there")
    if not pieces:
        raise AudioFileError("it holds no samples")
    audio = np.ascontiguousarray(np.concatenate(pieces).T)  # [T, C] -> [C, T]
    if audio.shape[1] < declared:
        raise AudioFileError(f"truncated: {audio.shape[1]} of {declared} samples are there")
    if not np.isfinite(audio).all():
        raise AudioFileError("it has samples that are NaN or infinite")
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

    Raises:
        AudioFileError: the format cannot hold it.
    """
    kind, subtype = audio_format(path, bits)
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, audio.T, sample_rate, format=kind, subtype=subtype)
    except soundfile.LibsndfileError as error:
        raise AudioFileError(
            f"{kind} cannot hold it ({len(audio)} channels, {sample_rate} Hz): {error.error_string}"
        ) from error
    data = buffer.getbuffer()  # of hours of audio, a copy would be large
    if subtype == "FLOAT" and (peak := bytes(data[:128]).find(b"PEAK")) >= 0:
        data[peak + 12 : peak + 16] = bytes(4)  # the time of day: the same audio, the same bytes
    write_bytes(path, data)
