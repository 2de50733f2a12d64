"""From probabilities to answers, and from answers to scores."""

from __future__ import annotations

import json
import math

import pytest

from bench.downstream.accuracy import accuracy, paired_difference
from bench.downstream.classes import (
    PAIRED,
    WILSON,
    accuracy_score,
    agreement_score,
    answers,
    contributions,
    most_probable,
)
from bench.downstream.score import ScoreKind

KIND = ScoreKind("acc", "Accuracy", "%", higher_is_better=True)
LABELS = {"a": "dog", "b": "cat", "c": "rain"}


def _sure(name: str) -> dict:
    return {"probabilities": {c: 0.8 if c == name else 0.1 for c in ("dog", "cat", "rain")}}


REFERENCE = {"a": _sure("dog"), "b": _sure("dog"), "c": _sure("rain")}
DECODED = {"a": _sure("dog"), "b": _sure("dog"), "c": _sure("cat")}


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
    found = answers(LABELS, DECODED, REFERENCE)
    assert [answer.right for answer in found] == [True, False, False]
    assert [answer.reference_right for answer in found] == [True, False, True]
    right = accuracy_score(KIND, found)
    same = agreement_score(KIND, found)
    expected = accuracy([True, False, False])
    assert right.estimate.value == pytest.approx(100 / 3)
    assert (right.estimate.low, right.estimate.high) == (expected.low, expected.high)
    assert (right.n, right.counted, right.estimate.method) == (3, "clips", WILSON)
    assert same.estimate.value == pytest.approx(200 / 3)
    assert same.difference is None


def test_the_difference_is_of_pairs() -> None:
    found = accuracy_score(KIND, answers(LABELS, DECODED, REFERENCE)).difference
    expected = paired_difference([True, False, True], [True, False, False])
    assert found is not None
    assert (found.value, found.low, found.high) == (expected.points, expected.low, expected.high)
    assert found.value == pytest.approx(-100 / 3)
    assert found.method == PAIRED


def test_the_references_own_row_differs_by_nothing() -> None:
    own = accuracy_score(KIND, answers(LABELS, REFERENCE, REFERENCE))
    assert own.difference is not None
    assert own.difference.value == 0


def test_a_clip_that_was_not_judged_is_left_out() -> None:
    decoded = {"a": _sure("dog"), "b": _sure("cat")}
    found = answers(LABELS, decoded, {"b": _sure("cat"), "c": _sure("rain")})
    assert [(answer.clip, answer.predicted_of_reference) for answer in found] == [
        ("a", None),
        ("b", "cat"),
    ]
    assert accuracy_score(KIND, found).n == 2
    assert agreement_score(KIND, found).n == 1


def test_no_clip_has_no_score() -> None:
    for score in (accuracy_score(KIND, []), agreement_score(KIND, [])):
        assert (score.estimate.value, score.n, score.difference) == (None, 0, None)
        assert score.estimate.method == "no clip was judged"


def test_contributions_are_json_that_shows_what_was_heard() -> None:
    found = contributions(answers(LABELS, DECODED, REFERENCE))
    assert json.loads(json.dumps(found)) == found
    assert found["c"] == {
        "label": "rain",
        "predicted": "cat",
        "right": False,
        "predicted_of_reference": "rain",
        "probability": 0.8,
        "probability_of_label": 0.1,
    }
