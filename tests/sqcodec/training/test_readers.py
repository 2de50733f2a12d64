"""Readers, on miniature trees in the layouts in which the data sets are published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sqcodec.training import readers
from sqcodec.training.readers import SourceError, read_source


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def test_librispeech_trains_on_its_train_parts_by_speaker(tmp_path: Path) -> None:
    touch(
        tmp_path / "LibriSpeech",
        "train-clean-100/19/198/19-198-0000.flac",
        "train-clean-100/19/227/19-227-0003.flac",
        "train-other-500/20/205/20-205-0001.flac",
        "train-clean-100/19/198/19-198.trans.txt",
        "dev-clean/84/121123/84-121123-0000.flac",
        "test-clean/61/70968/61-70968-0000.flac",
    )
    files = readers.librispeech(tmp_path)
    assert [file.path.name for file in files] == [
        "19-198-0000.flac",
        "19-227-0003.flac",
        "20-205-0001.flac",
    ]
    assert [file.speaker for file in files] == ["librispeech-19"] * 2 + ["librispeech-20"]
    assert {file.group for file in files} == {file.speaker for file in files}
    assert {(file.kind, file.language, file.licence) for file in files} == {
        ("speech", "en", "CC-BY-4.0")
    }
    below = readers.librispeech(tmp_path / "LibriSpeech")
    assert [file.path for file in below] == [file.path for file in files]


def common_voice(root: Path) -> None:
    root.mkdir(parents=True)
    header = "client_id\tpath\tsentence\tlocale\n"
    (root / "train.tsv").write_text(
        header + f'{"a" * 128}\tone.mp3\tHe said "no\tcy\n{"b" * 128}\ttwo.mp3\tYes\tcy\n'
    )
    (root / "test.tsv").write_text(header + f"{'c' * 128}\tthree.mp3\tNo\tcy\n")


def test_common_voice_of_one_language_or_of_several(tmp_path: Path) -> None:
    common_voice(tmp_path / "cv" / "cy")
    for root in (tmp_path / "cv", tmp_path / "cv" / "cy"):
        files = readers.common_voice(root)
        clips = tmp_path / "cv" / "cy" / "clips"
        assert [file.path for file in files] == [clips / "one.mp3", clips / "two.mp3"]
        assert files[0].speaker == f"common-voice-{'a' * 16}"
        assert (files[0].language, files[0].licence) == ("cy", "CC0-1.0")


def test_mtg_jamendo_keeps_artists_together(tmp_path: Path) -> None:
    touch(tmp_path, "00/1100.low.mp3", "48/948.low.mp3", "48/1048.mp3")
    files = readers.mtg_jamendo(tmp_path)
    assert [file.group for file in files] == [
        "mtg-jamendo-track_1100",
        "mtg-jamendo-track_1048",
        "mtg-jamendo-track_948",
    ]
    (tmp_path / "raw_30s.tsv").write_text(
        "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
        "track_0000948\tartist_000087\talbum_1\t48/948.mp3\t212\tgenre---rock\tmood---calm\n"
        "track_0001100\tartist_000087\talbum_1\t00/1100.mp3\t200\tgenre---rock\n"
    )
    groups = [file.group for file in readers.mtg_jamendo(tmp_path)]
    assert groups == [
        "mtg-jamendo-artist_000087",
        "mtg-jamendo-track_1048",
        "mtg-jamendo-artist_000087",
    ]
    assert {file.kind for file in files} == {"music"}
    (tmp_path / "data").mkdir()
    titles = "TRACK_ID\tARTIST_ID\tTRACK_NAME\ntrack_0000948\tartist_000087\tA song\n"
    (tmp_path / "data" / "raw.meta.tsv").write_text(titles)
    assert [file.group for file in readers.mtg_jamendo(tmp_path)] == groups


def test_fsd50k_is_its_development_part_by_uploader(tmp_path: Path) -> None:
    touch(tmp_path, "FSD50K.dev_audio/10.wav", "FSD50K.dev_audio/9.wav", "FSD50K.eval_audio/11.wav")
    (tmp_path / "FSD50K.metadata").mkdir()
    metadata = tmp_path / "FSD50K.metadata" / "dev_clips_info_FSD50K.json"
    licence = "http://creativecommons.org/publicdomain/zero/1.0/"
    metadata.write_text(json.dumps({"10": {"uploader": "ann", "license": licence}}))
    first, second = readers.fsd50k(tmp_path)
    assert (first.path.name, first.group, first.licence) == ("10.wav", "fsd50k-ann", licence)
    assert (second.group, second.kind) == ("fsd50k-9", "effects")
    metadata.write_text("{")
    with pytest.raises(SourceError, match="is no JSON file"):
        readers.fsd50k(tmp_path)


def test_folder_takes_kinds_from_its_folders(tmp_path: Path) -> None:
    touch(tmp_path, "ann/1.WAV", "ann/2.mp3", "music/song.ogg", "a/effects/bang.flac", "notes.txt")
    files = {file.relative_path: file for file in readers.folder(tmp_path, "speech")}
    assert {path: (file.kind, file.group) for path, file in files.items()} == {
        "ann/1.WAV": ("speech", "ann"),
        "ann/2.mp3": ("speech", "ann"),
        "music/song.ogg": ("music", "music/song.ogg"),
        "a/effects/bang.flac": ("effects", "a/effects/bang.flac"),
    }
    assert {file.kind for file in readers.folder(tmp_path / "ann", "music")} == {"music"}
    with pytest.raises(SourceError, match="kind must be one of"):
        readers.folder(tmp_path, "noise")


def test_manifest(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("path,kind,speaker,group\na/1.wav,speech,ann,\nb.wav,music,,album\n")
    first, second = readers.manifest(table)
    assert (first.path, first.kind, first.group) == (tmp_path / "a/1.wav", "speech", "ann")
    assert (second.kind, second.speaker, second.group) == ("music", "", "album")
    table.write_text(f"path,kind\n{tmp_path.parent}/elsewhere/1.wav,speech\n")
    (file,) = readers.manifest(table)
    assert file.path == tmp_path.parent / "elsewhere" / "1.wav"
    assert file.relative_path == f"{tmp_path.parent}/elsewhere/1.wav"
    table.write_text("kind,path\nspeech,a.wav\nspeech\n")
    with pytest.raises(SourceError, match=r"clips\.csv, line 3: no path"):
        readers.manifest(table)
    table.write_text("path,kind\na.wav,noise\n")
    with pytest.raises(SourceError, match=r"clips\.csv: kind must be one of .* got 'noise'"):
        readers.manifest(table)
    table.write_text("file\na.wav\n")
    with pytest.raises(SourceError, match="has no column path or kind"):
        readers.manifest(table)
    table.write_bytes(b"path,kind\n\xff\xfe,speech\n")
    with pytest.raises(SourceError, match="cannot be read as a table"):
        readers.manifest(table)


@pytest.mark.parametrize(
    "reader",
    [
        readers.librispeech,
        readers.common_voice,
        readers.mtg_jamendo,
        readers.fsd50k,
        readers.folder,
    ],
)
def test_an_empty_folder_is_told(reader: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"{tmp_path} holds no "):
        reader(tmp_path)


def test_sources_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    (file,) = read_source(f"folder={tmp_path}")
    assert file.path == tmp_path / "a.wav"
    for source in (str(tmp_path), f"libri={tmp_path}"):
        with pytest.raises(SourceError, match="expected one of librispeech, "):
            read_source(source)
