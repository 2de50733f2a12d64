"""Audio files of the command line: what is read, what is refused and why."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sqcodec import audio_files
from sqcodec.audio_files import (
    AudioFileError,
    audio_format,
    check_target,
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
    audio, sample_rate = read_audio(tmp_path / "a.wav")
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
    audio, _ = read_audio(tmp_path / name)
    assert np.abs(audio - AUDIO).max() <= 2.0 ** (1 - bits)


@pytest.mark.parametrize("declared", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_a_wav_from_a_pipe_does_not_know_its_length(tmp_path: Path, declared: int) -> None:
    data = bytearray(_wav())
    at = data.index(b"data") + 4
    data[at : at + 4] = declared.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    audio, _ = read_audio(tmp_path / "a.wav")
    assert audio.shape == (2, 5_000)


def test_audio_comes_from_the_standard_input_and_goes_to_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_wav(subtype="FLOAT"))))
    monkeypatch.setattr("sys.stdout", out)
    audio, sample_rate = read_audio("-")
    assert (audio == AUDIO).all()
    write_audio("-", audio, sample_rate)
    write_audio(tmp_path / "a.wav", audio, sample_rate)
    assert out.buffer.getvalue() == (tmp_path / "a.wav").read_bytes()


def test_standard_streams_that_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(AudioFileError, match="the standard input is closed"):
        read_audio("-")
    for use in (check_target, lambda path: write_bytes(path, b"some")):
        with pytest.raises(AudioFileError, match="the standard output is closed"):
            use("-")


@pytest.mark.parametrize("piece", [3, 4_096])
def test_a_recording_of_many_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    write_audio(tmp_path / "whole.wav", AUDIO, 8_000)
    monkeypatch.setattr(audio_files, "_PIECE", piece)
    write_audio(tmp_path / "a.wav", AUDIO, 8_000)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()
    for believed in (1, 10**6):  # of what the header declares
        monkeypatch.setattr(audio_files, "_BELIEVED", believed)
        monkeypatch.setattr(audio_files, "_BELIEVED_PER_BYTE", 0)
        audio, _ = read_audio(tmp_path / "a.wav")
        assert (audio == AUDIO).all()


def test_a_wav_of_more_than_its_fields_can_say_is_rf64(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_files, "_MOST_BYTES", AUDIO.nbytes)
    write_audio(tmp_path / "a.wav", AUDIO, 8_000)
    assert (tmp_path / "a.wav").read_bytes()[:4] == b"RIFF"
    monkeypatch.setattr(audio_files, "_MOST_BYTES", AUDIO.nbytes - 1)
    for _ in range(2):  # the same bytes every time
        write_audio(tmp_path / "b.wav", AUDIO, 8_000)
        data = (tmp_path / "b.wav").read_bytes()
        assert data[:4] == b"RF64"
        peak = data.find(b"PEAK", 0, 128)
        assert peak < 0 or data[peak + 12 : peak + 16] == bytes(4)
        audio, _ = read_audio(tmp_path / "b.wav")
        assert (audio == AUDIO).all()
    write_audio(tmp_path / "c.wav", AUDIO, 8_000, 16)  # half the bytes
    assert (tmp_path / "c.wav").read_bytes()[:4] == b"RIFF"
    with pytest.raises(AudioFileError, match="AIFF files have at most 4 GiB"):
        write_audio(tmp_path / "a.aiff", AUDIO, 8_000)


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """A limit on the size of files, in a process of its own, stands for it."""
    program = (
        "import resource, sys, numpy; from sqcodec.audio_files import write_audio;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000));"
        "write_audio(sys.argv[1], numpy.zeros((2, 50_000), 'float32'), 8_000)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.wav")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert "AudioFileError: it cannot be written" in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_target_is_checked_by_the_name_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_target(tmp_path / "new" / "deep" / "a.sqc")
    check_target(tmp_path / "file")
    check_target("/dev/null")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    for path, error in (
        (tmp_path / "file" / "a.sqc", NotADirectoryError),
        (tmp_path / "file" / "new" / "a.sqc", NotADirectoryError),
        (tmp_path, IsADirectoryError),
        (Path("/proc/a.sqc"), OSError),  # there, not even root may
    ):
        with pytest.raises(error) as caught:
            check_target(path)
        assert caught.value.filename == str(path)


def test_a_file_that_cannot_be_put_in_its_place_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 300)
    with pytest.raises(OSError, match="too long") as caught:
        write_bytes(path, b"some")
    assert caught.value.filename == str(path)


def _floats(*samples: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.array(samples), 8_000, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def _flac_of(n_samples: int) -> bytes:
    """A FLAC file whose header declares so many samples."""
    buffer = io.BytesIO()
    soundfile.write(buffer, AUDIO[:1].T, 8_000, format="FLAC")
    data = bytearray(buffer.getvalue())
    data[22:26] = n_samples.to_bytes(4, "big")  # the lower 32 of its 36 bits
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"hello, I am text\n" * 20, "not readable as audio: Format not recognised"),
        (_wav()[:9_000], "truncated: [0-9]+ of 20000 bytes"),
        (_wav()[:44], "truncated: 0 of 20000 bytes"),
        (_wav()[:20], "not readable as audio"),
        (_floats(0.0, np.nan), "NaN or infinite"),
        (_floats(0.5, -np.inf), "NaN or infinite"),
        (_floats(0.5, -32_768), r"audio must lie in \[-1, 1\], and its samples reach 3.28e\+04"),
        (_floats(3e38, 0.5), r"audio must lie in \[-1, 1\]"),
        (_flac_of(4_000_000_000), "of 4000000000 samples are there|not readable as audio"),
    ],
    # Not named by their bytes: in those of floats is the time when they were written.
    ids=["empty", "text", "half", "header", "half a header", "nan", "inf", "16", "e38", "flac"],
)
def test_what_cannot_be_used(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioFileError, match=why) as caught:
        read_audio(tmp_path / "a.wav")
    assert "\n" not in str(caught.value)


def test_a_wav_without_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 1)), 8_000)
    with pytest.raises(AudioFileError, match="holds no samples"):
        read_audio(tmp_path / "a.wav")


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
