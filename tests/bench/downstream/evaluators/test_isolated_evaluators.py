"""CLAP and emotion2vec on our side of the wall: what is asked of a worker, and what is missing."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.downstream.aec import ESC50_CLASSES
from bench.downstream.contract import EvaluatorUnavailableError
from bench.downstream.er import CLASSES
from bench.downstream.evaluators import clap, emotion2vec, isolated
from bench.isolation.environment import FOLDER_VARIABLE as ENVIRONMENTS
from bench.isolation.process import IsolatedFailed
from bench.weights import FOLDER_VARIABLE as WEIGHTS


class _Worker:
    """In place of `Isolated`: answers as a worker does, and keeps what it was asked."""

    revision = "r1"

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.classes = list(CLASSES)
        self.stopped = False

    def call(self, verb: str, **arguments: Any) -> Any:
        self.asked.append((verb, arguments))
        if self.error is not None:
            raise self.error
        if verb == "load":
            return self.classes
        if verb == "download":
            folder = Path(arguments["folder"])
            folder.mkdir()
            for file in emotion2vec.WEIGHTS.files:
                (folder / file).write_text(file)
            return None
        if "prompts" in arguments:
            n = len(arguments["prompts"])
            return [[1 / n] * n for _ in arguments["clips"]]
        return [dict.fromkeys(self.classes, 1 / 9) for _ in arguments["clips"]]

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Worker:
    """The one that evaluators get; weights are looked for in an empty folder."""
    found = _Worker()
    monkeypatch.setattr(isolated, "start", lambda name, device: found)
    monkeypatch.setattr(isolated, "missing_environment", lambda name: "")
    monkeypatch.setenv(WEIGHTS, str(tmp_path))
    return found


def _put(folder: Path, *files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).write_text(f"weights: {file}")


@pytest.fixture
def clap_weights(tmp_path: Path) -> Path:
    """A folder that has all of CLAP's files."""
    _put(tmp_path / "msclap", "CLAP_weights_2023.pth")
    _put(tmp_path / "gpt2", *clap.TEXT_MODEL.files)
    return tmp_path


def _clips(*lengths: int) -> list[np.ndarray]:
    return [np.zeros(length, np.float32) for length in lengths]


def test_clap_asks_by_the_protocols_prompts(worker: _Worker, clap_weights: Path) -> None:
    evaluator = clap.load()
    assert clap.missing() == ""
    found = evaluator.judge(_clips(10, 20))
    assert [list(one["probabilities"]) for one in found] == [list(ESC50_CLASSES)] * 2
    (first, loaded), (second, judged) = worker.asked
    assert (first, second) == ("load", "judge")
    assert loaded == {
        "weights": str(clap_weights / "msclap" / "CLAP_weights_2023.pth"),
        "text_model": str(clap_weights / "gpt2"),
        "cuda": False,
    }
    assert judged["prompts"][:2] == ["this is the sound of dog", "this is the sound of rooster"]
    assert judged["prompts"][30] == "this is the sound of door wood knock"
    assert (evaluator.info.task, evaluator.info.sample_rate) == ("aec", 44_100)


def test_clap_chooses_from_other_classes_under_another_revision(
    worker: _Worker, clap_weights: Path
) -> None:
    evaluator = clap.load()
    of_esc50 = evaluator.info.revision
    evaluator.choose_from(["tabla", "snare"])
    assert evaluator.info.revision != of_esc50
    (found,) = evaluator.judge(_clips(10))
    assert found == {"probabilities": {"tabla": 0.5, "snare": 0.5}}
    evaluator.choose_from(ESC50_CLASSES)
    assert evaluator.info.revision == of_esc50
    with pytest.raises(ValueError, match="classes to choose from"):
        evaluator.choose_from([])


def test_revision_of_clap_covers_weights_environment_and_device(
    worker: _Worker, clap_weights: Path
) -> None:
    revisions = {clap.load().info.revision, clap.load("cuda").info.revision}
    worker.revision = "r2"
    revisions.add(clap.load().info.revision)
    _put(clap_weights / "gpt2", "vocab.json")
    (clap_weights / "gpt2" / "vocab.json").write_text("another")
    revisions.add(clap.load().info.revision)
    (clap_weights / "msclap" / "CLAP_weights_2023.pth").write_text("others")
    revisions.add(clap.load().info.revision)
    assert len(revisions) == 5


