"""Labels of RAVDESS, ESC-50 and manifests, on miniature trees in the official layouts."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench import audio
from bench.datasets.manifest import Clip, Manifest, ManifestError
from bench.datasets.mini import mini
from bench.downstream.aec import ESC50_CLASSES
from bench.downstream.er import CALM, CLASSES
from bench.downstream.labelled import (
    esc50_folder,
    labelled_effects,
    load_esc50,
    load_ravdess,
    ravdess_folder,
)

HEADER = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ROWS = (
    ("1-100032-A-0.wav", "1", "0", "dog", "True", "100032", "A"),
    ("1-100032-B-0.wav", "1", "0", "dog", "True", "100032", "B"),
    ("5-9032-A-49.wav", "5", "49", "hand_saw", "False", "9032", "A"),
)


def _write_clip(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Each file holds another sound, so that no two have the same hash.
    seed = sum(path.name.encode())
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, 160), 16_000)


def _esc50(root: Path, rows: tuple[tuple[str, ...], ...] = ROWS) -> Path:
    folder = root / "ESC-50-master"
    for row in rows:
        _write_clip(folder / "audio" / row[0])
    (folder / "meta").mkdir()
    with (folder / "meta" / "esc50.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return folder


def test_names_of_the_challenge(tmp_path: Path) -> None:
    for name in ("angry-03-01-05-01-02-01-12", "calm-03-01-02-01-02-01-07", "happy-take2"):
        _write_clip(tmp_path / "RAVDESS" / "ravdess" / f"{name}.wav")
    (tmp_path / "RAVDESS" / "ravdess.txt").write_text("a list that lies beside the clips\n")
    folder = ravdess_folder(tmp_path)
    assert folder == tmp_path / "RAVDESS" / "ravdess"
    found = load_ravdess(folder)
    assert found.classes == CLASSES
    assert found.fold_of == {}
    assert [(clip.id, clip.label, clip.speaker) for clip in found.manifest.clips] == [
        ("angry-03-01-05-01-02-01-12.wav", "angry", "actor-12"),
        ("calm-03-01-02-01-02-01-07.wav", CALM, "actor-07"),
        ("happy-take2.wav", "happy", ""),
    ]
    for clip in found.manifest.clips:
        assert (clip.dataset, clip.kind) == ("ravdess", "speech")
        assert clip.group == clip.speaker or clip.group == clip.id
        assert clip.sha256 == audio.sha256(clip.path)


def test_copies_and_songs_are_told(tmp_path: Path) -> None:
    for name in ("03-01-05-01-02-01-12", "03-02-05-01-02-01-12"):
        _write_clip(tmp_path / "one" / f"{name}.wav")
    assert [line.split(": ")[1] for line in load_ravdess(tmp_path).manifest.notes] == [
        "1 clips are sung, by their names; they count as the spoken ones do"
    ]
    _write_clip(tmp_path / "another" / "03-01-05-01-02-01-12.wav")
    copies, _ = load_ravdess(tmp_path).manifest.notes
    assert copies.endswith(": 1 clips are copies of others, and count as often as they are there")
    assert not load_ravdess(tmp_path / "another").manifest.notes


def test_names_of_ravdess(tmp_path: Path) -> None:
    for number in range(1, 9):
        _write_clip(tmp_path / "Actor_03" / f"03-01-{number:02d}-01-02-01-03.wav")
    clips = load_ravdess(tmp_path).manifest.clips
    assert " ".join(clip.label for clip in clips) == (
        "neutral calm happy sad angry fearful disgusted surprised"
    )
    assert {clip.speaker for clip in clips} == {"actor-03"}
    assert clips[0].id == "Actor_03/03-01-01-01-02-01-03.wav"


@pytest.mark.parametrize("name", ["joyful-1.wav", "03-01-09-01-02-01-03.wav", "03-01-01.wav"])
def test_an_unknown_emotion_names_the_file(tmp_path: Path, name: str) -> None:
    _write_clip(tmp_path / "angry-1.wav")
    _write_clip(tmp_path / name)
    with pytest.raises(ManifestError, match=f"{name}: .* is no emotion that is known"):
        load_ravdess(tmp_path)


def test_no_ravdess(tmp_path: Path) -> None:
    assert ravdess_folder(tmp_path) is None
    (tmp_path / "RAVDESS").mkdir()
    with pytest.raises(ManifestError, match="no clips of RAVDESS"):
        load_ravdess(tmp_path / "RAVDESS")


def test_esc50(tmp_path: Path) -> None:
    folder = _esc50(tmp_path)
    assert esc50_folder(tmp_path) == folder
    assert esc50_folder(folder) == folder
    found = load_esc50(folder)
    assert found.classes == ESC50_CLASSES
    assert found.manifest.notes == ()
    assert found.fold_of == {row[0]: row[1] for row in ROWS}
    clips = found.manifest.clips
    assert [(clip.id, clip.label, clip.group) for clip in clips] == [
        (row[0], row[3], row[5]) for row in ROWS
    ]
    for clip in clips:
        assert (clip.dataset, clip.kind) == ("esc-50", "effects")
        assert clip.sha256 == audio.sha256(clip.path)


def test_a_folder_of_audio_is_no_esc50(tmp_path: Path) -> None:
    _write_clip(tmp_path / "audio" / "a.wav")
    assert esc50_folder(tmp_path) is None


def test_classes_of_esc50_have_the_numbers_of_its_table() -> None:
    assert len(set(ESC50_CLASSES)) == 50
    by_number = {0: "dog", 10: "rain", 20: "crying_baby", 36: "vacuum_cleaner", 41: "chainsaw"}
    assert {number: ESC50_CLASSES[number] for number in by_number} == by_number


def test_revision_covers_labels_folds_and_files(tmp_path: Path) -> None:
    revisions = set()
    variants = (
        ROWS,
        (*ROWS[:2], ("5-9032-A-49.wav", "5", "41", "chainsaw", "False", "9032", "A")),
        (*ROWS[:2], ("5-9032-A-49.wav", "4", "49", "hand_saw", "False", "9032", "A")),
        ROWS[:2],
    )
    for number, rows in enumerate(variants):
        folder = _esc50(tmp_path / str(number), rows)
        revisions.add(load_esc50(folder).manifest.revision)
    _write_clip(folder / "audio" / "other.wav")
    (folder / "audio" / "other.wav").replace(folder / "audio" / ROWS[0][0])
    revisions.add(load_esc50(folder).manifest.revision)
    assert len(revisions) == len(variants) + 1


def test_revision_does_not_depend_on_the_place_or_the_order(tmp_path: Path) -> None:
    here = load_esc50(_esc50(tmp_path / "a"))
    there = load_esc50(_esc50(tmp_path / "b", ROWS[::-1]))
    assert here.manifest.revision == there.manifest.revision


def test_a_table_that_is_missing(tmp_path: Path) -> None:
    folder = _esc50(tmp_path)
    (folder / "meta" / "esc50.csv").unlink()
    assert esc50_folder(tmp_path) == folder
    with pytest.raises(ManifestError, match=r"meta/esc50\.csv: no such file"):
        load_esc50(folder)


def test_a_file_that_the_table_lists_is_not_there(tmp_path: Path) -> None:
    folder = _esc50(tmp_path)
    (folder / "audio" / ROWS[1][0]).unlink()
    with pytest.raises(ManifestError, match=r"row 3: .*1-100032-B-0\.wav is not there"):
        load_esc50(folder)


def test_a_file_that_the_table_does_not_list_is_told(tmp_path: Path) -> None:
    folder = _esc50(tmp_path)
    _write_clip(folder / "audio" / "extra.wav")
    found = load_esc50(folder)
    assert len(found.manifest.clips) == len(ROWS)
    assert "extra.wav" in found.manifest.notes[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("x.wav", "1", "0", "hound"), "'hound' is no class of ESC-50, of x.wav"),
        (("x.wav", "1", "1", "dog"), "dog is class 0 of ESC-50, got '1', of x.wav"),
        (("x.wav", "one", "0", "dog"), "fold of x.wav must be a number, got 'one'"),
        (("1-100032-A-0.wav", "1", "0", "dog"), "1-100032-A-0.wav is listed twice"),
    ],
)
def test_a_wrong_row_of_the_table(tmp_path: Path, row: tuple[str, ...], message: str) -> None:
    folder = _esc50(tmp_path)
    _write_clip(folder / "audio" / row[0])
    with (folder / "meta" / "esc50.csv").open("a", newline="") as file:
        csv.writer(file).writerow([*row, "", "", ""])
    with pytest.raises(ManifestError, match=f"row 5: .*{re.escape(message)}"):
        load_esc50(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,fold,target\n", "column category is missing"),
        ("filename,fold,target,category\n", "lists no clips"),
        ("filename,fold,target,category\na.wav,1,0,dog,more\n", "not readable as CSV"),
        ("filename,fold,target,category\nb\xe4r.wav,1,0,dog\n", "not readable as CSV"),
    ],
)
def test_no_table_of_esc50(tmp_path: Path, text: str, message: str) -> None:
    folder = _esc50(tmp_path)
    (folder / "meta" / "esc50.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ManifestError, match=rf"esc50\.csv: .*{message}"):
        load_esc50(folder)


def test_labelled_effects_of_the_mini_set() -> None:
    found = labelled_effects(mini())
    assert len(found.manifest.clips) == 40
    assert len(found.classes) == 10
    assert {clip.label for clip in found.manifest.clips} == set(found.classes)
    assert found.fold_of == {}


def test_no_labelled_effects() -> None:
    clip = Clip("d", "a", "speech", Path("a.wav"), "0" * 64, label="a label of speech")
    with pytest.raises(ManifestError, match="bare: no clip of kind effects has a label"):
        labelled_effects(Manifest("bare", "r", (clip,)))
