"""bench.datasets.folder: which files are clips, and what they are called."""

import os
from pathlib import Path

import pytest

from bench import audio
from bench.datasets.folder import load_folder
from bench.datasets.manifest import Clip, ManifestError


def touch(folder: Path, *names: str) -> None:
    """Files of these names; each holds its name, so that no two are alike."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_sub_folders_are_data_sets_and_paths_are_ids(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    touch(folder, "a.wav", "jazz/b.flac", "jazz/live/c.OGG")
    manifest = load_folder(folder, "music")
    assert manifest.name == "music"
    assert [(clip.dataset, clip.id) for clip in manifest.clips] == [
        ("music", "a.wav"),
        ("jazz", "jazz/b.flac"),
        ("jazz", "jazz/live/c.OGG"),
    ]
    path = folder / "a.wav"
    assert manifest.clips[0] == Clip(
        "music", "a.wav", "music", path, audio.sha256(path), group="a.wav"
    )
    assert manifest.notes == (
        f"{folder}: clips: 3, all taken for music (--kind); data sets, which weigh alike: "
        "music, jazz",
    )


def test_clips_of_one_name_stay_apart(tmp_path: Path) -> None:
    touch(tmp_path, "one/same.wav", "two/same.wav", "one/same.flac")
    ids = [clip.id for clip in load_folder(tmp_path, "speech").clips]
    assert ids == ["one/same.flac", "one/same.wav", "two/same.wav"]


def test_other_files_are_named_and_hidden_ones_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "notes.txt", "x/cover.png", ".b.wav", ".cache/c.wav")
    manifest = load_folder(tmp_path, "speech")
    assert [clip.id for clip in manifest.clips] == ["a.wav"]
    told = f"{tmp_path}: left out, no audio by their suffix: notes.txt, x/cover.png"
    assert manifest.notes[1:] == (told,)


def test_of_very_many_names_the_first_are_told(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", *(f"{number:02}.txt" for number in range(20)))
    assert load_folder(tmp_path, "speech").notes[1].endswith("10.txt, 11.txt and 8 more")


def test_revision_follows_names_bytes_and_kind_but_not_the_place(tmp_path: Path) -> None:
    touch(tmp_path, "here/x/a.wav", "there/x/b.wav")
    (tmp_path / "here/x/a.wav").rename(tmp_path / "here/x/b.wav")
    (tmp_path / "there/x/b.wav").write_bytes((tmp_path / "here/x/b.wav").read_bytes())
    here, there = tmp_path / "here", tmp_path / "there"
    revision = load_folder(here, "speech").revision
    assert load_folder(there, "speech").revision == revision
    assert load_folder(there, "effects").revision != revision
    (there / "x/b.wav").write_text("other bytes")
    assert load_folder(there, "speech").revision != revision


def test_links_are_followed_and_may_loop(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.wav", "set/b.wav")
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "loop").symlink_to(tmp_path / "set")
    ids = [clip.id for clip in load_folder(tmp_path / "set", "speech").clips]
    assert ids == ["b.wav", "linked/a.wav"]


def test_a_file_that_cannot_be_read_is_a_clip_without_a_hash(tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to("nowhere.wav")
    (clip,) = load_folder(tmp_path, "speech").clips
    assert clip.sha256 == ""


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")).write_text("x")
    (clip,) = load_folder(tmp_path, "speech").clips
    assert clip.id == r"caf\xe9.wav"
    assert clip.path.is_file()


def test_no_audio(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(ManifestError, match=r"no audio in it; expected files ending in \.aif,"):
        load_folder(tmp_path, "speech")
