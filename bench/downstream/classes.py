"""From probabilities of classes to right and wrong: what emotions and events have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.downstream.accuracy import Accuracy, accuracy, agreement, paired_difference
from bench.downstream.contract import Evidence
from bench.downstream.score import Estimate, Score, ScoreKind

COUNTED = "clips"
WILSON = "Wilson"
PAIRED = "Newcombe, paired"

_NOTHING = Estimate(None, method="no clip was judged")


@dataclass(frozen=True)
class Answer:
    """What an evaluator takes a clip for.

    Attributes:
        clip: id.
        label: the class that the clip is of.
        predicted: the class that the evaluator takes it for.
        predicted_of_reference: the one that it takes the untouched clip for; None where it
            could not judge that.
        probabilities: class -> probability, of the clip.
    """

    clip: str
    label: str
    predicted: str
    predicted_of_reference: str | None
    probabilities: Mapping[str, float]

    @property
    def right(self) -> bool:
        """Whether it is taken for what it is."""
        return self.predicted == self.label

    @property
    def reference_right(self) -> bool:
        """Whether the untouched clip is taken for what it is."""
        return self.predicted_of_reference == self.label


def most_probable(evidence: Evidence) -> str:
    """The class of the highest probability; of equal ones the first in the evaluator's order.

    Raises:
        ValueError: there are no probabilities, or one is no number.
    """
    probabilities = evidence.get("probabilities")
    if not probabilities:
        raise ValueError("the evaluator gave no probabilities of classes")
    wrong = [name for name, value in probabilities.items() if not math.isfinite(value)]
    if wrong:
        raise ValueError(f"the probability of {wrong[0]!r} is {probabilities[wrong[0]]}")
    return max(probabilities, key=probabilities.__getitem__)


def answers(
    labels: Mapping[str, str],
    evidence: Mapping[str, Evidence],
    of_reference: Mapping[str, Evidence],
) -> list[Answer]:
    """What each clip is taken for, of those that were judged.

    Args:
        labels: clip id -> class.
        evidence: clip id -> what the evaluator says of the decoded clip.
        of_reference: the same of the untouched clips.

    Raises:
        ValueError: evidence without probabilities; the message names the clip.
    """
    found = []
    for clip, label in labels.items():
        if clip not in evidence:
            continue
        try:
            predicted = most_probable(evidence[clip])
            untouched = most_probable(of_reference[clip]) if clip in of_reference else None
        except ValueError as error:
            raise ValueError(f"{clip}: {error}") from error
        found.append(Answer(clip, label, predicted, untouched, evidence[clip]["probabilities"]))
    return found


def accuracy_score(kind: ScoreKind, found: Sequence[Answer]) -> Score:
    """How many clips are taken for what they are, and that less the reference's.

    The difference is taken over the clips that were judged decoded and untouched.
    """
    if not found:
        return Score(kind, _NOTHING, 0, COUNTED)
    value = accuracy([answer.right for answer in found])
    both = [answer for answer in found if answer.predicted_of_reference is not None]
    difference = None
    if both:
        paired = paired_difference(
            [answer.reference_right for answer in both], [answer.right for answer in both]
        )
        difference = Estimate(paired.points, paired.low, paired.high, PAIRED)
    return Score(kind, _estimate(value), value.n_clips, COUNTED, difference)


def agreement_score(kind: ScoreKind, found: Sequence[Answer]) -> Score:
    """How many clips are taken for the same class as their reference, right or wrong."""
    both = [
        (answer.predicted_of_reference, answer.predicted)
        for answer in found
        if answer.predicted_of_reference is not None
    ]
    if not both:
        return Score(kind, _NOTHING, 0, COUNTED)
    value = agreement([reference for reference, _ in both], [decoded for _, decoded in both])
    return Score(kind, _estimate(value), value.n_clips, COUNTED)


def contributions(found: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    """What each clip contributes, values that JSON can hold, by the clip's id."""
    return {
        answer.clip: {
            "label": answer.label,
            "predicted": answer.predicted,
            "right": answer.right,
            "predicted_of_reference": answer.predicted_of_reference,
            "probability": answer.probabilities[answer.predicted],
            "probability_of_label": answer.probabilities.get(answer.label),
        }
        for answer in found
    }


def _estimate(value: Accuracy) -> Estimate:
    return Estimate(value.percent, value.low, value.high, WILSON)
