"""The bundled mini set holds what it promises, and nothing that is trained on."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench.datasets import mini
from bench.datasets.manifest import Manifest
from sqcodec.training.sources import is_held_out, packages, training_file

MAX_BYTES = 15_000_000
NEAR_SILENT_RMS = 10 ** (-45 / 20)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return mini.mini()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(mini.FOLDER / "manifest.csv", keep_default_na=False)


def source_paths(pieces: str) -> list[str]:
    """Paths inside the source package, without the sample ranges."""
    return [piece.split("[")[0] for piece in pieces.split()]


def test_counts(manifest: Manifest) -> None:
    speech = [clip for clip in manifest.clips if clip.kind == "speech"]
    assert len(speech) >= 60
    assert len({clip.speaker for clip in speech}) >= 12
    assert len({clip.dataset for clip in speech}) >= 4
    kinds = Counter(clip.kind for clip in manifest.clips)
    assert kinds["music"] == 12
    assert kinds["effects"] == 40


def test_librivox_and_english_prompts_have_transcripts(table: pd.DataFrame) -> None:
    for dataset in ("librivox", "asterisk-en"):
        of_dataset = table[table["dataset"] == dataset]
        assert len(of_dataset) >= 10
        assert (of_dataset["transcript"] != "").all()
    assert ((table["transcript"] != "") == (table["transcript_check"] != "")).all()


def test_effects_have_classes_of_several_clips(manifest: Manifest) -> None:
    classes = Counter(clip.label for clip in manifest.clips if clip.kind == "effects")
    assert "" not in classes
    assert min(classes.values()) >= 4


def test_speech_has_speaker_and_language(manifest: Manifest) -> None:
    for clip in manifest.clips:
        assert bool(clip.speaker and clip.language) == (clip.kind == "speech"), clip.id


def test_files_are_the_ones_of_the_manifest(table: pd.DataFrame) -> None:
    assert {path.name for path in mini.FOLDER.glob("*.flac")} == set(table["path"])
    for row in table.itertuples():
        path = mini.FOLDER / row.path
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256, row.id
        samples, sample_rate = soundfile.read(path, dtype="int16")
        assert hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest() == row.audio_sha256
        assert (sample_rate, 1) == (row.sample_rate, row.channels)
        assert len(samples) / sample_rate == pytest.approx(row.duration_s, abs=5e-4)


def test_no_recording_twice(table: pd.DataFrame) -> None:
    assert table["audio_sha256"].is_unique
    for package, rows in table.groupby("source_package"):
        pieces = [piece for row in rows["source_files"] for piece in row.split()]
        assert len(set(pieces)) == len(pieces), package
        spans: dict[str, list[tuple[int, int]]] = {}
        for piece in pieces:
            path, _, span = piece.rstrip("]").partition("[")
            start, stop = map(int, span.split(":")) if span else (0, 10**12)
            spans.setdefault(path, []).append((start, stop))
        for path, cuts in spans.items():
            for (_, stop), (start, _) in pairwise(sorted(cuts)):
                assert stop <= start, f"{path}: excerpts overlap"


def test_levels_durations_and_rates(table: pd.DataFrame) -> None:
    assert {16_000, 22_050, 44_100} <= set(table["sample_rate"])
    for row in table.itertuples():
        samples, _ = soundfile.read(mini.FOLDER / row.path)
        assert np.sqrt(np.mean(samples**2)) > NEAR_SILENT_RMS, row.id
        assert np.count_nonzero(np.abs(samples) >= 0.999) <= 2, f"{row.id} is clipped"
        bounds = {"speech": (2, 10), "music": (6, 9), "effects": (0.3, 5)}[row.kind]
        assert bounds[0] <= row.duration_s <= bounds[1], row.id


def test_size() -> None:
    assert sum(path.stat().st_size for path in mini.FOLDER.iterdir()) < MAX_BYTES


def test_sources_and_licences_are_named(table: pd.DataFrame) -> None:
    licences = (mini.FOLDER / "LICENSES.md").read_text(encoding="utf-8")
    for column in ("source_package", "source_version", "source_files", "licence", "attribution"):
        assert (table[column] != "").all(), column
    for package in table["source_package"].unique():
        assert f"`{package}`" in licences
    sonic_pi = table[table["source_package"] == "sonic-pi-samples"]
    for author in sonic_pi["attribution"].str.partition(";")[0].unique():
        assert author in licences


def test_nothing_of_it_is_trained_on(table: pd.DataFrame) -> None:
    for row in table.itertuples():
        for path in source_paths(row.source_files):
            assert is_held_out(row.source_package, path), path
            assert training_file(row.source_package, Path("/"), path) is None, path


def test_its_voices_are_not_trained_on(table: pd.DataFrame) -> None:
    """No other file of a voice's folder is a training file, in any package."""
    for row in table[table["kind"] == "speech"].itertuples():
        for path in source_paths(row.source_files):
            neighbour = str(Path(path).with_name("another-recording" + Path(path).suffix))
            for package in (row.source_package, *packages()):
                assert training_file(package, Path("/"), neighbour) is None


def test_the_selection_is_the_one_that_was_built(table: pd.DataFrame) -> None:
    root = Path(__file__).parents[3]
    with open(root / "tools" / "mini_set.csv", newline="", encoding="utf-8") as file:
        selection = list(csv.DictReader(file))
    assert [row["id"] for row in selection] == list(table["id"])
    assert [row["pieces"] for row in selection] == list(table["source_files"])
