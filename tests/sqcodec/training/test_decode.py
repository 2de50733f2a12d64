"""Reading audio files of the corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sqcodec.training.decode import read_audio


def write_g722(path: Path, samples: np.ndarray) -> None:
    """Encode int16 [T] at 16 kHz as raw G.722."""
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = 16_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def test_native_rate_and_channels(tmp_path: Path) -> None:
    audio = np.linspace(-0.5, 0.5, 200, dtype=np.float32).reshape(100, 2)
    soundfile.write(tmp_path / "a.wav", audio, 22_050, subtype="FLOAT")
    read, sample_rate = read_audio(tmp_path / "a.wav")
    assert sample_rate == 22_050
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, audio)


def test_g722_holds_the_same_sound(tmp_path: Path) -> None:
    seconds = np.arange(16_000) / 16_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    write_g722(tmp_path / "a.g722", (tone * 32767).astype(np.int16))
    read, sample_rate = read_audio(tmp_path / "a.g722")
    assert (sample_rate, read.shape, read.dtype) == (16_000, (16_000, 1), np.float32)
    spectrum = np.abs(np.fft.rfft(read[:, 0]))
    assert np.argmax(spectrum) == 440
    assert np.sqrt(np.mean(read**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_g722_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.g722").write_bytes(b"\0" * 80)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'sqcodec-bench\[corpus\]'"):
        read_audio(tmp_path / "a.g722")


def test_corrupt_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.ogg").write_text("no audio")
    with pytest.raises(ValueError, match=r"text\.ogg cannot be decoded"):
        read_audio(tmp_path / "text.ogg")
    with pytest.raises(ValueError, match=r"none\.wav cannot be decoded"):
        read_audio(tmp_path / "none.wav")
    (tmp_path / "empty.g722").touch()
    with pytest.raises(ValueError, match=r"empty\.g722 (holds no audio|cannot be decoded)"):
        read_audio(tmp_path / "empty.g722")
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), 16_000)
    with pytest.raises(ValueError, match=r"zero\.wav holds no audio"):
        read_audio(tmp_path / "zero.wav")
    soundfile.write(tmp_path / "nan.wav", np.full(9, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"nan\.wav holds samples that are not finite"):
        read_audio(tmp_path / "nan.wav")
