"""Scores of emotion recognition: the rule on calm clips, and the number beside it."""

from __future__ import annotations

import pytest

from bench.downstream.classes import Answer
from bench.downstream.er import CALM, CLASSES, scores


def _answer(label: str, predicted: str, of_reference: str = "") -> Answer:
    return Answer(f"{label}-{predicted}", label, predicted, of_reference or predicted, {})


def test_calm_is_wrong_by_the_protocol_and_left_out_beside_it() -> None:
    found = scores(
        [
            _answer("happy", "happy"),
            _answer("sad", "sad", "neutral"),
            _answer("angry", "happy", "angry"),
            _answer(CALM, "neutral"),
        ]
    )
    counts = {name: (value.n_right, value.n_clips) for name, value in found.items()}
    assert counts == {
        "er_accuracy": (2, 4),
        "er_accuracy_without_calm": (2, 3),
        "er_agreement": (2, 4),
    }


def test_there_may_be_calm_clips_only_or_none() -> None:
    only_calm = scores([_answer(CALM, "neutral")])
    assert sorted(only_calm) == ["er_accuracy", "er_agreement"]
    assert only_calm["er_accuracy"].percent == 0
    assert scores([]) == {}


def test_a_class_that_the_protocol_does_not_have() -> None:
    with pytest.raises(ValueError, match="'calm' is none of the classes angry, "):
        scores([_answer(CALM, CALM)])


def test_the_nine_classes() -> None:
    assert len(CLASSES) == 9
    assert CALM not in CLASSES
