"""Which file becomes which."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqcodec.jobs import Job, find_jobs, reason

WAV = frozenset([".wav", ".flac"])


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_folder_is_mirrored(tmp_path: Path) -> None:
    tree, out = tmp_path / "in", tmp_path / "out"
    _touch(tree / "b.wav", tree / "a" / "x.v1.FLAC", tree / "a" / "x.txt", tree / ".b.wav")
    _touch(tree / ".trash" / "old" / "c.wav")
    assert find_jobs(tree, out, WAV, ".sqc") == [
        Job(tree / "a" / "x.v1.FLAC", out / "a" / "x.v1.sqc", in_folder=True),
        Job(tree / "b.wav", out / "b.sqc", in_folder=True),
    ]


def test_two_files_that_would_become_one(tmp_path: Path) -> None:
    _touch(tmp_path / "in" / "a.flac", tmp_path / "in" / "a.wav")
    first, second = find_jobs(tmp_path / "in", tmp_path / "out", WAV, ".sqc")
    assert first.problem == ""
    assert second.source.name == "a.wav"
    assert second.problem.endswith("a.sqc is already written from a.flac")


def test_a_file_into_a_folder_that_is_there(tmp_path: Path) -> None:
    _touch(tmp_path / "a.wav")
    (tmp_path / "out").mkdir()
    (job,) = find_jobs(tmp_path / "a.wav", tmp_path / "out", WAV, ".sqc")
    assert job == Job(tmp_path / "a.wav", tmp_path / "out" / "a.sqc")


def test_pipes() -> None:
    assert find_jobs(Path("-"), Path("-"), WAV, ".sqc") == [Job(Path("-"), Path("-"))]


def test_why_something_failed_is_a_line() -> None:
    missing = FileNotFoundError(2, "No such file", "a.wav")
    assert reason(missing) == "no such file: a.wav"
    assert reason(missing, Path("a.wav")) == "no such file"
    assert reason(missing, Path("b.wav")) == "no such file: a.wav"
    assert reason(OSError(28, "No space left")) == "no space left"
    assert reason(ValueError("two\n  lines")) == "two lines"
    assert reason(MemoryError()) == "there is too little memory for it"


def test_what_cannot_be(tmp_path: Path) -> None:
    file, folder, full = tmp_path / "a.wav", tmp_path / "empty", tmp_path / "full"
    _touch(file, full / "b.wav")
    folder.mkdir()
    for source, target, why in (
        (tmp_path / "b.wav", tmp_path / "c.sqc", "no such file or folder"),
        (folder, tmp_path / "out", "has no files ending in .flac, .wav"),
        (full, file, "is a folder, and .* is none"),
        (full, Path("-"), "is a folder, and - is none"),
        (Path("-"), folder, "a pipe has no name"),
        (file, file, "would be overwritten by itself"),
        ("", tmp_path / "out", "IN and OUT must be named"),
        (file, "", "IN and OUT must be named"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=why):
            find_jobs(source, target, WAV, ".sqc")
