"""Event classification: its prompts and scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.manifest import Clip
from bench.downstream import aec, probe
from bench.downstream.aec import ESC50_CLASSES, classes_of, prompt
from bench.downstream.score import TaskData

N_TREES = 25


def _data(**folds: str) -> TaskData:
    clips = tuple(
        Clip(
            "esc-50", f"{label}-{n}", "effects", Path("a.wav"), "0" * 64, label=label, group=f"{n}"
        )
        for label in ("dog", "rain")
        for n in range(4)
    )
    return TaskData("aec", "esc-50", "r", clips, folds=folds)


def test_prompts_are_the_protocols() -> None:
    assert prompt("dog") == "this is the sound of dog"
    assert prompt("door_wood_knock") == "this is the sound of door wood knock"
    assert not any("_" in prompt(name) for name in ESC50_CLASSES)


def test_a_part_of_esc50_is_chosen_from_all_of_its_classes() -> None:
    assert classes_of(_data().clips) == ESC50_CLASSES
    tabla = Clip("mini", "t", "effects", Path("t.wav"), "0" * 64, label="tabla")
    assert classes_of([*_data().clips, tabla]) == ("dog", "rain", "tabla")


def test_zero_shot() -> None:
    data = _data()
    reference = {clip.id: {"probabilities": {"dog": 0.7, "rain": 0.3}} for clip in data.clips}
    decoded = reference | {"rain-0": {"probabilities": {"dog": 0.4, "rain": 0.6}}}
    scored = aec.score(data, reference, decoded)
    right, same = scored.scores
    assert [right.kind, same.kind] == list(aec.KINDS)
    assert (right.estimate.value, same.estimate.value) == (62.5, 87.5)
    assert right.difference is not None
    assert right.difference.value == 12.5
    assert scored.clips["rain-0"]["right"] is True


def test_a_class_that_the_evaluator_does_not_choose_from() -> None:
    data = _data()
    evidence = {clip.id: {"probabilities": {"cat": 0.7, "cow": 0.3}} for clip in data.clips}
    with pytest.raises(ValueError, match="dog-0 is of class 'dog', which the evaluator does not"):
        aec.score(data, evidence, evidence)


@pytest.fixture
def features(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict]:
    """Of `_data`; dogs and rain lie apart."""
    monkeypatch.setattr(probe, "N_TREES", N_TREES)
    probe._fitted.cache_clear()
    rng = np.random.default_rng(0)
    return {
        clip.id: {"features": (5.0 * (clip.label == "rain") + rng.normal(0, 0.1, 4)).tolist()}
        for clip in _data().clips
    }


def test_a_probe_makes_folds_of_groups(features: dict[str, dict]) -> None:
    scored = aec.score(_data(), features, features)
    assert scored.scores[0].estimate.value == 100
    assert scored.scored_by == probe.scored_by()
    # A codec after which all sounds like rain.
    rain = dict.fromkeys(features, features["rain-1"])
    assert aec.score(_data(), features, rain).scores[0].estimate.value == 50


def test_a_probe_keeps_to_the_folds_of_the_data(features: dict[str, dict]) -> None:
    by_class = {clip: "1" if clip.startswith("dog") else "2" for clip in features}
    with pytest.raises(ValueError, match="fold 1 has all clips of dog"):
        aec.score(_data(**by_class), features, features)


def test_a_reference_that_failed_is_not_fitted_on_and_its_clip_still_judged(
    features: dict[str, dict],
) -> None:
    reference = {clip: evidence for clip, evidence in features.items() if clip != "dog-2"}
    scored = aec.score(_data(), reference, features)
    right, same = scored.scores
    assert (right.n, same.n) == (8, 7)
    assert scored.clips["dog-2"]["predicted_of_reference"] is None


def test_a_codec_of_which_no_clip_was_judged(features: dict[str, dict]) -> None:
    scored = aec.score(_data(), features, {})
    assert [score.estimate.value for score in scored.scores] == [None, None]
