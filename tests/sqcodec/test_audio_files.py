"""Audio files of the command line: what is read, what is refused and why."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sqcodec.audio_files import (
    AudioFileError,
    audio_format,
    read_audio,
    write_audio,
    write_bytes,
)

AUDIO = np.random.default_rng(0).uniform(-1, 1, (2, 5_000)).astype(np.float32)


def _wav(**options: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, AUDIO.T, 8_000, format="WAV", **options)
    return buffer.getvalue()


def test_floats_come_back_and_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", AUDIO, 8_000)
    data = (tmp_path / "a.wav").read_bytes()
    audio, sample_rate = read_audio(data)
    assert sample_rate == 8_000
    assert (audio == AUDIO).all()
    peak = data.index(b"PEAK")
    assert data[peak + 12 : peak + 16] == bytes(4)  # libsndfile puts the time of day here
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]


def test_a_named_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(pipe, b"some bytes")
    assert os.read(reader, 100) == b"some bytes"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "file")
    for data in (b"first", b"second"):
        write_bytes(link, data)
        assert link.is_symlink()
        assert (tmp_path / "there" / "file").read_bytes() == data


@pytest.mark.parametrize(("name", "bits"), [("a.wav", 16), ("a.flac", 24), ("a.AIF", 24)])
def test_samples_of_other_sizes(tmp_path: Path, name: str, bits: int) -> None:
    write_audio(tmp_path / name, AUDIO, 8_000, bits)
    audio, _ = read_audio((tmp_path / name).read_bytes())
    assert np.abs(audio - AUDIO).max() <= 2.0 ** (1 - bits)


@pytest.mark.parametrize("declared", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_wav_from_a_pipe_does_not_know_its_length(declared: int) -> None:
    data = bytearray(_wav())
    at = data.index(b"data") + 4
    data[at : at + 4] = declared.to_bytes(4, "little")
    audio, _ = read_audio(bytes(data))
    assert audio.shape == (2, 5_000)


def _nan() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.array([0.0, np.nan]), 8_000, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"hello, I am text\n" * 20, "not readable as audio: Format not recognised"),
        (_wav()[:9_000], "truncated: [0-9]+ of 20000 bytes"),
        (_wav()[:44], "truncated: 0 of 20000 bytes"),
        (_wav()[:20], "not readable as audio"),
        (_nan(), "NaN or infinite"),
    ],
    # Not named by their bytes: in those of floats is the time when they were written.
    ids=["empty", "text", "half", "header", "half a header", "nan"],
)
def test_what_cannot_be_used(data: bytes, why: str) -> None:
    with pytest.raises(AudioFileError, match=why) as caught:
        read_audio(data)
    assert "\n" not in str(caught.value)


def test_a_wav_without_samples() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((0, 1)), 8_000, format="WAV")
    with pytest.raises(AudioFileError, match="holds no samples"):
        read_audio(buffer.getvalue())


@pytest.mark.parametrize(
    ("name", "bits", "why"),
    [
        ("a", None, "must end as an audio file does"),
        ("a.txt", None, "must end as an audio file does"),
        ("a.raw", None, "must end as an audio file does"),
        ("a.flac", 32, "FLAC files have no samples of 32 bits"),
        ("a.ogg", 16, "OGG files have no samples of 16 bits"),
    ],
)
def test_formats_that_there_are_not(name: str, bits: int | None, why: str) -> None:
    with pytest.raises(AudioFileError, match=why):
        audio_format(name, bits)


def test_a_format_that_cannot_hold_the_audio(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"FLAC cannot hold it \(9 channels, 8000 Hz\)"):
        write_audio(tmp_path / "a.flac", np.zeros((9, 10), np.float32), 8_000)
    assert list(tmp_path.iterdir()) == []
