"""Audio in and out of a run: read a file, change its rate, cut two signals to one length.

Task: hand every codec and metric what the Codec-SUPERB protocol (SLT 2024) hands them.
Conventions: float32 mono [T], nominally in [-1, 1]; only the first channel of a file is
read; rates are whole Hz. Resampling is SoX's resampler at its HQ setting with the length
rule of librosa's ``soxr_hq`` (ceil(T * new / old) samples), which is what the protocol
calls. A file that cannot be used raises `AudioError`, whose message is the reason in one
line.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RESAMPLER = f"soxr {version('soxr')} HQ"
"""What resamples here, in full: it decides scores wherever a codec has a rate of its own."""

READER = f"libsndfile {soundfile.__libsndfile_version__}"
"""What reads files here: it decides the samples of a clip that is stored with loss."""

# libsndfile's log of a RIFF file that is shorter than its header says.
_SHORT_RIFF = re.compile(r"^data\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write WAV into a pipe do not know the length and declare the largest one.
_UNKNOWN_RIFF_LENGTH = 0x7FFF0000


class AudioError(ValueError):
    """A file that holds no usable audio; the message says which file and why."""


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Read the first channel of an audio file.

    Returns:
        The samples, float32 [T] with T > 0, and the sample rate, Hz.

    Raises:
        AudioError: the file is missing, no audio, truncated or corrupt, without samples,
            or has NaN or infinite samples.
    """
    if not path.is_file():
        raise AudioError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: the file is empty (0 bytes)")
    try:
        with soundfile.SoundFile(path) as file:
            declared_frames = file.frames
            sample_rate = file.samplerate
            short = _SHORT_RIFF.search(file.extra_info)
            audio = file.read(dtype="float32", always_2d=True)[:, 0]  # [T, C] -> [T]
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not readable as audio: {error.error_string}") from error
    if len(audio) < declared_frames:
        raise AudioError(f"{path}: truncated, {len(audio)} of {declared_frames} samples are there")
    if short and int(short[2]) < int(short[1]) < _UNKNOWN_RIFF_LENGTH:
        raise AudioError(f"{path}: truncated, {short[2]} of {short[1]} bytes of audio are there")
    if len(audio) == 0:
        raise AudioError(f"{path}: holds no samples")
    if not np.isfinite(audio).all():
        raise AudioError(f"{path}: has samples that are NaN or infinite")
    return np.ascontiguousarray(audio), sample_rate


def resample(audio: NDArray[np.float32], sample_rate: int, target_rate: int) -> NDArray[np.float32]:
    """Resample audio [T] from `sample_rate` to `target_rate` (Hz): [ceil(T * target / rate)]."""
    if sample_rate == target_rate:
        return audio
    n_samples = -(-len(audio) * target_rate // sample_rate)
    resampled = soxr.resample(audio, sample_rate, target_rate, quality="HQ")[:n_samples]
    return np.pad(resampled, (0, n_samples - len(resampled)))


def cut_to_shorter(
    reference: NDArray[np.float32], estimate: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut two signals, [T1] and [T2], to their first min(T1, T2) samples."""
    n_samples = min(len(reference), len(estimate))
    return reference[:n_samples], estimate[:n_samples]


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
