"""The application suite on the site: a row a codec, and what their own pages are made of.

A score leads to its evidence: transcripts, similarities, classes, and the trials of an equal
error rate.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.downstream.tasks import TASKS
from bench.report.application_stored import (
    DECIDES,
    application_files,
    main_dataset,
    read_application,
    stored_trials,
    unreadable,
)
from bench.report.palette import family_of
from bench.report.site.leaderboard import Certificates, Column, Number, Row, certified, page_of
from bench.report.site.task_section import TaskSection, interval, task_section
from bench.report.stored import StoredResultError

_REFERENCE = "reference"
_DIFFERENCE = "difference from the untouched clips, pair by pair"


@dataclass(frozen=True)
class CodecTasks:
    """A codec in the application suite.

    Attributes:
        name, revision, weights: of the codec.
        dataset: that it was judged on.
        measured_bitrate_bps: what it sent; None where no clip went through.
        parts: the tasks as they are stored, by name.
        sections: the same as its page shows them.
    """

    name: str
    revision: str
    weights: str
    dataset: str
    measured_bitrate_bps: float | None
    parts: dict[str, Mapping[str, Any]]
    sections: tuple[TaskSection, ...]


def application_page_of(codec: str) -> str:
    """The path of a codec's page of the application suite, from the first one."""
    return f"tasks/{codec}.html"


def read_codecs(results: Path, dataset: str | None) -> list[CodecTasks]:
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
            found.append(_codec(content))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(path, error) from error
        if found[-1].name != path.stem:
            raise StoredResultError(f"{path}: it is of the codec {found[-1].name!r}")
    return found


def columns(found: Sequence[CodecTasks]) -> list[Column]:
    """The columns of the first page; tasks that nobody ran have none."""
    shown = [Column("bitrate", "bit/s", "↓", "measured: bits sent over seconds of audio")]
    for task in TASKS.values():
        scores = [
            s.scores[0] for one in found for s in one.sections if s.name == task.name and s.scores
        ]
        if scores:
            arrow, name = scores[0].arrow, task.display_name
            shown += [
                Column(task.name, f"{name}: {scores[0].label}", arrow, task.description),
                Column(f"{task.name}-less", f"{name} less ref.", arrow, _DIFFERENCE),
            ]
    return [
        *shown,
        Column("failed", "failed", "↓", "clips without evidence, of all tasks"),
        Column("certified", "certified", "↑", "whether bench verify found its adapter right"),
    ]


def rows(
    found: Sequence[CodecTasks],
    shown: Sequence[Column],
    certificates: Certificates,
    revisions: Mapping[str, str],
) -> list[Row]:
    """The untouched clips, then the codecs, the fewest word errors first.

    Args:
        found: the codecs.
        shown: the columns.
        certificates: by codec and revision.
        revisions: of the codecs that have a page of the signal suite.
    """
    numbers = {}
    for one in found:
        page = page_of(one.name) if revisions.get(one.name) == one.revision else ""
        verdict = certified(one.name, one.revision, certificates, page)
        numbers[one.name] = _numbers(one) | {"certified": verdict}

    def order(one: CodecTasks) -> tuple[bool, float, str]:
        words = numbers[one.name].get("asr", Number("none")).value
        return one.name != _REFERENCE, float("inf") if words is None else words, one.name

    return [
        Row(
            one.name,
            family_of(one.name),
            one.weights or "no weights",
            application_page_of(one.name),
            tuple(numbers[one.name].get(c.key, Number("none", beside="not run")) for c in shown),
        )
        for one in sorted(found, key=order)
    ]


def who_judged(found: Sequence[CodecTasks]) -> list[tuple[str, str, str]]:
    """Of each task who judged what, and which codecs where it is not the same for all."""
    lines = []
    for task in TASKS.values():
        groups: dict[tuple[str, ...], list[CodecTasks]] = {}
        for one in found:
            if task.name in one.parts:
                groups.setdefault(_decides(one.parts[task.name]), []).append(one)
        n_judges = sum(not one[0].parts[task.name]["unavailable"] for one in groups.values())
        for codecs in groups.values():
            part = codecs[0].parts[task.name]
            names = ", ".join(one.name for one in codecs)
            only = f"only {names}" if len(groups) > 1 else ""
            if n_judges > 1 and not part["unavailable"]:
                only += ": comparable among themselves alone"
            lines.append((task.display_name, _judge(part), only))
    return lines


