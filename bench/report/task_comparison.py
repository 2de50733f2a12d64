"""Two codecs in the tasks of the application suite, from each clip's part in their scores.

Words are compared by `ratio_difference` (speakers drawn), speakers by `eer.difference` (drawn
too, over the trials that both have), classes by Newcombe's interval of pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.downstream.accuracy import paired_difference
from bench.downstream.eer import difference as eer_difference
from bench.downstream.resampling import ratio_difference
from bench.downstream.score import Estimate
from bench.downstream.trials import Trial
from bench.names import UnknownNameError
from bench.report.application_stored import (
    DECIDES,
    application_files,
    main_dataset,
    read_tasks,
    stored_trials,
    word_error_rate,
    word_errors,
)
from bench.report.paired import ClipDifference, NotComparableError
from bench.report.stored import StoredResultError
from bench.report.tables.application import TASKS
from bench.report.tables.frame import APPLICATION_SCORES
from bench.report.tables.model import Column

_NO_INTERVAL = "no interval: no trials in the results, which a run of the suite writes again"
_PERCENT = 100.0


@dataclass(frozen=True)
class TaskDifference:
    """One score of both, first less second.

    Attributes:
        column: of the paper's Table 2.
        first, second: per cent; None where a codec has no score.
        difference: percentage points, with its interval or why there is none.
        clips: that both have, with what each contributes, per cent.
    """

    column: Column
    first: float | None
    second: float | None
    difference: Estimate
    clips: tuple[ClipDifference, ...]


def task_differences(
    results: Path, first: str, second: str, dataset: str | None
) -> tuple[str, list[TaskDifference]]:
    """The data set, and every score of the paper's that its results have.

    Args:
        results: the folder of results.
        first, second: codecs.
        dataset: of the results; the one with the most codecs if None.

    Raises:
        UnknownNameError: there are no results of a codec or data set.
        NotComparableError: nothing is stored, or the two were judged on other data.
        StoredResultError: a file cannot be used.
    """
    files = application_files(results)
    if not files:
        raise NotComparableError(
            f"no results of the application suite in {results}: bench run --suite application"
        )
    dataset = main_dataset(files) if dataset is None else dataset
    if dataset not in files:
        raise UnknownNameError("data set with results", dataset, files)
    known = files[dataset]
    for name in (first, second):
        if name not in known:
            raise UnknownNameError("codec with results", name, known)
    one, other = read_tasks(known[first]), read_tasks(known[second])
    try:
        found = [_difference(column, one, other) for column in APPLICATION_SCORES]
    except NotComparableError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise StoredResultError(
            f"{known[first].parent}: no clips that can be compared in {first}.json and "
            f"{second}.json: {type(error).__name__}: {error}"
        ) from error
    return dataset, [difference for difference in found if difference is not None]


def _difference(
    column: Column, one: Mapping[str, Any], other: Mapping[str, Any]
) -> TaskDifference | None:
    """None where one of them was not judged in the task."""
    task = TASKS[column.key]
    if any(not tasks.get(task, {}).get("scores") for tasks in (one, other)):
        return None
    sides = (one[task], other[task])
    for name, said in DECIDES.items():
        if sides[0][name] != sides[1][name]:
            raise NotComparableError(f"{task} of the two is not comparable: {said}")
    values = [_value(side, column.key) for side in sides]
    clips = [
        {clip["clip"]: clip for clip in side["clips"] if "error" not in clip} for side in sides
    ]
    names = [name for name in clips[0] if name in clips[1]]
    pairs = [(clips[0][name], clips[1][name]) for name in names]
    dataset = str(sides[0]["dataset"])
    if task == "asr":
        difference, shown = _words(pairs), word_error_rate
    elif task == "asv":
        difference, shown = _rates(sides, values), _similarity
    else:
        difference, shown = _classes(pairs), _right
    return TaskDifference(
        column,
        values[0],
        values[1],
        difference,
        tuple(
            ClipDifference(dataset, str(a["clip"]), str(a["group"] or ""), shown(a), shown(b))
            for a, b in pairs
            if "similarity" in a or task != "asv"
        ),
    )


def _words(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Estimate:
    errors = [[word_errors(clip) for clip in side] for side in zip(*pairs, strict=True)] or [[], []]
    words = [[clip["words"] for clip in side] for side in zip(*pairs, strict=True)] or [[], []]
    groups = [str(one["group"] or one["clip"]) for one, _ in pairs]
    return ratio_difference(errors[0], words[0], errors[1], words[1], groups)


def _classes(pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Estimate:
    if not pairs:
        return Estimate(None, method="no clip has both")
    found = paired_difference([b["right"] for _, b in pairs], [a["right"] for a, _ in pairs])
    return Estimate(found.points, found.low, found.high, "Newcombe's interval of pairs")


def _rates(sides: Sequence[Mapping[str, Any]], values: Sequence[float | None]) -> Estimate:
    """On the trials that both have a score of; other languages are apart, as in the rates."""
    first, second = values
    if first is None or second is None:
        return Estimate(None, method="one has no rate")
    pairs = [stored_trials(side) for side in sides]
    if not all(pairs):  # of schema 1
        return Estimate(first - second, method=_NO_INTERVAL)
    trials, scores = [], []
    for (a, b, same, one), (*_, other) in zip(*pairs, strict=True):
        trial = Trial(a["clip"], b["clip"], a["speaker"], b["speaker"], same)
        if (trial.target or same) and one is not None and other is not None:
            trials.append(trial)
            scores.append((one, other))
    return eer_difference([one for one, _ in scores], [other for _, other in scores], trials)


def _value(task: Mapping[str, Any], name: str) -> float | None:
    return next((score["value"] for score in task["scores"] if score["name"] == name), None)


def _similarity(clip: Mapping[str, Any]) -> float:
    return _PERCENT * float(clip["similarity"])


def _right(clip: Mapping[str, Any]) -> float:
    return _PERCENT * bool(clip["right"])
