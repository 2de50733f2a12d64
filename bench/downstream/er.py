"""Emotion recognition: what a codec leaves of acted emotions, on RAVDESS.

The protocol's rule: a clip is right if the most probable of nine classes is its label. RAVDESS
also has calm clips, which no class is for, so that each of them is wrong whatever is heard;
that is the score. The same without the calm clips stands beside it, under its own name.

Source: github.com/voidful/Codec-SUPERB, branch SLT_Challenge; the classes are those of
emotion2vec (Z. Ma et al., "emotion2vec: Self-Supervised Pre-Training for Speech Emotion
Representation", 2023), in its order.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.downstream.accuracy import Accuracy
from bench.downstream.classes import Answer, accuracy_of, agreement_of

CLASSES = (
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "other",
    "sad",
    "surprised",
    "unknown",
)
"""Of the model, in its order."""

CALM = "calm"
"""The emotion of RAVDESS that no class is for."""


def scores(answers: Sequence[Answer]) -> dict[str, Accuracy]:
    """The scores of emotion recognition; those that no clip bears on are left out.

    Args:
        answers: of `bench.downstream.classes.answers`.

    Returns:
        By name: `er_accuracy`, the protocol's; `er_accuracy_without_calm`; `er_agreement`, with
        the class of the reference, over all clips.

    Raises:
        ValueError: a class was predicted that is not among the nine.
    """
    for answer in answers:
        if answer.predicted not in CLASSES:
            raise ValueError(
                f"{answer.clip}: {answer.predicted!r} is none of the classes {', '.join(CLASSES)}"
            )
    without_calm = [answer for answer in answers if answer.label != CALM]
    found: dict[str, Accuracy] = {}
    if answers:
        found["er_accuracy"] = accuracy_of(answers)
    if without_calm:
        found["er_accuracy_without_calm"] = accuracy_of(without_calm)
    if answers:
        found["er_agreement"] = agreement_of(answers)
    return found
