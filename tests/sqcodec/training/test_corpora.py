"""What --corpus may name, and the demonstration corpus."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sqcodec.training import corpora
from sqcodec.training.corpora import DEMO, open_corpus
from sqcodec.training.corpus import PackedCorpus, build_corpus
from sqcodec.training.demo import SETTINGS


def write(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(seed).standard_normal(4_000), 8_000)
    return path


def test_a_folder_is_packed_once(tmp_path: Path) -> None:
    write(tmp_path / "audio" / "ann" / "1.wav", 1)
    two = write(tmp_path / "audio" / "music" / "2.wav", 2)
    (tmp_path / "audio" / "torn.flac").write_bytes(b"fLaC")
    seen: list[tuple[int, int]] = []

    def opened() -> PackedCorpus:
        seen.clear()
        return open_corpus(
            str(tmp_path / "audio"),
            16_000,
            cache=tmp_path / "cache",
            on_clip=lambda done, total: seen.append((done, total)),
        )

    corpus = opened()
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert sorted(corpus.clips["kind"]) == ["music", "speech"]
    assert len(corpus.read(0)) == 8_000
    (reason,) = corpus.summary["left_out"]["corrupt"].values()
    assert "torn.flac cannot be decoded" in reason
    opened()
    assert seen == []
    os.utime(two, ns=(0, 0))
    opened()
    assert len(seen) == 3


def test_a_manifest_with_a_missing_file(tmp_path: Path) -> None:
    write(tmp_path / "1.wav")
    table = tmp_path / "clips.csv"
    table.write_text("path,kind\n1.wav,effects\n2.wav,effects\n")
    corpus = open_corpus(str(table), 8_000, cache=tmp_path / "cache")
    assert list(corpus.clips["kind"]) == ["effects"]
    (reason,) = corpus.summary["left_out"]["corrupt"].values()
    assert "2.wav cannot be decoded" in reason


def test_a_reader_by_name(tmp_path: Path) -> None:
    for part in ("train-clean-100", "test-clean"):
        write(tmp_path / "LibriSpeech" / part / "19" / "198" / "19-198-0000.flac")
    corpus = open_corpus(f"librispeech={tmp_path}", 16_000, cache=tmp_path / "cache")
    assert list(corpus.clips["speaker"]) == ["librispeech-19"]
    assert "train-clean-100" in corpus.clips["clip_id"][0]


def test_another_process_may_be_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "audio" / "1.wav")

    def beaten(*arguments: object, **options: object) -> None:
        build_corpus(*arguments, **options)
        raise OSError("Directory not empty")

    monkeypatch.setattr(corpora, "build_corpus", beaten)
    source, cache = str(tmp_path / "audio"), tmp_path / "cache"
    assert len(open_corpus(source, 8_000, cache=cache)) == 1

    def no_room(*arguments: object, **options: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(corpora, "build_corpus", no_room)
    with pytest.raises(OSError, match="No space left"):
        open_corpus(source, 16_000, cache=cache)


def test_what_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no corpus: neither a folder"):
        open_corpus(str(tmp_path / "nowhere"), 16_000)
    with pytest.raises(ValueError, match="holds no files ending in"):
        open_corpus(str(tmp_path), 16_000)
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="none of the 1 files could be packed"):
        open_corpus(str(tmp_path), 16_000, cache=tmp_path / "cache")


@pytest.mark.parametrize("sample_rate", [16_000, 24_000])
def test_the_demonstration_is_always_the_same(sample_rate: int) -> None:
    corpus = open_corpus(DEMO, sample_rate)
    assert corpus.sample_rate == sample_rate
    assert dict(corpus.clips.groupby("kind").size()) == {"effects": 4, "music": 4, "speech": 4}
    assert (corpus.clips.groupby("kind")["split"].agg(set) == {"train", "val"}).all()
    for i in range(len(corpus)):
        audio = corpus.read(i)
        assert len(audio) == 3 * sample_rate
        assert 0.45 < np.abs(audio).max() <= 0.5
    again = open_corpus(DEMO, sample_rate)
    np.testing.assert_array_equal(corpus.read(5), again.read(5))
    assert SETTINGS["perceptual_weight"]
    assert SETTINGS["adversarial_weight"]