def csv_files(one: CodecTasks) -> dict[str, str]:
    """All clips, or trials, of the tables that a page does not show whole, by file name."""
    found = {}
    for section in one.sections:
        part = one.parts[section.name]
        for of in sorted({table.of for table in section.tables if table.n_more}):
            text = _clips_csv(part) if of == "clips" else _trials_csv(part)
            found[f"{one.name}-{section.name}-{of}.csv"] = text
    return found


def _codec(content: Mapping[str, Any]) -> CodecTasks:
    codec, sent = content["codec"], content["measured_bitrate_bps"]
    name = str(codec["name"])
    parts = {str(part["task"]): part for part in content["tasks"]}
    return CodecTasks(
        name=name,
        revision=str(codec["revision"]),
        weights=str(codec["weights"] or ""),
        dataset=str(content["dataset"]),
        measured_bitrate_bps=None if sent is None else float(sent),
        parts=parts,
        sections=tuple(
            task_section(task, parts[task.name], name == _REFERENCE)
            for task in TASKS.values()
            if task.name in parts
        ),
    )


def _numbers(one: CodecTasks) -> dict[str, Number]:
    """The cells of a codec's row, by column."""
    page, sent = application_page_of(one.name), one.measured_bitrate_bps
    n_clips = sum(part["n_clips"] for part in one.parts.values())
    n_failed = sum(part["n_failed"] for part in one.parts.values())
    numbers = {
        "bitrate": (
            Number("none", beside="no clip went through")
            if sent is None
            else Number(f"{sent:,.0f}", sent)
        ),
        "failed": Number(f"{n_failed} of {n_clips}", float(n_failed), href=page),
    }
    for section in one.sections:
        href = f"{page}#{section.anchor}"
        scores = one.parts[section.name]["scores"]
        if not scores:
            numbers[section.name] = Number("none", beside="not run", href=href)
            continue
        numbers[section.name] = _number(scores[0], "{:.2f}", href)
        difference = Number("none", beside="the clip itself")
        if one.name != _REFERENCE:
            difference = _number(scores[0]["difference"], "{:+.2f}", href)
        numbers[f"{section.name}-less"] = difference
    return numbers


def _number(estimate: Mapping[str, Any] | None, form: str, href: str) -> Number:
    if estimate is None:
        return Number("none", beside="not taken")
    value = estimate["value"]
    if value is None:
        return Number("none", beside=str(estimate["method"]), href=href)
    return Number(form.format(value), float(value), interval(estimate), href)


def _decides(part: Mapping[str, Any]) -> tuple[str, ...]:
    """What two results of a task must share to be comparable; why it was not run, if so."""
    return str(part["unavailable"]), *(repr(part[name]) for name in DECIDES)


def _judge(part: Mapping[str, Any]) -> str:
    if part["unavailable"]:
        return f"not run: {part['unavailable']}"
    evaluator = part["evaluator"] or {}
    whose = "the paper's evaluator" if part["of_paper"] else "not the paper's evaluator"
    revision = f"; revision {evaluator['revision']}" if evaluator.get("revision") else ""
    data = f"{part['dataset']}, revision {part['dataset_revision'] or 'not said'}"
    trials = f", {part['n_trials']:,} trials" if part["n_trials"] else ""
    return (
        f"{evaluator.get('name')} ({whose}{revision}) on {data}: {part['n_clips']:,} clips{trials}"
    )


def _clips_csv(part: Mapping[str, Any]) -> str:
    frame = pd.DataFrame(part["clips"]).convert_dtypes()
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _trials_csv(part: Mapping[str, Any]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("enrol", "test", "enrol_speaker", "test_speaker", "same_language", "score"))
    for a, b, same_language, score in stored_trials(part):
        speakers = (a["speaker"], b["speaker"])
        table.writerow((a["clip"], b["clip"], *speakers, same_language, score))
    return text.getvalue()
