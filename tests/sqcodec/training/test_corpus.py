"""Packing a corpus and reading it back, on small synthetic files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sqcodec.training.corpus import (
    CLIP_COLUMNS,
    VALIDATION_SHARE,
    PackedCorpus,
    build_corpus,
    decode_mono,
)
from sqcodec.training.sources import TrainingFile

HALF_STEP = 0.5 / 32767


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


def file_of(
    path: Path, audio: np.ndarray, sample_rate: int = 16_000, kind: str = "speech", group: str = "s"
) -> TrainingFile:
    """Write audio and describe it as a training file."""
    soundfile.write(path, audio, sample_rate, subtype="FLOAT")
    speaker, language = (group, "en") if kind == "speech" else ("", "")
    return TrainingFile(path, path.name, "package", kind, group, speaker, language, "CC0-1.0")


def test_round_trip(tmp_path: Path) -> None:
    first, second = noise(0, 4_000), noise(1, 3_000, 2)
    files = [file_of(tmp_path / "a.wav", first), file_of(tmp_path / "b.wav", second, kind="music")]
    seen = []
    summary = build_corpus(
        files, tmp_path / "corpus", versions={"package": "1"}, on_clip=lambda: seen.append(1)
    )
    corpus = PackedCorpus.open(tmp_path / "corpus")
    assert len(seen) == 2
    assert corpus.summary == summary
    assert (len(corpus), corpus.sample_rate) == (2, 16_000)
    assert tuple(corpus.clips.columns) == CLIP_COLUMNS
    assert list(corpus.clips["clip_id"]) == ["package/a.wav", "package/b.wav"]
    assert list(corpus.clips["start_sample"]) == [0, 4_000]
    assert list(corpus.clips["language"]) == ["en", ""]
    assert summary["packages"] == {"package": "1"}
    assert summary["totals"]["speech"]["clips"] == 1
    assert summary["totals"]["music"]["hours"] == round(3_000 / 16_000 / 3600, 3)
    assert corpus.read(0).dtype == np.float32
    # One step for the two scales (32767 up, 32768 down), half a step for rounding.
    np.testing.assert_allclose(corpus.read(0), first, atol=3 * HALF_STEP)
    np.testing.assert_allclose(corpus.read(1), second.mean(axis=1), atol=3 * HALF_STEP)


def test_part_of_a_clip(tmp_path: Path) -> None:
    files = [file_of(tmp_path / f"{i}.wav", noise(i, 2_000)) for i in range(2)]
    build_corpus(files, tmp_path / "corpus")
    corpus = PackedCorpus.open(tmp_path / "corpus")
    whole = corpus.read(0)
    np.testing.assert_array_equal(corpus.read(0, 100, 50), whole[100:150])
    np.testing.assert_array_equal(corpus.read(0, 1_990, 50), whole[1_990:])
    with pytest.raises(ValueError, match=r"start must lie in 0\.\.1999, got 2000"):
        corpus.read(0, 2_000)
    with pytest.raises(IndexError, match="clip 2 of 2"):
        corpus.read(2)


def test_resamples_a_tone_to_the_wanted_rate(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / "a.wav", tone, 44_100)
    samples = decode_mono(tmp_path / "a.wav", 16_000)
    assert len(samples) == 16_000
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 1_000


def test_peaks_over_full_scale_are_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(-2, 2, 5_000, dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", ramp, 16_000, subtype="FLOAT")
    samples = decode_mono(tmp_path / "a.wav", 16_000)
    np.testing.assert_allclose(samples / 32767, ramp / 2, atol=1.1 * HALF_STEP)


def test_what_is_left_out_is_counted_and_corrupt_files_are_named(tmp_path: Path) -> None:
    good = noise(0, 4_000)
    (tmp_path / "corrupt.wav").write_text("no audio")
    corrupt = TrainingFile(
        tmp_path / "corrupt.wav", "corrupt.wav", "package", "speech", "s", "s", "en", "CC0-1.0"
    )
    summary = build_corpus(
        [
            file_of(tmp_path / "good.wav", good),
            corrupt,
            file_of(tmp_path / "again.wav", good, kind="effects", group="x"),
            file_of(tmp_path / "silent.wav", np.full(4_000, 1e-4)),
            file_of(tmp_path / "short.wav", good[:1_599]),
            file_of(tmp_path / "just-long-enough.wav", good[:1_600]),
        ],
        tmp_path / "corpus",
    )
    left_out = summary["left_out"]
    assert list(left_out["corrupt"]) == ["package/corrupt.wav"]
    assert "cannot be decoded" in left_out["corrupt"]["package/corrupt.wav"]
    assert {name: left_out[name] for name in ("repeated", "silent", "too_short")} == {
        "repeated": 1,
        "silent": 1,
        "too_short": 1,
    }
    assert len(PackedCorpus.open(tmp_path / "corpus")) == 2


def test_validation_split_takes_whole_groups_and_about_its_share(tmp_path: Path) -> None:
    files = [
        file_of(
            tmp_path / f"{group}-{clip}.wav", noise(10 * group + clip, 1_600), group=f"g{group}"
        )
        for group in range(80)
        for clip in range(2)
    ]
    build_corpus(files, tmp_path / "corpus")
    clips = PackedCorpus.open(tmp_path / "corpus").clips
    assert set(clips["split"]) == {"train", "val"}
    assert (clips.groupby("group")["split"].nunique() == 1).all()
    share = (clips["split"] == "val").mean()
    assert VALIDATION_SHARE / 2 < share <= VALIDATION_SHARE
    build_corpus(files[::-1], tmp_path / "again")
    again = PackedCorpus.open(tmp_path / "again").clips
    pd.testing.assert_series_equal(
        again.set_index("clip_id")["split"].sort_index(),
        clips.set_index("clip_id")["split"].sort_index(),
    )


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "corpus"
    silent = file_of(tmp_path / "a.wav", np.zeros(4_000))
    with pytest.raises(ValueError, match="none of the 1 files could be packed"):
        build_corpus([silent], folder)
    with pytest.raises(KeyboardInterrupt):
        build_corpus([silent], folder, on_clip=interrupt)
    assert list(folder.parent.iterdir()) == []


def interrupt() -> None:
    raise KeyboardInterrupt


def test_refuses_to_overwrite_and_bad_rates(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="exists already"):
        build_corpus([], tmp_path)
    with pytest.raises(ValueError, match="sample_rate must be positive, got 0"):
        build_corpus([], tmp_path / "corpus", sample_rate=0)


def test_folders_that_are_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no packed corpus: audio\.i16 is missing"):
        PackedCorpus.open(tmp_path)
    build_corpus([file_of(tmp_path / "a.wav", noise(0, 4_000))], tmp_path / "corpus")
    audio = tmp_path / "corpus" / "audio.i16"
    audio.write_bytes(audio.read_bytes()[:-2])
    with pytest.raises(ValueError, match=r"holds 3999 samples, clips\.csv names 4000"):
        PackedCorpus.open(tmp_path / "corpus")
    table = tmp_path / "corpus" / "clips.csv"
    table.write_text(table.read_text().replace("clip_id", "name", 1))
    with pytest.raises(ValueError, match=r"clips\.csv has columns \['name'"):
        PackedCorpus.open(tmp_path / "corpus")


@pytest.mark.parametrize(
    ("name", "content"), [("corpus.json", "{}"), ("corpus.json", "{"), ("clips.csv", "")]
)
def test_a_damaged_corpus_is_named(name: str, content: str, tmp_path: Path) -> None:
    build_corpus([file_of(tmp_path / "a.wav", noise(0, 4_000))], tmp_path / "corpus")
    (tmp_path / "corpus" / name).write_text(content)
    with pytest.raises(ValueError, match=f"{tmp_path}/corpus is damaged, pack it again"):
        PackedCorpus.open(tmp_path / "corpus")


def test_summary_is_json_for_people(tmp_path: Path) -> None:
    build_corpus([file_of(tmp_path / "a.wav", noise(0, 4_000))], tmp_path / "corpus")
    said = json.loads((tmp_path / "corpus" / "corpus.json").read_text())
    assert said["totals"]["speech"]["speakers"] == 1
    assert said["sample_rate"] == 16_000
