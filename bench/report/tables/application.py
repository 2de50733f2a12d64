"""What is stored of the application suite, and its cells of Table 2.

Read from ``results/application/<dataset>/<codec>.json``, as `bench.report.application` writes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.report.application_stored import (
    application_files,
    main_dataset,
    read_application,
    unreadable,
)
from bench.report.tables.frame import APPLICATION_SCORES
from bench.report.tables.measured import Measured, certification
from bench.report.tables.model import Cell, shown

TASKS = {
    "wer_asr_pct": "asr",
    "eer_asv_pct": "asv",
    "acc_er_pct": "er",
    "acc_aec_pct": "aec",
}
"""The task that each of the paper's scores is of."""
NOT_RUN = "not run: bench run --codec NAME --suite application"

_NO_TASK = "not run on this task"
_NO_SCORE = "nothing to take the score from"
_NO_CODEBOOKS = "has no codebooks"
_SENT_UNKNOWN = "no clip went through the codec"


@dataclass(frozen=True)
class Task:
    """A codec in one task.

    Attributes:
        scores: those of the paper's columns, or the reason why there is none.
        evaluator: what judged; "" where nothing did.
        of_paper: whether that is the paper's evaluator.
        said: what the scores are over, such as "400 trials".
        data: what it was judged on.
        n_clips, n_failed: of the data.
    """

    scores: dict[str, Cell]
    evaluator: str
    of_paper: bool
    said: str
    data: str
    n_clips: int
    n_failed: int


@dataclass(frozen=True)
class CodecTasks:
    """A codec with its tasks, by name."""

    name: str
    bitrate_bps: float | None
    revision: str
    weights: str
    n_quantizers: int
    measured_bitrate_bps: float | None
    tasks: dict[str, Task]

    def score(self, column: str) -> Cell:
        """The cell of one of the paper's columns."""
        task = self.tasks.get(TASKS[column])
        return Cell(reason=_NO_TASK) if task is None else task.scores[column]


@dataclass(frozen=True)
class Tasks:
    """All codecs of the application suite on one data set."""

    codecs: dict[str, CodecTasks] = field(default_factory=dict)
    dataset: str = ""

    def stands_for(self, codec: str) -> str:
        """Revision, data, evaluators and weights of a codec's scores, in a line; "" for none."""
        one = self.codecs.get(codec)
        if one is None:
            return ""
        over = [
            f"{name} {task.said} of {task.data}" for name, task in one.tasks.items() if task.said
        ]
        weights = f"weights: {one.weights or 'none needed'}"
        return "; ".join((f"{codec}, revision {one.revision}", *over, weights))


def load(results: Path, data: str | None = None) -> Tasks:
    """Read the results on one data set: `data`, or that of most codecs.

    Raises:
        StoredResultError: a file cannot be used.
    """
    files = application_files(results)
    data = data or main_dataset(files)
    found = {}
    for dataset, paths in files.items():
        for path in paths.values():
            content = read_application(path)
            try:
                one = _codec(content)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise unreadable(path, error) from error
            if dataset == data:
                found[one.name] = one
    return Tasks(found, data)


def cells(codec: str, tasks: Tasks, measured: Measured) -> dict[str, Cell]:
    """The cells of Table 2 that are no network's."""
    one = tasks.codecs.get(codec)
    if one is None:
        why = Cell(reason=measured.unavailable.get(codec) or NOT_RUN)
        keys = [column.key for column in APPLICATION_SCORES]
        others = ("bitrate_bps", "n_quantizers", "n_clips", "n_failed", "certified")
        return dict.fromkeys([*keys, *others], why)
    sent, n_quantizers = one.measured_bitrate_bps, one.n_quantizers
    n_clips = sum(task.n_clips for task in one.tasks.values())
    n_failed = sum(task.n_failed for task in one.tasks.values())
    return {
        **{column.key: one.score(column.key) for column in APPLICATION_SCORES},
        "bitrate_bps": Cell(reason=_SENT_UNKNOWN) if sent is None else Cell(shown(sent, 0), sent),
        "n_quantizers": (
            Cell(str(n_quantizers), n_quantizers) if n_quantizers else Cell(reason=_NO_CODEBOOKS)
        ),
        "n_clips": Cell(str(n_clips), n_clips),
        "n_failed": Cell(str(n_failed), n_failed),
        "certified": certification(codec, one.revision, measured),
    }


def notes(tasks: Tasks) -> tuple[str, ...]:
    """What has to be known of the scores, a line each."""
    if not tasks.codecs:
        return ("Nothing of the application suite is stored.",)
    judges = {
        f"{name}: judged by {task.evaluator}, which is {'' if task.of_paper else 'not '}the paper's"
        for one in tasks.codecs.values()
        for name, task in one.tasks.items()
        if task.evaluator
    }
    return (
        f"Measured here on {tasks.dataset}; not the paper's data or weights.",
        *(f"{judge}." for judge in sorted(judges)),
        "[...]: 95 % interval, by the method that the results name. Clips: of all tasks.",
    )


def _codec(content: dict[str, Any]) -> CodecTasks:
    info = content["codec"]
    return CodecTasks(
        name=str(info["name"]),
        bitrate_bps=_number(info["bitrate_bps"]),
        revision=str(info["revision"]),
        weights=str(info["weights"] or ""),
        n_quantizers=int(info["n_codebooks"]),
        measured_bitrate_bps=_number(content["measured_bitrate_bps"]),
        tasks={str(task["task"]): _task(task) for task in content["tasks"]},
    )


def _task(content: dict[str, Any]) -> Task:
    stored = {str(score["name"]): score for score in content["scores"]}
    scores, over = {}, ""
    for column in APPLICATION_SCORES:
        if TASKS[column.key] != content["task"]:
            continue
        score = stored.get(column.key)
        scores[column.key] = _cell(score, str(content["unavailable"]), column.decimals)
        over = f"{int(score['n'])} {score['counted']}" if score else ""
    evaluator = content["evaluator"]
    return Task(
        scores=scores,
        evaluator=str(evaluator["name"]) if evaluator else "",
        of_paper=bool(content["of_paper"]),
        said=over,
        data=str(content["dataset"]),
        n_clips=int(content["n_clips"]),
        n_failed=int(content["n_failed"]),
    )


def _cell(score: dict[str, Any] | None, unavailable: str, decimals: int) -> Cell:
    value = None if score is None else _number(score["value"])
    if score is None or value is None:
        said = "" if score is None else str(score["method"])
        return Cell(reason=unavailable or said or _NO_SCORE)
    return Cell(shown(value, decimals), value, _number(score["low"]), _number(score["high"]))


def _number(value: object) -> float | None:
    """A finite number; None for null. Raises ValueError for anything else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    return float(value)
