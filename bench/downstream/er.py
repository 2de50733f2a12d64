"""Emotion recognition: what a codec leaves of acted emotions, on RAVDESS.

The protocol's rule: a clip is right if the most probable of nine classes is its label. RAVDESS
also has calm clips, which no class is for, so that each of them is wrong whatever is heard;
that is the score. The same without the calm clips stands beside it, under its own name.

Source: github.com/voidful/Codec-SUPERB, branch SLT_Challenge; the classes are those of
emotion2vec (Z. Ma et al., "emotion2vec: Self-Supervised Pre-Training for Speech Emotion
Representation", 2023), in its order.
"""

from __future__ import annotations

from bench.downstream import probe
from bench.downstream.classes import accuracy_score, agreement_score, answers, contributions
from bench.downstream.score import ByClip, Scored, ScoreKind, TaskData

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


ACCURACY = ScoreKind("acc_er_pct", "Acc", "%", higher_is_better=True)
WITHOUT_CALM = ScoreKind("acc_er_without_calm_pct", "Accuracy without calm", "%", True, beside=True)
AGREEMENT = ScoreKind("agreement_er_pct", "Same class as the reference", "%", True, beside=True)

KINDS = (ACCURACY, WITHOUT_CALM, AGREEMENT)


def score(data: TaskData, reference: ByClip, estimate: ByClip) -> Scored:
    """Scores of emotion recognition.

    Args:
        data: clips with an emotion in `label`, and an actor in `speaker` for a probe.
        reference: evidence of the untouched clips: probabilities of classes, or features.
        estimate: the same of the decoded ones.

    Raises:
        ValueError: a class was predicted that is not among the nine, or there are too few
            clips to fit a probe on.
    """
    label_of = {clip.id: clip.label for clip in data.clips}
    scored_by = {}
    if probe.is_of_features(reference) or probe.is_of_features(estimate):
        # The probe, too, knows no class for calm clips: their rule stays the protocol's.
        known = [clip for clip in data.clips if clip.label != CALM]
        fold_of = data.folds or probe.speaker_folds(data.clips)
        fitted_on = {clip.id: clip.label for clip in known}
        reference, estimate = (
            probe.probabilities(fitted_on, fold_of, reference, evidence)
            for evidence in (reference, estimate)
        )
        scored_by = probe.scored_by()
    found = answers(label_of, estimate, reference)
    for answer in found:
        if answer.predicted not in CLASSES:
            raise ValueError(
                f"{answer.clip}: {answer.predicted!r} is none of the classes {', '.join(CLASSES)}"
            )
    scores = [accuracy_score(ACCURACY, found)]
    if any(clip.label == CALM for clip in data.clips):
        without = [answer for answer in found if answer.label != CALM]
        scores.append(accuracy_score(WITHOUT_CALM, without))
    scores.append(agreement_score(AGREEMENT, found))
    return Scored(tuple(scores), contributions(found), scored_by=scored_by)
