"""bench.datasets.load: which data set a user means."""

from pathlib import Path

import pytest

from bench.datasets.load import load_data
from bench.datasets.manifest import ManifestError
from bench.names import UnknownNameError

ROW = f"id,path,dataset,kind,sha256\na,a.wav,d,music,{'0' * 64}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of audio, one that is called as the bundled set, and a manifest."""
    for name in ("songs", "mini"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.wav").touch()
    (tmp_path / "set.csv").write_text(ROW)
    (tmp_path / "notes.txt").touch()
    monkeypatch.chdir(tmp_path)


def test_a_name_wins_over_a_folder() -> None:
    assert load_data("mini").name == "mini"
    assert len(load_data("mini").clips) > 100


def test_a_folder_called_as_a_bundled_set_gets_another_name() -> None:
    manifest = load_data("./mini")
    assert [clip.id for clip in manifest.clips] == ["a.wav"]
    assert manifest.name == f"mini-{manifest.revision[:8]}"


@pytest.mark.parametrize(("kind", "expected"), [(None, "speech"), ("effects", "effects")])
def test_a_folder_is_of_one_kind(kind: str | None, expected: str) -> None:
    manifest = load_data("songs", kind)
    assert manifest.name == "songs"
    assert [clip.kind for clip in manifest.clips] == [expected]


def test_a_manifest() -> None:
    manifest = load_data("set.csv")
    assert (manifest.name, manifest.clips[0].kind) == ("set", "music")


def test_a_tree_of_codec_superb(tmp_path: Path) -> None:
    (tmp_path / "data/samples/esc50").mkdir(parents=True)
    (tmp_path / "data/samples/esc50/1.wav").touch()
    for path in ("data", "data/samples"):
        assert load_data(path).name == "codec-superb"


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ("notes.txt", None, r"notes\.txt: expected a folder of audio or a manifest \(\.csv\)"),
        ("mini", "speech", "mini: --kind is for a folder of audio"),
        ("set.csv", "speech", r"set\.csv: --kind is for a folder of audio"),
    ],
)
def test_what_cannot_be_used_is_told(data: str, kind: str | None, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        load_data(data, kind)


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ("minni", None, "manifest is called 'minni'; did you mean mini"),
        ("sonsg", None, r"'sonsg'; did you mean songs\? available: mini$"),
        ("./sonsg", None, r"'\./sonsg'; did you mean songs\? available: mini$"),
        ("sets.csv", None, r"'sets\.csv'; did you mean set\.csv\?"),
        ("no/where", None, "manifest is called 'no/where'; available: mini"),
        ("songs", "efects", "no kind of clip is called 'efects'; did you mean effects"),
    ],
)
def test_a_misspelt_name_suggests_the_nearest(data: str, kind: str | None, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        load_data(data, kind)
