"""The probe: fitted on reference audio only, never on the clip, speaker or fold in question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.manifest import Clip
from bench.datasets.mini import mini
from bench.downstream import probe
from bench.downstream.classes import most_probable
from bench.downstream.labelled import labelled_effects

LABELS = ("bell", "drum", "rain")
N_EACH = 8
WIDTH = 5
N_TREES = 25


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forests that take no time; what is shown here does not depend on their size."""
    monkeypatch.setattr(probe, "N_TREES", N_TREES)
    probe._fitted.cache_clear()


def _clip(name: str, label: str, group: str = "", speaker: str = "") -> Clip:
    return Clip("d", name, "effects", Path(name), "0" * 64, speaker, label=label, group=group)


def _clips() -> list[Clip]:
    """Clips of three classes, of four groups each."""
    return [
        _clip(f"{label}-{n}", label, group=f"{label}-{n % 4}")
        for label in LABELS
        for n in range(N_EACH)
    ]


def _features(clips: list[Clip], spread: float, seed: int = 0) -> dict[str, dict]:
    """Features that lie around one point a class."""
    rng = np.random.default_rng(seed)
    centres = {label: rng.normal(0, 1, WIDTH) for label in LABELS}
    return {
        clip.id: {"features": (centres[clip.label] + spread * rng.normal(0, 1, WIDTH)).tolist()}
        for clip in clips
    }


def _labels(clips: list[Clip]) -> dict[str, str]:
    return {clip.id: clip.label for clip in clips}


def _n_right(clips: list[Clip], found: dict[str, dict]) -> int:
    return sum(most_probable(found[clip.id]) == clip.label for clip in clips)


def test_classes_that_lie_apart_are_told_apart() -> None:
    clips = _clips()
    reference = _features(clips, spread=0.05)
    found = probe.probabilities(_labels(clips), probe.folds(clips), reference, reference)
    assert set(found) == set(reference)
    assert _n_right(clips, found) == len(clips)
    for evidence in found.values():
        assert set(evidence["probabilities"]) == set(LABELS)
        assert sum(evidence["probabilities"].values()) == pytest.approx(1)


def test_features_that_say_nothing_are_guessed_from() -> None:
    """A probe that saw the clips it is asked about would know them by heart."""
    clips = _clips()
    rng = np.random.default_rng(1)
    reference = {clip.id: {"features": rng.normal(0, 1, WIDTH).tolist()} for clip in clips}
    found = probe.probabilities(_labels(clips), probe.folds(clips), reference, reference)
    assert _n_right(clips, found) < 0.7 * len(clips)


def test_what_a_codec_did_never_reaches_the_fit() -> None:
    clips = _clips()
    reference = _features(clips, spread=0.4)
    whole = probe.probabilities(_labels(clips), probe.folds(clips), reference, reference)
    # A codec that spoils all clips but one changes nothing for that one.
    rng = np.random.default_rng(2)
    spoilt = {clip: {"features": rng.normal(0, 9, WIDTH).tolist()} for clip in reference}
    spoilt["rain-3"] = reference["rain-3"]
    found = probe.probabilities(_labels(clips), probe.folds(clips), reference, spoilt)
    assert found["rain-3"] == whole["rain-3"]
    assert found["bell-0"] != whole["bell-0"]


def test_a_clip_is_never_judged_by_a_fit_on_its_own_fold() -> None:
    clips = _clips()
    fold_of = probe.folds(clips)
    reference = _features(clips, spread=0.4)
    asked = clips[5]
    evidence = {asked.id: reference[asked.id]}
    before = probe.probabilities(_labels(clips), fold_of, reference, evidence)
    # Wrong labels for all of its fold: they must not matter.
    labels = {
        clip.id: "drum" if fold_of[clip.id] == fold_of[asked.id] else clip.label for clip in clips
    }
    after = probe.probabilities(labels, fold_of, reference, evidence)
    assert after == before


