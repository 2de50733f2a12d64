"""Scores of emotion recognition: the rule on calm clips, and the number beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.datasets.manifest import Clip
from bench.downstream import er, probe
from bench.downstream.er import CALM, CLASSES
from bench.downstream.score import TaskData

N_TREES = 25


def _data(*labels: str, n_actors: int = 1) -> TaskData:
    clips = tuple(
        Clip(
            "ravdess",
            f"{label}-{actor}-{number}",
            "speech",
            Path("a.wav"),
            "0" * 64,
            speaker=f"actor-{actor}",
            label=label,
            group=f"actor-{actor}",
        )
        for actor in range(n_actors)
        for number, label in enumerate(labels)
    )
    return TaskData("er", "ravdess", "r", clips)


def _sure(name: str) -> dict:
    return {"probabilities": {c: 0.6 if c == name else 0.05 for c in CLASSES}}


def _counts(scored: object) -> dict[str, tuple[int, int]]:
    return {s.kind.name: (round(s.estimate.value * s.n / 100), s.n) for s in scored.scores}


def test_calm_is_wrong_by_the_protocol_and_left_out_beside_it() -> None:
    data = _data("happy", "sad", "angry", CALM)
    happy, sad, angry, calm = (clip.id for clip in data.clips)
    reference = {
        happy: _sure("happy"),
        sad: _sure("neutral"),
        angry: _sure("angry"),
        calm: _sure("neutral"),
    }
    decoded = reference | {sad: _sure("sad"), angry: _sure("happy")}
    scored = er.score(data, reference, decoded)
    assert _counts(scored) == {
        "acc_er_pct": (2, 4),
        "acc_er_without_calm_pct": (2, 3),
        "agreement_er_pct": (2, 4),
    }
    assert [score.kind for score in scored.scores] == list(er.KINDS)
    assert scored.clips[calm]["right"] is False
    assert scored.clips[angry]["predicted_of_reference"] == "angry"
    assert scored.scored_by == {}


def test_without_calm_clips_there_is_no_second_number() -> None:
    data = _data("happy")
    evidence = {data.clips[0].id: _sure("happy")}
    assert _counts(er.score(data, evidence, evidence)) == {
        "acc_er_pct": (1, 1),
        "agreement_er_pct": (1, 1),
    }


def test_no_clip_was_judged() -> None:
    scored = er.score(_data("happy", CALM), {}, {})
    assert [score.estimate.value for score in scored.scores] == [None, None, None]


def test_a_class_that_the_protocol_does_not_have() -> None:
    data = _data(CALM)
    evidence = {data.clips[0].id: {"probabilities": {CALM: 1.0}}}
    with pytest.raises(ValueError, match="'calm' is none of the classes angry, "):
        er.score(data, evidence, evidence)


def test_the_nine_classes() -> None:
    assert len(CLASSES) == 9
    assert CALM not in CLASSES


def test_a_probe_is_fitted_across_actors_and_never_on_calm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "N_TREES", N_TREES)
    probe._fitted.cache_clear()
    data = _data("happy", "sad", CALM, n_actors=6)
    rng = np.random.default_rng(0)
    centres = {"happy": 0.0, "sad": 5.0, CALM: 9.0}
    evidence = {
        clip.id: {"features": (centres[clip.label] + rng.normal(0, 0.1, 4)).tolist()}
        for clip in data.clips
    }
    scored = er.score(data, evidence, evidence)
    assert _counts(scored) == {
        "acc_er_pct": (12, 18),
        "acc_er_without_calm_pct": (12, 12),
        "agreement_er_pct": (18, 18),
    }
    assert {clip["predicted"] for clip in scored.clips.values()} == {"happy", "sad"}
    assert scored.scored_by == probe.scored_by()
