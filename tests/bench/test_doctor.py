"""bench.doctor: what is here and missing, and whether the main job can run."""

import importlib.metadata
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from typer.testing import CliRunner

from bench import audio, cli, doctor, registry
from bench.codec import CodecCard
from bench.datasets.load import DATASETS
from bench.datasets.manifest import Clip, Manifest
from bench.doctor import MAIN_CODEC, Finding, can_run, examine
from bench.metrics import METRICS

READY = CodecCard(MAIN_CODEC, "ours", 16_000, 3_000, weights="bundled")


@pytest.fixture(autouse=True)
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where the main job can run: a data set of one clip, and the main codec."""
    path = tmp_path / "a.wav"
    soundfile.write(path, [0.0, 0.1], 16_000)
    clips = (Clip("d", "a", "speech", path, audio.sha256(path)),)
    monkeypatch.setitem(DATASETS, "mini", lambda: Manifest("mini", "r1", clips))
    monkeypatch.setattr(registry, "cards", lambda: [READY])
    monkeypatch.chdir(tmp_path)
    return path


def found(topic: str, store: Path = Path("s.sqlite")) -> list[Finding]:
    """The findings of a topic that something is missing of, else all of the topic."""
    of_topic = [finding for finding in examine(store) if finding.topic == topic]
    assert of_topic
    return [finding for finding in of_topic if finding.missing] or of_topic


def test_a_machine_that_has_what_it_needs(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    for told in (
        f"torch {torch.__version__}",
        ", ".join(METRICS),
        f"{MAIN_CODEC} (bundled)",
        "mini: 1 clips, each as its manifest says",
        "unpack codec_superb_data.zip",
        ".bench/store.sqlite: made at the first run",
        "The main job can run: bench run --codec sqcodec-3k --suite signal",
    ):
        assert told in text
    assert not (tmp_path / ".bench").exists()


def test_what_the_main_job_lacks_is_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "cards", lambda: [replace(READY, missing="no weights: train")])
    done = CliRunner().invoke(cli.app, ["doctor"])
    assert done.exit_code == cli.MISSING
    assert "sqcodec-3k: no weights: train" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("see: codec")


def test_codecs_that_lack_the_same_share_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [
        CodecCard(name, "a codec", 16_000, 1_000, missing=f"no weights: get {name}.bin")
        for name in ("a-1k", "b-1k")
    ]
    alone = CodecCard("c-1k", "a codec", 16_000, 1_000, missing="c-1k needs PyAV")
    monkeypatch.setattr(registry, "cards", lambda: [READY, *others, alone])
    findings = found("codec")
    assert [finding.text for finding in findings] == [
        "a-1k, b-1k: no weights: get NAME.bin",
        "c-1k: c-1k needs PyAV",
    ]
    assert can_run(findings)


def test_a_missing_library_is_needed_and_an_extra_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["numpy>=2.0", "nowhere-1<2,>=1", 'nothing>=3; extra == "hub"']
    monkeypatch.setattr(doctor, "requires", lambda name: names)
    (library,) = found("library")
    assert library.text == "nowhere-1: pip install -c constraints.txt -e ."
    assert not can_run([library])
    (extra,) = found("extra hub")
    assert extra.text == "nothing: pip install -c constraints.txt -e '.[hub]'"
    assert can_run([extra])


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", absent)
    (library,) = found("library")
    assert library.text.endswith("is not installed: pip install -e .")
    assert not can_run([library])


def test_a_metric_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "mel", replace(METRICS["mel"], function="nowhere:mel"))
    (metric,) = found("metric")
    assert metric.text == "mel does not load: ModuleNotFoundError: No module named 'nowhere'"
    assert not can_run([metric])


@pytest.mark.parametrize("fault", ["changed", "gone"])
def test_a_bundled_set_that_is_not_whole(clip: Path, fault: str) -> None:
    clip.write_text("other bytes") if fault == "changed" else clip.unlink()
    mini = found("data set")[0]
    assert mini.text.startswith("mini: 1 of 1 clips are missing or changed, such as a: install")
    assert not can_run([mini])


def test_data_that_is_not_bundled_is_told_and_not_needed() -> None:
    (superb,) = found("data set")
    assert superb.text.startswith("Codec-SUPERB (8 data sets of speech, 3 of audio) is not bundled")
    assert can_run([superb])


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("no store " * 99)
    (store,) = found("store", Path("notes"))
    assert "notes cannot be used as a store" in store.text
    assert not can_run([store])


def test_a_store_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (store,) = found("store", Path("results/s.sqlite"))
    assert store.text == f"{tmp_path} cannot be written: choose another place with --store"
    assert not can_run([store])


def test_no_place_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    (scratch,) = found("scratch")
    assert "set TMPDIR" in scratch.text
    assert not can_run([scratch])


@pytest.mark.parametrize("is_there", [True, False])
def test_the_device_is_named(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_there)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    (device,) = found("device")
    assert ("Some GPU, CUDA" in device.text) is is_there
    assert ("no CUDA device" in device.text) is not is_there
    assert not device.missing