def test_deterministic_whatever_the_order() -> None:
    clips = _clips()
    reference = _features(clips, spread=0.6)
    first = probe.probabilities(_labels(clips), probe.folds(clips), reference, reference)
    probe._fitted.cache_clear()
    backwards = clips[::-1]
    again = probe.probabilities(
        _labels(backwards),
        probe.folds(backwards),
        dict(reversed(reference.items())),
        dict(reversed(reference.items())),
    )
    assert again == first


def test_folds_keep_groups_together_and_classes_apart() -> None:
    clips = _clips()
    fold_of = probe.folds(clips)
    assert set(fold_of.values()) == {"1", "2", "3", "4"}  # as many as a class has groups
    for clip in clips:
        assert {fold_of[other.id] for other in clips if other.group == clip.group} == {
            fold_of[clip.id]
        }
    for fold in set(fold_of.values()):
        inside = [clip.label for clip in clips if fold_of[clip.id] == fold]
        assert {label: inside.count(label) for label in LABELS} == dict.fromkeys(LABELS, 2)


def test_folds_of_the_mini_set() -> None:
    clips = labelled_effects(mini()).manifest.clips
    fold_of = probe.folds(clips)
    assert len(set(fold_of.values())) == 4
    for fold in set(fold_of.values()):
        labels = {clip.label for clip in clips if fold_of[clip.id] == fold}
        assert len(labels) == 10


def test_no_speaker_is_in_two_folds() -> None:
    clips = [
        _clip(f"{label}-{n}", label, group=f"actor-{n}", speaker=f"actor-{n}")
        for label in LABELS
        for n in range(12)
    ]
    fold_of = probe.speaker_folds(clips)
    assert len(set(fold_of.values())) == 5
    for n in range(12):
        assert len({fold_of[f"{label}-{n}"] for label in LABELS}) == 1
    with pytest.raises(ValueError, match="1 clips do not say who speaks, nobody for one"):
        probe.speaker_folds([*clips, _clip("nobody", "bell")])


def test_a_class_of_too_few_clips() -> None:
    clips = [*_clips(), _clip("gong-1", "gong", "g"), _clip("gong-2", "gong", "g")]
    with pytest.raises(ValueError, match="too few clips for a probe: all of class gong"):
        probe.folds(clips)
    with pytest.raises(ValueError, match="there is 1 of them"):
        probe.folds([clip for clip in clips if clip.label == "bell"])


def test_folds_of_the_data_that_leave_a_class_out() -> None:
    clips = _clips()
    fold_of = {clip.id: "1" if clip.label == "rain" else clip.group[-1] for clip in clips}
    reference = _features(clips, spread=0.1)
    with pytest.raises(ValueError, match="fold 1 has all clips of rain"):
        probe.probabilities(_labels(clips), fold_of, reference, reference)


def test_clips_of_no_class_are_judged_but_not_fitted_on() -> None:
    clips = _clips()
    reference = _features(clips, spread=0.1)
    labels = {name: label for name, label in _labels(clips).items() if label != "rain"}
    found = probe.probabilities(labels, probe.folds(clips), reference, reference)
    assert set(found) == set(reference)
    assert set(found["rain-0"]["probabilities"]) == {"bell", "drum"}


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ({"probabilities": {"bell": 1.0}}, "bell-0: the evaluator gave no features"),
        ({"features": [1.0, 2.0]}, "bell-0: expected 5 finite features, got 2"),
        ({"features": [float("nan")] * WIDTH}, "bell-0: expected 5 finite features"),
    ],
)
def test_evidence_that_cannot_be_used(evidence: dict, message: str) -> None:
    clips = _clips()
    reference = _features(clips, spread=0.1)
    with pytest.raises(ValueError, match=message):
        probe.probabilities(_labels(clips), probe.folds(clips), reference, {"bell-0": evidence})
    with pytest.raises(ValueError, match="no reference clip"):
        probe.probabilities(_labels(clips), probe.folds(clips), {}, reference)
