"""Classes reach an evaluator that chooses from any, and no other."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from bench import judging
from bench.downstream.contract import EvaluatorInfo
from bench.downstream.evaluators import registry


class _Fixed:
    """An evaluator with classes of its own."""

    def __init__(self) -> None:
        self.info = EvaluatorInfo("fixed", "aec", 16_000, "r")

    def judge(self, clips: Sequence[Any]) -> list[dict[str, Any]]:
        return [{} for _ in clips]


class _Any(_Fixed):
    """One that chooses from what it is told."""

    def choose_from(self, classes: Sequence[str]) -> None:
        self.info = EvaluatorInfo("any", "aec", 16_000, " ".join(classes))


def _prepared(monkeypatch: pytest.MonkeyPatch, model: object, *classes: str) -> str:
    """The revision of an evaluator as a run opens it."""
    card = SimpleNamespace(load=lambda device: model)
    monkeypatch.setattr(registry, "card", lambda task, name: card)
    monkeypatch.setattr(judging, "_loaded", "nothing")
    judging.prepare("aec", "any", "cpu", classes)
    found = judging.evaluator()
    assert isinstance(found, EvaluatorInfo), found
    return found.revision


def test_classes_are_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _prepared(monkeypatch, _Any(), "dog", "rain") == "dog rain"


def test_none_are_handed_over_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _prepared(monkeypatch, _Any()) == "r"


def test_an_evaluator_with_classes_of_its_own_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _prepared(monkeypatch, _Fixed(), "dog", "rain") == "r"


def test_every_task_of_classes_has_the_papers_evaluator_and_another() -> None:
    names = {task: [(c.name, c.of_paper) for c in registry.cards(task)] for task in ("er", "aec")}
    assert names == {
        "er": [("emotion2vec", True), ("probe", False)],
        "aec": [("clap-2023", True), ("probe", False)],
    }
