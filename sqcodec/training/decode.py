"""Reading one audio file of the corpus.

soundfile reads all formats of the packages but raw G.722, which has no header: 16 kHz mono
at 64 kbit/s, decoded by PyAV.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray


def read_audio(path: Path) -> tuple[NDArray[np.float32], int]:
    """Read a file: audio float32 [T, C], full scale 1, and its sample rate in Hz.

    Raises:
        ValueError: if the file cannot be decoded or is empty; the message names it.
        ModuleNotFoundError: if a .g722 file is to be read without PyAV.
    """
    if path.suffix == ".g722":
        audio, sample_rate = _read_g722(path), 16_000
    else:
        try:
            audio, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise ValueError(f"{path} cannot be decoded: {error}") from error
    if not len(audio):
        raise ValueError(f"{path} holds no audio")
    if not np.isfinite(audio).all():
        raise ValueError(f"{path} holds samples that are not finite")
    return audio, sample_rate


def _read_g722(path: Path) -> NDArray[np.float32]:
    """Decode raw G.722: float32 [T, 1]."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading .g722 needs PyAV: pip install 'sqcodec-bench[corpus]'", name="av"
        ) from error
    try:
        with av.open(str(path), format="g722") as container:
            frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} cannot be decoded: {error}") from error
    if not frames:
        raise ValueError(f"{path} holds no audio")
    samples = np.concatenate(frames)  # (T,) int16
    return np.multiply(samples, 1 / 32768, dtype=np.float32)[:, np.newaxis]