def test_a_clip_without_samples(worker: _Worker, clap_weights: Path) -> None:
    with pytest.raises(ValueError, match="no samples"):
        clap.load().judge(_clips(10, 0))


def test_weights_that_do_not_fit(worker: _Worker, clap_weights: Path) -> None:
    worker.error = IsolatedFailed("the worker of clap failed: RuntimeError: the file lacks 3")
    with pytest.raises(EvaluatorUnavailableError, match=r"pth cannot be loaded: .*lacks 3"):
        clap.load()
    assert worker.stopped


def test_the_process_ends_with_its_evaluator(worker: _Worker, clap_weights: Path) -> None:
    evaluator = clap.load()
    assert not worker.stopped
    del evaluator
    gc.collect()
    assert worker.stopped


@pytest.mark.parametrize("module", [clap, emotion2vec])
def test_an_environment_that_was_not_created(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENTS, str(tmp_path))
    expected = f"bench env create {module.ENVIRONMENT}"
    assert expected in module.missing()
    with pytest.raises(EvaluatorUnavailableError, match=expected):
        module.load()


def test_weights_that_are_missing(worker: _Worker, tmp_path: Path) -> None:
    assert "CLAP_weights_2023.pth" in clap.missing()
    _put(tmp_path / "msclap", "CLAP_weights_2023.pth")
    assert "vocab.json" in clap.missing()
    assert "model.pt" in emotion2vec.missing()
    assert "v2.0.4" in emotion2vec.missing()


@pytest.fixture
def emotion_weights(tmp_path: Path) -> Path:
    """A folder that has all of emotion2vec's files."""
    folder = tmp_path / "emotion2vec_base_finetuned"
    _put(folder, *emotion2vec.WEIGHTS.files)
    return folder


def test_emotion2vec(worker: _Worker, emotion_weights: Path) -> None:
    evaluator = emotion2vec.load("cuda")
    assert emotion2vec.missing() == ""
    found = evaluator.judge(_clips(400, 900))
    assert [tuple(one["probabilities"]) for one in found] == [CLASSES] * 2
    assert [verb for verb, _ in worker.asked] == ["load", "judge"]
    for _, arguments in worker.asked:
        assert arguments["weights"] == str(emotion_weights)
        assert arguments["cuda"] is True
    assert (evaluator.info.task, evaluator.info.sample_rate) == ("er", 16_000)


def test_a_clip_that_is_too_short_for_emotion2vec(worker: _Worker, emotion_weights: Path) -> None:
    with pytest.raises(ValueError, match="399 samples at 16 kHz, 400 at least"):
        emotion2vec.load().judge(_clips(400, 399))


def test_another_model_in_the_place_of_emotion2vec(worker: _Worker, emotion_weights: Path) -> None:
    worker.classes = ["angry", "happy"]
    with pytest.raises(EvaluatorUnavailableError, match="another model: its classes are angry,"):
        emotion2vec.load()
    assert worker.stopped


def test_emotion2vec_is_fetched_whole(worker: _Worker, tmp_path: Path) -> None:
    evaluator = emotion2vec.load()
    verb, arguments = worker.asked[0]
    assert verb == "download"
    assert arguments["repository"] == "iic/emotion2vec_base_finetuned"
    assert arguments["revision"] == "v2.0.4"
    assert [path.name for path in tmp_path.iterdir()] == ["emotion2vec_base_finetuned"]
    assert evaluator.info.weights.startswith("a copy of iic/emotion2vec_base_finetuned")


def test_emotion2vec_cannot_be_fetched(worker: _Worker, tmp_path: Path) -> None:
    worker.error = IsolatedFailed("the worker of emotion2vec failed: ConnectionError: no route")
    with pytest.raises(EvaluatorUnavailableError, match=r"put config\.yaml.*no route") as raised:
        emotion2vec.load()
    assert "\n" not in str(raised.value)
    assert worker.stopped
    assert list(tmp_path.iterdir()) == []
