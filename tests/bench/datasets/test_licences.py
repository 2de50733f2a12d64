"""Whose audio it is."""

from pathlib import Path

import pytest

from bench.datasets.licences import Rights, rights
from bench.datasets.manifest import ManifestError
from bench.datasets.mini import FOLDER, mini


def test_every_clip_of_the_mini_set_has_a_licence_and_an_author() -> None:
    found = rights(FOLDER / "manifest.csv")
    assert set(found) == {clip.id for clip in mini().clips}
    assert found["librivox-austen-0870"] == Rights(
        "CC-PDM-1.0",
        "Jane Austen, Sense and Sensibility; LibriVox volunteers (librivox.org)",
        "pocketsphinx-testdata",
    )


@pytest.mark.parametrize(
    "text",
    [
        "id,licence,attribution\na,CC0-1.0,Ann\nb,,Bob\nc,CC0-1.0,\n",
        "id,licence,attribution\na,CC0-1.0,Ann\n",
    ],
)
def test_a_clip_without_a_licence_or_an_author_is_left_out(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(text)
    assert rights(path) == {"a": Rights("CC0-1.0", "Ann")}


def test_a_manifest_without_such_columns_has_none(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("id,path\na,a.wav\n")
    assert rights(path) == {}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.csv: not readable as CSV"):
        rights(tmp_path / "none.csv")
