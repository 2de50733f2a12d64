"""bench.downstream.data: miniature trees in the official layouts, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.datasets.librispeech import load_librispeech
from bench.datasets.manifest import ManifestError
from bench.downstream.data import load_application
from bench.downstream.voxceleb import load_voxceleb

CHAPTER = Path("LibriSpeech/test-clean/61/70968")
LINES = "61-70968-0000 HE BEGAN A CONFUSED COMPLAINT\n61-70968-0001 GIVE NOT SO EARNEST A MIND\n"
TRIALS = "1 id1/v/1.wav id1/v/2.wav\n0 id1/v/1.wav id2/x/1.wav\n"


def tone(path: Path, frequency_hz: float = 440.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(1_600) / 16_000
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * frequency_hz * time_s), 16_000)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """LibriSpeech and VoxCeleb1-O, two or three clips of each."""
    for number in range(2):
        tone(tmp_path / CHAPTER / f"61-70968-000{number}.flac", 300 + number)
    (tmp_path / CHAPTER / "61-70968.trans.txt").write_text(LINES)
    for number, name in enumerate(("id1/v/1.wav", "id1/v/2.wav", "id2/x/1.wav", "id3/unused.wav")):
        tone(tmp_path / "vox1_test_wav" / "wav" / name, 500 + number)
    (tmp_path / "veri_test2.txt").write_text(TRIALS)
    return tmp_path


def test_a_tree(tree: Path) -> None:
    found = load_application(str(tree))
    assert found.name == "codec-superb"
    assert set(found.tasks) == {"asr", "asv"}
    assert found.absent == {"er": f"no RAVDESS in {tree}", "aec": f"no ESC-50 in {tree}"}
    asr, asv = found.tasks["asr"], found.tasks["asv"]
    assert [clip.transcript for clip in asr.clips] == [
        "HE BEGAN A CONFUSED COMPLAINT",
        "GIVE NOT SO EARNEST A MIND",
    ]
    assert {(clip.speaker, clip.group, clip.language) for clip in asr.clips} == {("61", "61", "en")}
    assert asr.clips[0].id == "test-clean/61/70968/61-70968-0000.flac"
    assert len(asr.clips[0].sha256) == 64
    assert asr.notes == (f"{tree}/LibriSpeech: without test-other",)
    assert [clip.id for clip in asv.clips] == ["id1/v/1.wav", "id1/v/2.wav", "id2/x/1.wav"]
    assert [trial.target for trial in asv.trials] == [True, False]


def test_data_revisions_cover_labels_and_trials(tree: Path) -> None:
    before = load_application(str(tree)).tasks
    (tree / CHAPTER / "61-70968.trans.txt").write_text(LINES.replace("CONFUSED", "CLEAR"))
    (tree / "veri_test2.txt").write_text(TRIALS + "0 id1/v/2.wav id2/x/1.wav\n")
    after = load_application(str(tree)).tasks
    assert before["asr"].revision != after["asr"].revision
    assert before["asv"].revision != after["asv"].revision


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (None, r"61-70968.trans.txt: no such file"),
        ("61-70968-0000 A\n", r"61-70968-0001.flac: has no line in the transcripts"),
        (LINES + "61-70968-0002 B\n", r"trans.txt, line 3: names .*0002.flac, which is not there"),
        (LINES + "61-70968-0001 B\n", r"trans.txt, line 3: comes twice"),
        ("61-70968-0000\n", r"trans.txt, line 1: nothing is said in 61-70968-0000"),
    ],
)
def test_transcripts_that_do_not_fit(tree: Path, lines: str | None, why: str) -> None:
    path = tree / CHAPTER / "61-70968.trans.txt"
    path.unlink()
    if lines is not None:
        path.write_text(lines)
    with pytest.raises(ManifestError, match=why):
        load_librispeech(tree / "LibriSpeech")


def test_a_folder_without_test_sets(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="neither test-clean nor test-other is in it"):
        load_librispeech(tmp_path)
    (tmp_path / "test-other").mkdir()
    with pytest.raises(ManifestError, match="no utterances"):
        load_librispeech(tmp_path)


def test_trials_of_files_that_are_not_there(tree: Path) -> None:
    (tree / "vox1_test_wav/wav/id2/x/1.wav").unlink()
    with pytest.raises(ManifestError, match=r"veri_test2.txt: names .*id2/x/1.wav, which is not"):
        load_voxceleb(tree)
    (tree / "veri_test2.txt").unlink()
    with pytest.raises(ManifestError, match=r"veri_test2.txt: no such list"):
        load_application(str(tree))


def test_the_mini_set() -> None:
    found = load_application("mini")
    assert set(found.tasks) == {"asr", "asv", "aec"}
    assert "needs RAVDESS" in found.absent["er"]
    assert all(clip.language.startswith("en") for clip in found.tasks["asr"].clips)
    asv = found.tasks["asv"]
    kinds = {(trial.target, trial.same_language) for trial in asv.trials}
    assert kinds == {(True, True), (False, True), (False, False)}
    assert {clip.kind for clip in found.tasks["aec"].clips} == {"effects"}


def test_clips_without_labels_offer_nothing(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav")
    found = load_application(str(tmp_path))
    assert not found.tasks
    assert set(found.absent) == {"asr", "asv", "er", "aec"}
