"""The workers of CLAP and emotion2vec, around stand-ins of the libraries that they call.

The real libraries were run once with weights drawn at random: docs/application.md.
"""

from __future__ import annotations

import random
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from bench.isolation.known import DEFINED, definition

TEXTS = ["this is the sound of dog", "this is the sound of rain"]
WIDTH = 4


def _script(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import a script by its name, as the process around a worker does."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


def _worker(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    *_, worker = [_script(path, monkeypatch) for path in reversed(definition(name).scripts)]
    # What the libraries need of torchaudio is not needed by their stand-ins.
    monkeypatch.setattr(sys.modules["torchaudio_stub"], "make_importable", lambda: None)
    return worker


class _FakeClap:
    """As much of `msclap.CLAP` as the worker calls: it embeds a clip by its first samples."""

    loaded_from: str
    text_files: list[str]

    def __init__(self, path: str, *, version: str, use_cuda: bool) -> None:
        self.arguments = (path, version, use_cuda)
        # As transformers does for msclap, which names the model and not its place.
        self.text_files = sorted(file.name for file in Path("gpt2").iterdir())
        self.clap = torch.nn.Linear(2, 2)
        state = torch.load(path)["model"]
        self.clap.load_state_dict(state, strict=False)
        self.n_texts = 0

    def get_text_embeddings(self, texts: list[str]) -> torch.Tensor:
        self.n_texts += 1
        return torch.eye(WIDTH)[: len(texts)]

    def get_audio_embeddings(self, clips: list[Any]) -> torch.Tensor:
        return torch.stack([self._crop(clip) for clip in clips])

    def _crop(self, clip: Any) -> torch.Tensor:
        samples, rate = self.read_audio(clip, resample=True)
        assert rate == 44_100
        samples = samples.reshape(-1)
        start = random.randrange(len(samples) - WIDTH) if len(samples) > WIDTH else 0
        return samples[start : start + WIDTH]

    def compute_similarity(self, audio: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        return audio @ texts.T


@pytest.fixture
def clap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, dict[str, Any]]:
    """The worker, and where its weights are."""
    library = ModuleType("msclap")
    library.CLAP = _FakeClap
    monkeypatch.setitem(sys.modules, "msclap", library)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "vocab.json").write_text("{}")
    torch.save({"model": torch.nn.Linear(2, 2).state_dict()}, tmp_path / "weights.pth")
    paths = {
        "weights": str(tmp_path / "weights.pth"),
        "text_model": str(tmp_path / "text"),
        "cuda": False,
    }
    return _worker("clap", monkeypatch), paths


def _clip(n_samples: int, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(0, 1, n_samples).astype(np.float32)
    samples.setflags(write=False)  # as they arrive
    return samples


def test_clap_finds_its_text_model_where_it_is_and_is_loaded_once(clap: Any) -> None:
    worker, paths = clap
    before = Path.cwd()
    worker.load(**paths)
    loaded = worker._loaded(*paths.values())
    assert loaded.arguments == (paths["weights"], "2023", False)
    assert loaded.text_files == ["vocab.json"]
    assert Path.cwd() == before
    worker.judge(**paths, prompts=TEXTS, clips=[_clip(WIDTH)])
    assert worker._loaded(*paths.values()) is loaded


def test_clap_gives_probabilities_of_each_text(clap: Any) -> None:
    worker, paths = clap
    clips = [_clip(WIDTH, seed) for seed in range(11)]  # more than a batch
    found = np.array(worker.judge(**paths, prompts=TEXTS, clips=clips))
    assert found.shape == (11, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    expected = torch.softmax(torch.tensor(np.stack(clips))[:, :2], dim=1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    worker.judge(**paths, prompts=TEXTS, clips=clips[:1])
    assert worker._loaded(*paths.values()).n_texts == 1


def test_clap_hears_a_long_clip_at_the_same_place_whatever_its_batch(clap: Any) -> None:
    worker, paths = clap
    long = _clip(10_000)
    random.seed(17)
    alone = worker.judge(**paths, prompts=TEXTS, clips=[long])
    among = worker.judge(**paths, prompts=TEXTS, clips=[_clip(9_000, 1), long, _clip(11_000, 2)])
    assert among[1] == alone[0]


def test_clap_without_a_weight_is_not_run(clap: Any, tmp_path: Path) -> None:
    worker, paths = clap
    torch.save({"model": {"weight": torch.zeros(2, 2)}}, paths["weights"])
    with pytest.raises(RuntimeError, match="lacks 1 weights, such as bias"):
        worker.load(**paths)
    broken = {"weight": torch.zeros(2, 2), "bias": torch.full((2,), float("nan"))}
    torch.save({"model": broken}, paths["weights"])
    with pytest.raises(RuntimeError, match="not finite, in bias"):
        worker.load(**paths)


class _FakeAutoModel:
    """As much of FunASR's `AutoModel` as the worker calls."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.kwargs = {"token_list": ["生气/angry", "难过/sad", "<unk>"]}
        self.model = torch.nn.Linear(2, 2)

    def generate(self, clip: Any, *, granularity: str, extract_embedding: bool) -> list[dict]:
        assert (granularity, extract_embedding) == ("utterance", False)
        torch.from_numpy(clip)  # warns of an array that it must not write
        scores = torch.softmax(torch.tensor(clip[:3]), dim=0).tolist()
        return [{"key": "any", "labels": self.kwargs["token_list"], "scores": scores}]


@pytest.fixture
def emotion2vec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Path]:
    """The worker, and the folder of its weights."""
    library = ModuleType("funasr")
    library.AutoModel = _FakeAutoModel
    monkeypatch.setitem(sys.modules, "funasr", library)
    state = {f"d2v_model.{name}": x for name, x in torch.nn.Linear(2, 2).state_dict().items()}
    torch.save({"model": state}, tmp_path / "model.pt")
    worker = _worker("emotion2vec", monkeypatch)
    monkeypatch.setattr(worker, "logging", SimpleNamespace(disable=lambda level: None, WARNING=30))
    return worker, tmp_path


def test_emotion2vec_names_its_classes_in_english(emotion2vec: tuple[ModuleType, Path]) -> None:
    worker, folder = emotion2vec
    assert worker.load(str(folder), cuda=False) == ["angry", "sad", "unknown"]
    arguments = worker._loaded(str(folder), False).arguments
    assert arguments["model"] == str(folder)
    assert arguments["device"] == "cpu"
    assert arguments["disable_update"] is True


def test_emotion2vec_gives_probabilities_clip_by_clip(
    emotion2vec: tuple[ModuleType, Path],
) -> None:
    worker, folder = emotion2vec
    clips = [_clip(400), _clip(500, 1)]
    found = worker.judge(str(folder), False, clips)
    assert [list(one) for one in found] == [["angry", "sad", "unknown"]] * 2
    expected = torch.softmax(torch.tensor(clips[1][:3]), dim=0).tolist()
    assert list(found[1].values()) == expected


@pytest.mark.parametrize("wrong", [{"weight": torch.zeros(2, 2)}, {"weight": torch.zeros(3, 2)}])
def test_emotion2vec_without_its_weights_is_not_run(
    emotion2vec: tuple[ModuleType, Path], wrong: dict[str, torch.Tensor]
) -> None:
    worker, folder = emotion2vec
    torch.save({"model": wrong}, folder / "model.pt")
    with pytest.raises(RuntimeError, match="does not have the weights"):
        worker.load(str(folder), cuda=False)


def test_emotion2vec_is_fetched_at_its_revision(
    emotion2vec: tuple[ModuleType, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, folder = emotion2vec
    asked: dict[str, Any] = {}
    library = ModuleType("modelscope")
    library.snapshot_download = lambda name, **how: asked.update(how, name=name)
    monkeypatch.setitem(sys.modules, "modelscope", library)
    worker.download("iic/model", "v1", str(folder))
    assert asked == {"name": "iic/model", "revision": "v1", "local_dir": str(folder)}


@pytest.mark.parametrize(("name", "library"), [("clap", "msclap"), ("emotion2vec", "funasr")])
def test_definitions_pin_all_that_is_installed(name: str, library: str) -> None:
    found = definition(name)
    assert found.path.parent == DEFINED
    pins = dict(requirement.split("==") for requirement in found.requirements)
    assert {library, "torch", "torchaudio", "transformers", "numpy"} <= set(pins)
    assert pins["torch"] == "2.13.0"
    assert not [pin for pin in pins if pin.startswith(("nvidia", "triton", "cuda"))]
