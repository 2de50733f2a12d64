"""bench.audio: what is read, how it is resampled, and what each unusable file is told."""

import hashlib
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from bench import audio

RATE = 16_000
NOISE = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


def test_only_the_first_channel_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([NOISE, -NOISE], axis=1), 22_050, subtype="FLOAT")
    samples, sample_rate = audio.read(path)
    assert sample_rate == 22_050
    assert samples.dtype == np.float32
    assert np.array_equal(samples, NOISE)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(audio.AudioError, match=r"gone\.wav: no such file"):
        audio.read(tmp_path / "gone.wav")


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(audio.AudioError, match=r"empty \(0 bytes\)"):
        audio.read(path)


def test_text_renamed_to_wav(tmp_path: Path) -> None:
    path = tmp_path / "text.wav"
    path.write_text("no audio at all, " * 50)
    with pytest.raises(audio.AudioError, match=r"not readable as audio: .*Format not recognised"):
        audio.read(path)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_truncated_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"half.{suffix}"
    soundfile.write(path, NOISE, RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(audio.AudioError, match=r"truncated|not readable as audio"):
        audio.read(path)


def test_wav_from_a_pipe_declares_no_length_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "piped.wav"
    soundfile.write(path, NOISE, RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(audio.read(path)[0]) == len(NOISE)


def test_header_without_samples(tmp_path: Path) -> None:
    path = tmp_path / "header.wav"
    soundfile.write(path, np.zeros(0), RATE)
    with pytest.raises(audio.AudioError, match="holds no samples"):
        audio.read(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "bad.wav"
    samples = NOISE.copy()
    samples[77] = bad
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    with pytest.raises(audio.AudioError, match="NaN or infinite"):
        audio.read(path)


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (16_000, 44_100), (22_050, 24_000)])
@pytest.mark.parametrize("n_samples", [1, 999, 16_000])
def test_resample_is_librosas_soxr_hq(old: int, new: int, n_samples: int) -> None:
    ours = audio.resample(NOISE[:n_samples], old, new)
    theirs = librosa.resample(NOISE[:n_samples], orig_sr=old, target_sr=new, res_type="soxr_hq")
    assert ours.dtype == np.float32
    assert np.array_equal(ours, theirs)


def test_resample_to_the_same_rate_changes_nothing() -> None:
    assert audio.resample(NOISE, RATE, RATE) is NOISE


def test_cut_to_shorter() -> None:
    reference, estimate = audio.cut_to_shorter(NOISE[:50], NOISE[:40])
    assert len(reference) == len(estimate) == 40
    reference, estimate = audio.cut_to_shorter(NOISE[:30], NOISE[:40])
    assert len(reference) == len(estimate) == 30


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"abc")
    assert audio.sha256(path) == hashlib.sha256(b"abc").hexdigest()
