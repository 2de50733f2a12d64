"""Reading manifests: what is read, and what each fault is called."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bench.datasets.manifest import Clip, ManifestError, load_manifest

ROW = {"id": "a", "path": "a.wav", "dataset": "d", "kind": "speech", "sha256": "0" * 64}


def write(folder: Path, *rows: dict[str, str], name: str = "set.csv") -> Path:
    """A manifest of these rows, with an (empty) file for each path."""
    with open(folder / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        (folder / row["path"]).touch()
    return folder / name


def test_reads_every_field_and_ignores_other_columns(tmp_path: Path) -> None:
    texts = {"speaker": "s", "language": "en", "transcript": "hi, you", "label": "l", "group": "g"}
    manifest = load_manifest(write(tmp_path, ROW | texts | {"licence": "CC0-1.0"}))
    assert manifest.name == "set"
    assert manifest.clips == (
        Clip("d", "a", "speech", tmp_path / "a.wav", "0" * 64, "s", "en", "hi, you", "l", "g"),
    )


def test_group_falls_back_to_the_speaker_and_then_to_the_clip(tmp_path: Path) -> None:
    spoken = ROW | {"speaker": "s"}
    alone = ROW | {"id": "b", "path": "b.wav", "speaker": ""}
    manifest = load_manifest(write(tmp_path, spoken, alone), name="x")
    assert [clip.group for clip in manifest.clips] == ["s", "b"]
    assert manifest.name == "x"


def test_revision_follows_content_but_not_place_or_order(tmp_path: Path) -> None:
    other = ROW | {"id": "b", "path": "b.wav"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    revision = load_manifest(write(tmp_path, ROW, other)).revision
    assert load_manifest(write(elsewhere, other, ROW, name="renamed.csv")).revision == revision
    for changed in ({"sha256": "1" * 64}, {"kind": "music"}, {"dataset": "e"}, {"id": "c"}):
        assert load_manifest(write(tmp_path, ROW | changed, other)).revision != revision


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, ROW | {"path": "b.wav"}], "row 3: the id 'a' is that of row 2 too"),
        ([ROW | {"kind": "noise"}], "row 2: kind must be one of speech, music, effects, got 'no"),
        ([ROW | {"dataset": " "}], "row 2: dataset is empty"),
        ([ROW | {"sha256": "12ab"}], "row 2: sha256 must be 64 hexadecimal digits, got '12ab'"),
        ([{"id": "a", "path": "a.wav"}], "column dataset, kind, sha256 is missing"),
    ],
)
def test_faults_are_named_with_their_row(
    tmp_path: Path, rows: list[dict[str, str]], message: str
) -> None:
    path = write(tmp_path, *rows)
    with pytest.raises(ManifestError, match=message) as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)


def test_a_missing_audio_file_is_a_matter_of_its_clip(tmp_path: Path) -> None:
    path = write(tmp_path, ROW, ROW | {"id": "b", "path": "b.wav"})
    expected = load_manifest(path)
    (tmp_path / "a.wav").unlink()
    assert load_manifest(path) == expected


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.csv: no such manifest"):
        load_manifest(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (",".join(ROW).encode() + b"\n", "no clips, only a header"),
        (b"\xff\xfe\x00", "not readable as CSV"),
        (",".join([*ROW, *ROW.values()]).encode(), "no clips"),
        ((",".join(ROW) + "\n" + ",".join([*ROW.values(), "x"])).encode(), "more values than col"),
        ((",".join(ROW) + "\na").encode(), "row 2: path is empty"),
    ],
)
def test_files_that_are_no_manifest(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        load_manifest(path)
