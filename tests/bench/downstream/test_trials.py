"""bench.downstream.trials: VoxCeleb's list is checked line by line; pairs of any speakers."""

from pathlib import Path

import pytest

from bench.datasets.manifest import Clip, ManifestError
from bench.downstream.trials import Trial, all_pairs, digest, read_trials

GOOD = "1 id1/v/1.wav id1/w/2.wav\n0 id1/v/1.wav id2/x/1.wav\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "veri_test2.txt"
    path.write_text(text)
    return path


def test_the_list(tmp_path: Path) -> None:
    one, two = read_trials(written(tmp_path, GOOD + "\n"))
    assert one == Trial("id1/v/1.wav", "id1/w/2.wav", "id1", "id1")
    assert (one.target, two.target) == (True, False)
    assert digest([one, two]) == digest(read_trials(tmp_path / "veri_test2.txt"))
    assert digest([two, one]) != digest([one, two])


def test_a_line_that_comes_twice_counts_twice(tmp_path: Path) -> None:
    one, two, again = read_trials(written(tmp_path, GOOD + "\n1 id1/v/1.wav id1/w/2.wav"))
    assert again == one != two


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2 id1/v/1.wav id1/w/2.wav", r"line 1: expected '1\|0 enrol test', got '2 id1"),
        ("1 id1/v/1.wav", r"line 1: expected '1\|0 enrol test'"),
        ("0 id1/v/1.wav id1/w/2.wav", "line 1: label 0, but paths of one speaker"),
        ("1 id1/v/1.wav id2/w/2.wav", "line 1: label 1, but paths of two speakers"),
        ("1 1.wav id2/w/2.wav", "line 1: expected a path from its speaker's folder on"),
        ("1 id1/v/1.wav id1/w/2.wav", "of one speaker and of two, got one kind"),
        ("", "of one speaker and of two, got one kind"),
    ],
)
def test_wrong_lists_name_file_and_line(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ManifestError, match=f"veri_test2.txt.*{why}"):
        read_trials(written(tmp_path, text))


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such list of trials"):
        read_trials(tmp_path / "veri_test2.txt")
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ManifestError, match="not readable as a list of trials"):
        read_trials(binary)


def test_all_pairs_know_their_languages() -> None:
    clips = [
        Clip("set", name, "speech", Path(name), "0" * 64, speaker, language)
        for name, speaker, language in (
            ("a1", "a", "en-GB"),
            ("a2", "a", "en-GB"),
            ("b1", "b", "en-US"),
            ("c1", "c", "fr"),
            ("nobody", "", "en"),
        )
    ]
    pairs = {(one.enrol, one.test): one for one in all_pairs(clips)}
    assert len(pairs) == 6
    assert pairs["a1", "a2"].target
    assert pairs["a1", "b1"].same_language
    assert not pairs["a1", "c1"].same_language
