"""From probabilities of classes to right and wrong: what emotions and events have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.downstream.accuracy import Accuracy, accuracy, agreement
from bench.downstream.contract import Evidence


@dataclass(frozen=True)
class Answer:
    """What an evaluator takes a clip for.

    Attributes:
        clip: id.
        label: the class that the clip is of.
        predicted: the class that the evaluator takes it for.
        predicted_of_reference: the one that it takes the untouched clip for.
        probabilities: class -> probability, of the clip.
    """

    clip: str
    label: str
    predicted: str
    predicted_of_reference: str
    probabilities: Mapping[str, float]

    @property
    def right(self) -> bool:
        """Whether it is taken for what it is."""
        return self.predicted == self.label


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
    """What each clip is taken for, of those that were judged both decoded and untouched.

    Args:
        labels: clip id -> class.
        evidence: clip id -> what the evaluator says of the decoded clip.
        of_reference: the same of the untouched clips.

    Raises:
        ValueError: evidence without probabilities; the message names the clip.
    """
    found = []
    for clip, label in labels.items():
        if clip not in evidence or clip not in of_reference:
            continue
        try:
            of_both = most_probable(evidence[clip]), most_probable(of_reference[clip])
        except ValueError as error:
            raise ValueError(f"{clip}: {error}") from error
        found.append(Answer(clip, label, *of_both, evidence[clip]["probabilities"]))
    return found


def accuracy_of(found: Sequence[Answer]) -> Accuracy:
    """How many clips are taken for what they are.

    Raises:
        ValueError: there is no clip.
    """
    return accuracy([answer.right for answer in found])


def agreement_of(found: Sequence[Answer]) -> Accuracy:
    """How many clips are taken for the same class as their reference, right or wrong.

    Raises:
        ValueError: there is no clip.
    """
    return agreement(
        [answer.predicted_of_reference for answer in found],
        [answer.predicted for answer in found],
    )
