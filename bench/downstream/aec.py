"""Audio event classification: what a codec leaves of dogs, rain and chainsaws, on ESC-50.

The protocol's rule: a clip is right if its class is the most probable one. Zero-shot, a class
is described by a prompt, `prompt`; where ESC-50 is absent, other labelled effects stand in.

Source: github.com/voidful/Codec-SUPERB, branch SLT_Challenge; K. J. Piczak, "ESC: Dataset for
Environmental Sound Classification", ACM Multimedia, 2015.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.downstream.accuracy import Accuracy
from bench.downstream.classes import Answer, accuracy_of, agreement_of

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


def scores(answers: Sequence[Answer]) -> dict[str, Accuracy]:
    """The scores of event classification; none where there is no clip.

    Args:
        answers: of `bench.downstream.classes.answers`.

    Returns:
        By name: `aec_accuracy`; `aec_agreement`, with the class of the reference.

    Raises:
        ValueError: a clip is of a class that the evaluator does not choose from.
    """
    if not answers:
        return {}
    for answer in answers:
        if answer.label not in answer.probabilities:
            raise ValueError(
                f"{answer.clip} is of class {answer.label!r}, which the evaluator does not choose "
                f"from; its classes are {', '.join(list(answer.probabilities)[:5])} ..."
            )
    return {"aec_accuracy": accuracy_of(answers), "aec_agreement": agreement_of(answers)}
