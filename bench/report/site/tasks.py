"""The application suite: a row a codec, and a page a codec with what was judged of each clip.

A number leads to the clips that it is taken from: transcripts, similarities, classes, and the
trials of an equal error rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.downstream.tasks import TASKS, Task
from bench.report.application_stored import (
    application_files,
    main_dataset,
    read_application,
    unreadable,
)
from bench.report.palette import family_of
from bench.report.site.leaderboard import Column, Number, Row
from bench.report.site.task_page import TaskSection, interval, section
from bench.report.stored import StoredResultError

_REFERENCE = "reference"
Certificates = Mapping[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Judged:
    """What the pages show of one file.

    Attributes:
        name: of the codec.
        revision, weights, data: of what.
        row: of the first page.
        sections: of its own page.
        judges: who judged what: a line a task, the same for codecs that compare.
        clips, trials: of each task, as they are stored.
    """

    name: str
    revision: str
    weights: str
    data: str
    row: dict[str, Number]
    sections: tuple[TaskSection, ...]
    judges: dict[str, str]
    clips: dict[str, list[dict[str, Any]]]
    trials: dict[str, Any]


def tasks_page_of(codec: str) -> str:
    """The path of a codec's page of tasks, from the first one."""
    return f"tasks/{codec}.html"


def judged(results: Path, dataset: str | None) -> list[Judged]:
    """What is stored of the application suite on one data set, by codec.

    Args:
        results: the folder of results.
        dataset: which; the one with the most codecs if None.

    Raises:
        StoredResultError: a file cannot be used.
    """
    files = application_files(results)
    found = []
    for path in files.get(main_dataset(files) if dataset is None else dataset, {}).values():
        content = read_application(path)
        try:
            found.append(_judged(content))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(path, error) from error
        if found[-1].name != path.stem:
            raise StoredResultError(f"{path}: it is of the codec {found[-1].name!r}")
    return found


def task_columns(found: Sequence[Judged]) -> list[Column]:
    """The columns of the first page: those of tasks that were run, and whom they are of."""
    columns = [Column("bitrate", "bit/s", "↓", "measured: bits sent over seconds of audio")]
    for task in TASKS.values():
        head = next((s for one in found for s in _heads(one, task)), None)
        if head is not None:
            apart = "difference from the untouched clips, pair by pair"
            columns += [
                Column(task.name, head[0], head[1], task.description),
                Column(f"{task.name}-apart", "less ref.", head[1], apart),
            ]
    return [
        *columns,
        Column("failed", "failed", "↓", "clips without evidence, of all tasks"),
        Column("certified", "certified", "↑", "whether bench verify found its adapter right"),
    ]


def task_rows(
    found: Sequence[Judged], columns: Sequence[Column], certificates: Certificates
) -> list[Row]:
    """The codecs, the least word errors first, the reference before all."""

    def order(one: Judged) -> tuple[bool, float, str]:
        number = one.row.get("asr")
        value = None if number is None else number.value
        return one.name != _REFERENCE, float("inf") if value is None else value, one.name

    rows = []
    for one in sorted(found, key=order):
        numbers = one.row | {"certified": _certified(one, certificates)}
        missing = Number("none", beside="not run", href=tasks_page_of(one.name))
        cells = tuple(numbers.get(column.key, missing) for column in columns)
        about = one.weights or "no weights"
        rows.append(Row(one.name, family_of(one.name), about, tasks_page_of(one.name), cells))
    return rows


def judges(found: Sequence[Judged]) -> list[tuple[str, str, str]]:
    """Who judged what: task, a line, and its codecs where they are not all."""
    rows = []
    for task in TASKS.values():
        of_task: dict[str, list[str]] = {}
        for one in found:
            if task.name in one.judges:
                of_task.setdefault(one.judges[task.name], []).append(one.name)
        for line, codecs in of_task.items():
            only = "" if len(of_task) == 1 else f"{', '.join(codecs)}: not comparable with others"
            rows.append((task.display_name, line, only))
    return rows


