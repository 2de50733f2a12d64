"""The corpus command, with packages that lie in the cache already."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from sqcodec.training import corpus_cli
from sqcodec.training.corpus import PackedCorpus

app = typer.Typer()
app.command()(corpus_cli.build)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with one unpacked package: a track that is trained on."""
    root = tmp_path / "cache" / "wesnoth-1.16-music" / "root" / "usr/share/games/wesnoth/1.16"
    root.mkdir(parents=True)
    (tmp_path / "cache" / "wesnoth-1.16-music" / "VERSION").write_text("1:1.16.9-1\n")
    soundfile.write(root / "battle.ogg", 0.1 * np.sin(np.arange(44_100)), 44_100)
    (root / "torn.ogg").write_bytes(b"OggS")
    monkeypatch.setattr(corpus_cli, "packages", lambda: ("wesnoth-1.16-music",))
    return tmp_path / "cache"


def test_builds_a_corpus_and_reports(cache: Path, tmp_path: Path) -> None:
    arguments = [str(tmp_path / "corpus"), "--cache", str(cache), "--sample-rate", "8000"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "wesnoth-1.16-music 1:1.16.9-1: 2 files" in result.output
    assert "1 corrupt" in result.output
    assert "torn.ogg" in result.output
    corpus = PackedCorpus.open(tmp_path / "corpus")
    assert (len(corpus), corpus.sample_rate, len(corpus.read(0))) == (1, 8_000, 8_000)
    assert corpus.summary["packages"] == {"wesnoth-1.16-music": "1:1.16.9-1"}


def test_one_line_and_status_2_where_a_package_cannot_be_had(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(cache)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, [str(tmp_path / "corpus"), "--cache", str(cache)])
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("sqcodec corpus: apt-get is missing")


def test_packs_data_sets_on_disk(tmp_path: Path) -> None:
    tone = 0.1 * np.sin(np.arange(8_000))
    for path in ("LibriSpeech/train-clean-100/19/198/19-198-0000.flac", "FSD50K.dev_audio/10.wav"):
        (tmp_path / path).parent.mkdir(parents=True)
        soundfile.write(tmp_path / path, tone, 16_000)
    sources = [f"--from={reader}={tmp_path}" for reader in ("librispeech", "fsd50k")]
    result = CliRunner().invoke(app, [str(tmp_path / "corpus"), *sources])
    assert result.exit_code == 0, result.output
    corpus = PackedCorpus.open(tmp_path / "corpus")
    assert list(corpus.clips["kind"]) == ["speech", "effects"]
    assert "librispeech" in corpus.summary["origin"]


def test_status_2_where_the_folder_exists(cache: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path), "--cache", str(cache)])
    assert result.exit_code == 2
    assert "exists already" in result.stderr
