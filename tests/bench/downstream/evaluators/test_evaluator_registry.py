"""bench.downstream.evaluators.registry: by task and name, lazily, the paper's first."""

import subprocess
import sys

import pytest

from bench.downstream.contract import EvaluatorUnavailableError
from bench.downstream.evaluators import registry
from bench.downstream.evaluators.registry import EvaluatorCard
from bench.downstream.tasks import TASKS
from bench.names import UnknownNameError

HERE = "tests.nowhere:load"


def card(name: str, lacks: str, of_paper: bool = False) -> EvaluatorCard:
    return EvaluatorCard("asr", name, "", "", HERE, lacks, of_paper)


def test_every_task_has_the_papers_and_one_of_the_registries() -> None:
    for task in TASKS:
        papers, *others = registry.cards(task)
        # The challenge's own training of ECAPA-TDNN is not to be had: speechbrain's is not it.
        assert papers.of_paper == (task != "asv")
        assert [other.of_paper for other in others] == [False]
        assert all(found.description for found in registry.cards(task))


def test_what_is_missing_is_a_line() -> None:
    for found in registry.CARDS:
        assert "\n" not in found.missing


def test_cards_load_no_framework() -> None:
    code = (
        "import sys; from bench.downstream.evaluators import registry;"
        "[card.missing for card in registry.CARDS];"
        "print([m for m in ('torch', 'transformers', 'speechbrain') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_misspelt_names_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean whisper-large-v3"):
        registry.card("asr", "whisper-large")
    with pytest.raises(UnknownNameError, match="no asv evaluator is called 'probe'"):
        registry.card("asv", "probe")


def test_choices() -> None:
    found = registry.chosen(tuple(TASKS), ["asv=ge2e", "asr = whisper-tiny.en"])
    assert {task: one.name for task, one in found.items()} == {
        "asv": "ge2e",
        "asr": "whisper-tiny.en",
    }
    with pytest.raises(UnknownNameError, match="no task is called 'as'; did you mean"):
        registry.chosen(tuple(TASKS), ["as=ge2e"])
    for text in ("ge2e", "asv="):
        with pytest.raises(ValueError, match="expected --evaluator TASK=NAME"):
            registry.chosen(tuple(TASKS), [text])
    with pytest.raises(ValueError, match="chooses one for asv, got two"):
        registry.chosen(tuple(TASKS), ["asv=ge2e", "asv=ecapa-voxceleb"])


def test_the_first_that_lacks_nothing_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    here, nowhere = "builtins:str", "platform:system"  # "" and a word, as `missing` returns them
    monkeypatch.setattr(registry, "CARDS", (card("papers", nowhere, True), card("other", here)))
    assert registry.default("asr").name == "other"
    monkeypatch.setattr(registry, "CARDS", (card("papers", here, True), card("other", here)))
    assert registry.default("asr").name == "papers"
    monkeypatch.setattr(registry, "CARDS", (card("papers", nowhere, True),))
    with pytest.raises(EvaluatorUnavailableError, match="papers: "):
        registry.default("asr")
