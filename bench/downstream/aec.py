"""Audio event classification: what a codec leaves of dogs, rain and chainsaws, on ESC-50.

The protocol's rule: a clip is right if its class is the most probable one. Zero-shot, a class
is described by a prompt, `prompt`; where ESC-50 is absent, other labelled effects stand in.

Source: github.com/voidful/Codec-SUPERB, branch SLT_Challenge; K. J. Piczak, "ESC: Dataset for
Environmental Sound Classification", ACM Multimedia, 2015.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.datasets.manifest import Clip
from bench.downstream import probe
from bench.downstream.classes import accuracy_score, agreement_score, answers, contributions
from bench.downstream.score import ByClip, Scored, ScoreKind, TaskData

_BY_NUMBER = """
dog rooster pig cow frog cat hen insects sheep crow
rain sea_waves crackling_fire crickets chirping_birds
water_drops wind pouring_water toilet_flush thunderstorm
crying_baby sneezing clapping breathing coughing
footsteps laughing brushing_teeth snoring drinking_sipping
door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening
washing_machine vacuum_cleaner clock_alarm clock_tick glass_breaking
helicopter chainsaw siren car_horn engine
train church_bells airplane fireworks hand_saw
"""

ESC50_CLASSES = tuple(_BY_NUMBER.split())
"""ESC-50's classes, by their number (`target`)."""


def prompt(label: str) -> str:
    """The protocol's description of a class: "this is the sound of " and its words."""
    return f"this is the sound of {label.replace('_', ' ')}"


def classes_of(clips: Iterable[Clip]) -> tuple[str, ...]:
    """The classes that a zero-shot evaluator chooses from: all of ESC-50's, or the labels.

    A part of ESC-50 is no easier than the whole; labels of another set stand for themselves.
    """
    labels = {clip.label for clip in clips}
    return ESC50_CLASSES if labels <= set(ESC50_CLASSES) else tuple(sorted(labels))


ACCURACY = ScoreKind("acc_aec_pct", "Acc", "%", higher_is_better=True)
AGREEMENT = ScoreKind("agreement_aec_pct", "Same class as the reference", "%", True, beside=True)

KINDS = (ACCURACY, AGREEMENT)


def score(data: TaskData, reference: ByClip, estimate: ByClip) -> Scored:
    """Scores of event classification.

    Args:
        data: clips with a class in `label`; with `folds` where a probe shall keep to them.
        reference: evidence of the untouched clips: probabilities of classes, or features.
        estimate: the same of the decoded ones.

    Raises:
        ValueError: the evaluator does not know a class of the data, or there are too few clips
            to fit a probe on.
    """
    label_of = {clip.id: clip.label for clip in data.clips}
    scored_by = {}
    if probe.is_of_features(reference) or probe.is_of_features(estimate):
        fold_of = data.folds or probe.folds(data.clips)
        reference, estimate = (
            probe.probabilities(label_of, fold_of, reference, evidence)
            for evidence in (reference, estimate)
        )
        scored_by = probe.scored_by()
    found = answers(label_of, estimate, reference)
    for answer in found:
        if answer.label not in answer.probabilities:
            raise ValueError(
                f"{answer.clip} is of class {answer.label!r}, which the evaluator does not "
                f"choose from; its classes are {', '.join(list(answer.probabilities)[:5])} ..."
            )
    scores = (accuracy_score(ACCURACY, found), agreement_score(AGREEMENT, found))
    return Scored(scores, contributions(found), scored_by=scored_by)
