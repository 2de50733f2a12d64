"""Event classification: its prompts and scores."""

from __future__ import annotations

import pytest

from bench.downstream.aec import ESC50_CLASSES, prompt, scores
from bench.downstream.classes import Answer


def test_prompts_are_the_protocols() -> None:
    assert prompt("dog") == "this is the sound of dog"
    assert prompt("door_wood_knock") == "this is the sound of door wood knock"
    assert not any("_" in prompt(name) for name in ESC50_CLASSES)


def test_scores() -> None:
    chances = {"dog": 0.6, "cat": 0.4}
    answers = [
        Answer("a", "dog", "dog", "dog", chances),
        Answer("b", "cat", "dog", "cat", chances),
        Answer("c", "cat", "dog", "dog", chances),
    ]
    found = scores(answers)
    assert (found["aec_accuracy"].n_right, found["aec_agreement"].n_right) == (1, 2)
    assert found["aec_accuracy"].n_clips == 3
    assert scores([]) == {}


def test_a_class_that_the_evaluator_does_not_choose_from() -> None:
    answer = Answer("clip-1", "tabla", "dog", "dog", {"dog": 0.7, "cat": 0.3})
    with pytest.raises(
        ValueError, match="clip-1 is of class 'tabla', which the evaluator does not"
    ):
        scores([answer])
