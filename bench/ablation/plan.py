"""The plan of an ablation, kept in its folder: what was asked, and the steps that follow.

A folder belongs to the settings it was begun with. Steps that were measured from a budget of
hours are written once and kept, so that all variants get the same number, however often the
command is stopped. The file is written whole or not at all; a lock keeps a second run out.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.report.checked import parsed
from bench.report.files import replace_json
from bench.trainable import CorpusFacts

SCHEMA_VERSION = 1
FILE_NAME = "plan.json"

_SHOWN = 3  # differences that are told of a folder of other settings


class AblationError(RuntimeError):
    """The ablation cannot begin or go on; the message says why, in a line."""


@dataclass(frozen=True)
class Asked:
    """What decides an ablation's numbers.

    Attributes:
        preset: the baseline.
        variants: their names, the baseline first.
        seeds: so many of each, from 0 on.
        budget_steps, budget_hours: one of them; hours are of compute, over all trainings.
        batch: crops a step.
        settings: of the trainer, given by the user for all variants alike.
        corpus: what is trained on.
        data: what is evaluated on, as `--data` takes it.
        data_revision: of its clips.
        eval_clips: at most so many of them; None for all.
        device: "cpu" or "cuda".
    """

    preset: str
    variants: tuple[str, ...]
    seeds: int
    budget_steps: int | None
    budget_hours: float | None
    batch: int
    settings: dict[str, Any]
    corpus: CorpusFacts
    data: str
    data_revision: str
    eval_clips: int | None
    device: str


@dataclass(frozen=True)
class Plan:
    """An ablation.

    Attributes:
        asked: what decides it.
        steps: of every training; None until they are measured.
        measured: seconds that a step took when they were, for the record.
    """

    asked: Asked
    steps: int | None
    measured: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.asked.budget_steps
        if given is not None and self.steps != given:
            raise ValueError(f"{self.steps} steps, of a budget of {given}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"expected at least 1 step, got {self.steps}")

    @property
    def runs(self) -> list[tuple[str, int]]:
        """(variant, seed) of every training; seeds in turn, so that early ones are complete."""
        return [(name, seed) for seed in range(self.asked.seeds) for name in self.asked.variants]


def open_plan(folder: Path, asked: Asked) -> Plan:
    """The plan of a folder; a new one, which is not written yet, where there is none.

    Raises:
        AblationError: the folder holds an ablation of other settings, or its plan is damaged.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return Plan(asked, asked.budget_steps)
    plan = _read(path)
    others = _differences(plan.asked, asked)
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise AblationError(
            f"{folder} is an ablation of other settings ({'; '.join(others[:_SHOWN])}{more}): "
            "name another folder with --out"
        )
    return plan


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the file of a plan.

    Raises:
        OSError: it cannot be written.
    """
    content = {"schema": SCHEMA_VERSION, **asdict(plan)}
    replace_json(folder / FILE_NAME, content)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within, no other run works in the folder; a killed one leaves it free.

    Raises:
        AblationError: another does, or there can be no such folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o666)
    except (FileExistsError, NotADirectoryError):
        raise AblationError(f"{folder} is, or lies below, a file: name a folder (--out)") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise AblationError(f"the folder {folder} cannot be written: {why} (--out)") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AblationError(f"another bench ablate works in {folder}: wait for it") from None
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> Plan:
    try:
        return parsed(path.read_bytes(), Plan, SCHEMA_VERSION)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise AblationError(
            f"{path} cannot be read ({why}): name another folder with --out, or remove the folder"
        ) from error


def _differences(begun: Asked, now: Asked) -> list[str]:
    """What differs, as "batch 4, not 1"."""
    found = []
    for one in fields(Asked):
        before, after = getattr(begun, one.name), getattr(now, one.name)
        if before == after:
            continue
        if one.name == "corpus" and before.name == after.name:
            found.append("corpus with other clips")
        elif one.name == "corpus":
            found.append(f"corpus {before.name}, not {after.name}")
        else:
            label = one.name.replace("_", " ")
            found.append(f"{label} {_said(before)}, not {_said(after)}")
    return found


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
