"""The folder of one training: what is finished is believed only if it is what is asked for."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bench.ablation.folder import DONE, Run
from bench.ablation.plan import AblationError
from bench.trainable import SETTINGS_FILE, Trained

SETTINGS = {"steps": 5, "precision": "bf16", "kind_shares": {"speech": 1.0}, "crop_s": 1}
TRAINED = Trained("baseline-abc", "w.safetensors", 5, 8.0, 60.0, "1 CPU thread")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A finished one."""
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(SETTINGS))
    (tmp_path / DONE).write_text(json.dumps(asdict(TRAINED) | {"corpus": "r1"}))
    (tmp_path / "w.safetensors").write_bytes(b"weights")
    return Run("baseline", 0, "baseline", tmp_path, dict(SETTINGS), "r1")


def refused(run: Run) -> str:
    with pytest.raises(AblationError) as told:
        run.check()
    assert "remove the folder to train baseline, seed 0 anew" in str(told.value)
    return str(told.value)


def test_the_same_settings_are_accepted(run: Run) -> None:
    run.check()
    assert run.done() == TRAINED


def test_a_note_of_before_the_corpus_was_noted_is_accepted(run: Run) -> None:
    (run.folder / DONE).write_text(json.dumps(asdict(TRAINED)))
    run.check()
    assert run.done() == TRAINED


def test_a_setting_that_came_later_is_accepted(run: Run) -> None:
    replace(run, settings=run.settings | {"newer": 0.0}).check()


def test_other_settings_are_refused(run: Run) -> None:
    other = replace(run, settings=run.settings | {"steps": 500, "precision": "fp32"})
    said = refused(other)
    assert "a training of other settings (steps 5, not 500; precision bf16, not fp32)" in said
    many = replace(run, settings=dict.fromkeys(SETTINGS, 7))
    assert "crop_s" not in refused(many)
    assert "and 1 more" in refused(many)


def test_another_corpus_is_refused(run: Run) -> None:
    assert "corpus with other clips" in refused(replace(run, corpus="r2"))


def test_a_begun_training_is_bound_too(run: Run) -> None:
    (run.folder / DONE).unlink()
    (run.folder / "state-00000002.pt").write_bytes(b"to go on from")
    run.check()
    assert "steps 5, not 6" in refused(replace(run, settings=run.settings | {"steps": 6}))
    (run.folder / SETTINGS_FILE).unlink()
    assert "there is no settings.json beside its training" in refused(run)


def test_where_nothing_was_begun_there_is_nothing_to_refuse(run: Run, tmp_path: Path) -> None:
    replace(run, folder=tmp_path / "none").check()
    (run.folder / SETTINGS_FILE).unlink()
    (run.folder / DONE).unlink()
    run.check()
    assert run.done() is None


@pytest.mark.parametrize("text", ["{", "null", "[]", "{}"])
def test_damaged_settings_are_told(run: Run, text: str) -> None:
    (run.folder / SETTINGS_FILE).write_text(text)
    assert "settings.json cannot be read" in refused(run)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": None}, "weights: Input should be a valid string"),
        ({"heard_s": None}, "heard_s: Input should be a valid number"),
        ({"seconds": "x"}, "seconds: Input should be a valid number"),
        ({"seconds": float("inf")}, "a number in it is not finite"),
        ({"corpus": 3}, "corpus: Input should be a valid string"),
    ],
)
def test_a_damaged_note_is_told(run: Run, change: dict[str, object], said: str) -> None:
    content = json.loads((run.folder / DONE).read_text())
    (run.folder / DONE).write_text(json.dumps(content | change))
    assert f"done.json cannot be read: {said}" in refused(run)


@pytest.mark.parametrize("text", ["", "{", "null", "3", '"abc"'])
def test_a_note_that_is_none_is_told(run: Run, text: str) -> None:
    (run.folder / DONE).write_text(text)
    assert "done.json cannot be read" in refused(run)


def test_a_note_without_its_weights_is_not_believed(run: Run) -> None:
    (run.folder / "w.safetensors").unlink()
    assert run.done() is None
    run.check()
