"""Event classification: its prompts and scores."""

from __future__ import annotations

from bench.downstream.aec import ESC50_CLASSES, prompt, scores
from bench.downstream.classes import Answer


def test_prompts_are_the_protocols() -> None:
    assert prompt("dog") == "this is the sound of dog"
    assert prompt("door_wood_knock") == "this is the sound of door wood knock"
    assert not any("_" in prompt(name) for name in ESC50_CLASSES)


def test_scores() -> None:
    answers = [
        Answer("a", "dog", "dog", "dog", {}),
        Answer("b", "cat", "dog", "cat", {}),
        Answer("c", "cat", "dog", "dog", {}),
    ]
    found = scores(answers)
    assert (found["aec_accuracy"].n_right, found["aec_agreement"].n_right) == (1, 2)
    assert found["aec_accuracy"].n_clips == 3
    assert scores([]) == {}