def more_tables(one: Judged) -> dict[str, str]:
    """All clips, or trials, of the tables that a page does not show whole, as CSV, by file."""
    found = {}
    for shown in one.sections:
        clips = one.clips[shown.name]
        for table in shown.tables:
            if table.n_more and table.is_of_clips:
                frame = pd.DataFrame(clips)
            elif table.n_more:
                frame = pd.DataFrame(one.trials[shown.name])
                for side in ("enrol", "test"):
                    frame[side] = [clips[place]["clip"] for place in frame[side]]
            else:
                continue
            file = f"{one.name}-{shown.name}-{table.file}.csv"
            found[file] = frame.to_csv(index=False, lineterminator="\n")
    return found


def _judged(content: dict[str, Any]) -> Judged:
    codec = content["codec"]
    name = str(codec["name"])
    parts = {str(part["task"]): part for part in content["tasks"]}
    tasks = [task for task in TASKS.values() if task.name in parts]
    sent = content["measured_bitrate_bps"]
    n_clips, n_failed = (sum(p[key] for p in parts.values()) for key in ("n_clips", "n_failed"))
    page = tasks_page_of(name)
    row = {
        "bitrate": (
            Number("none", beside="no clip went through")
            if sent is None
            else Number(f"{sent:,.0f}", float(sent), href=page)
        ),
        "failed": Number(f"{n_failed} of {n_clips}", float(n_failed), href=page),
    }
    for task in tasks:
        row |= _numbers(parts[task.name], f"{page}#{task.name}", name == _REFERENCE)
    return Judged(
        name=name,
        revision=str(codec["revision"]),
        weights=str(codec["weights"] or ""),
        data=str(content["dataset"]),
        row=row,
        sections=tuple(section(task, parts[task.name]) for task in tasks),
        judges={task.name: _judge(parts[task.name]) for task in tasks},
        clips={task.name: list(parts[task.name]["clips"]) for task in tasks},
        trials={task.name: parts[task.name]["trials"] for task in tasks},
    )


def _numbers(part: Mapping[str, Any], page: str, is_reference: bool) -> dict[str, Number]:
    """The protocol's score, and its difference from the untouched clips."""
    name = str(part["task"])
    if not part["scores"]:
        return {key: Number("none", beside="not run", href=page) for key in (name, f"{name}-apart")}
    main = part["scores"][0]
    apart = main["difference"]
    if is_reference:
        difference = Number("none", beside="the clip itself")
    elif apart is None or apart["value"] is None:
        difference = Number("none", beside="" if apart is None else str(apart["method"]), href=page)
    else:
        difference = Number(f"{apart['value']:+.2f}", apart["value"], interval(apart), page)
    if main["value"] is None:
        return {name: Number("none", beside=main["method"], href=page), f"{name}-apart": difference}
    score = Number(f"{main['value']:.2f}", float(main["value"]), interval(main), page)
    return {name: score, f"{name}-apart": difference}


def _heads(one: Judged, task: Task) -> list[tuple[str, str]]:
    """Label and arrow of a task's column, where the codec has scores in it."""
    labels = [s.scores[0].label for s in one.sections if s.name == task.name and s.scores]
    return [(f"{task.display_name}: {label[:-2]}", label[-1]) for label in labels]


def _certified(one: Judged, certificates: Certificates) -> Number:
    if one.name == _REFERENCE:
        return Number("reference")
    certificate = certificates.get((one.name, one.revision))
    if certificate is None:
        return Number("not verified")
    return Number("yes" if certificate["passed"] else "no", float(certificate["passed"]))


def _judge(part: Mapping[str, Any]) -> str:
    if part["unavailable"]:
        return f"not run: {part['unavailable']}"
    evaluator = part["evaluator"] or {}
    whose = "the paper's evaluator" if part["of_paper"] else "not the paper's evaluator"
    revisions = [str(found) for found in (evaluator.get("revision"),) if found]
    of = "; ".join([whose, *(f"revision {revision}" for revision in revisions)])
    data = f"{part['dataset']}, revision {part['dataset_revision'] or 'not said'}"
    trials = f", {part['n_trials']:,} trials" if part["n_trials"] else ""
    return f"{evaluator.get('name')} ({of}) on {data}: {part['n_clips']:,} clips{trials}"
