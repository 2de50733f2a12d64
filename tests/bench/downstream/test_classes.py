"""From probabilities to answers."""

from __future__ import annotations

import math

import pytest

from bench.downstream.classes import accuracy_of, agreement_of, answers, most_probable

LABELS = {"a": "dog", "b": "cat", "c": "rain"}


def _sure(name: str) -> dict:
    return {"probabilities": {c: 0.8 if c == name else 0.1 for c in ("dog", "cat", "rain")}}


def test_the_most_probable_class() -> None:
    assert most_probable({"probabilities": {"dog": 0.2, "cat": 0.5, "rain": 0.3}}) == "cat"
    assert most_probable({"probabilities": {"rain": 0.5, "cat": 0.5}}) == "rain"


@pytest.mark.parametrize("evidence", [{}, {"probabilities": {}}, {"features": [1.0]}])
def test_no_probabilities(evidence: dict) -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        most_probable(evidence)


def test_a_probability_that_is_no_number_names_the_clip() -> None:
    wrong = {"probabilities": {"dog": 0.2, "cat": math.nan}}
    with pytest.raises(ValueError, match=r"^a: the probability of 'cat' is nan"):
        answers({"a": "dog"}, {"a": wrong}, {"a": _sure("dog")})


def test_right_and_agreement_are_two_things() -> None:
    decoded = {"a": _sure("dog"), "b": _sure("dog"), "c": _sure("cat")}
    reference = {"a": _sure("dog"), "b": _sure("dog"), "c": _sure("rain")}
    found = answers(LABELS, decoded, reference)
    assert [answer.right for answer in found] == [True, False, False]
    assert found[2].predicted_of_reference == "rain"
    assert found[0].probabilities["dog"] == 0.8
    assert (accuracy_of(found).n_right, agreement_of(found).n_right) == (1, 2)


def test_a_clip_that_was_not_judged_on_both_sides_is_left_out() -> None:
    decoded = {"a": _sure("dog"), "b": _sure("cat")}
    found = answers(LABELS, decoded, {"b": _sure("cat"), "c": _sure("rain")})
    assert [answer.clip for answer in found] == ["b"]
