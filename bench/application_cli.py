"""`bench run --suite application`: tasks in turn, an evaluator each, and a table at the end."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import audio, coding
from bench.application import (
    Job,
    Step,
    evaluator_process,
    hearing_of,
    judge,
    opened,
    plan_task,
)
from bench.cells import Judgement
from bench.codec import CodecInfo
from bench.console import MISSING, SOME_FAILED, console, tell
from bench.datasets.manifest import Manifest
from bench.downstream.aec import classes_of
from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.data import Application, load_application
from bench.downstream.evaluators import registry
from bench.downstream.evaluators.registry import EvaluatorCard
from bench.downstream.score import TaskData
from bench.downstream.tasks import AEC, TASKS, Task
from bench.options import RunOptions, cannot_write_results
from bench.recording import recorded, task_part
from bench.report.application import (
    ApplicationResult,
    TaskResult,
    bitrate_bps,
    result_of,
    task_result,
    write,
)
from bench.report.application_table import application_table
from bench.run_record import Part
from bench.store import Store
from bench.team import RunError, Team


@dataclass(frozen=True)
class Asking:
    """What of a run all tasks share; `heard` is what was heard of each codec, less its words."""

    codecs: Sequence[CodecInfo]
    store: Store
    team: Team
    device: str
    errors: Console
    heard: Mapping[str, list[Judgement]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Answered:
    """A task that was asked of all codecs.

    Attributes:
        task: it.
        data: what it was asked on; None where the data set has nothing for it.
        results: of each codec.
        missing: what could not be used, in a line; "" if nothing.
    """

    task: Task
    data: TaskData | None
    results: dict[str, TaskResult]
    missing: str = ""


def run_application(options: RunOptions, errors: Console) -> int:
    """Run the suite and print its table; return the exit status.

    Args:
        options: what was asked for.
        errors: where all but the table is said.

    Raises:
        UnknownNameError, ManifestError, RunError, StoreError, OSError: as their messages say.
    """
    try:
        chosen = registry.chosen(tuple(TASKS), list(options.evaluators))
    except ValueError as error:
        raise RunError(str(error)) from error
    with errors.status("reading the data set"):  # every file is hashed
        application = load_application(options.data, options.kind)
    for found in application.tasks.values():
        for note in found.notes:
            errors.print(note, markup=False)
    if not application.tasks:
        why = "; ".join(application.absent.values())
        raise RunError(f"no task can be asked on {options.data}: {why}")
    asked = (options.codecs, options.device, 0, options.clip_timeout_s, options.codec_processes)
    with Team.of(*asked) as team:
        with errors.status("loading codecs"):
            codecs = team.codecs()
        if codecs.unknown:
            raise RunError(codecs.unknown)
        if not codecs.infos:
            tell(errors, codecs.missing)
            return MISSING
        clips = {clip.id: clip for found in application.tasks.values() for clip in found.clips}
        for line in team.unpaired(Manifest(application.name, "", tuple(clips.values()))):
            errors.print(line, markup=False)
        lacking = list(codecs.missing)
        by_codec: dict[str, list[TaskResult]] = {info.name: [] for info in codecs.infos}
        recorded_parts: list[Part] = []
        revision = " ".join(found.revision for found in application.tasks.values())
        asked_on = (application.name, revision)
        with (
            Store(options.store) as store,
            recorded(options, codecs, asked_on, lambda: recorded_parts, lacking, errors),
        ):
            asking = Asking(codecs.infos, store, team, options.device, errors)
            for answered in ask_tasks(application, chosen, asking):
                if answered.missing:
                    lacking.append(f"{answered.task.display_name}: {answered.missing}")
                if answered.data is not None:
                    recorded_parts.append(task_part(answered.data, answered.results))
                for name, result in answered.results.items():
                    by_codec[name].append(result)
            written = [
                _written(info, application.name, by_codec[info.name], asking, options)
                for info in codecs.infos
            ]
    console().print(application_table(written))
    if lacking:
        tell(errors, lacking)
        return MISSING
    failed = any(part.n_failed for parts in by_codec.values() for part in parts)
    return SOME_FAILED if failed else 0


def ask_tasks(
    application: Application, chosen: Mapping[str, EvaluatorCard], asking: Asking
) -> Iterator[Answered]:
    """Ask each task in turn.

    Args:
        application: what there is to ask.
        chosen: the evaluator of each task that shall not have its default one.
        asking: whom, and how.

    Raises:
        RunError, StoreError: as their messages say.
    """
    for task in TASKS.values():
        data = application.tasks.get(task.name)
        if data is None:
            why = application.absent[task.name]
            nothing = {info.name: TaskResult(task.name, why) for info in asking.codecs}
            yield Answered(task, None, nothing)
        else:
            yield Answered(task, data, *_task(task, data, chosen.get(task.name), asking))


def _written(
    info: CodecInfo,
    dataset: str,
    results: Sequence[TaskResult],
    asking: Asking,
    options: RunOptions,
) -> ApplicationResult:
    """Write the results of a codec and return them."""
    measured = bitrate_bps(asking.heard[info.name])
    result = result_of(info, dataset, audio.READER, audio.RESAMPLER, measured, results)
    try:
        path = write(result, options.results)
    except OSError as error:
        raise cannot_write_results(options, error) from error
    asking.errors.print(f"wrote {path}", markup=False)
    return result


def _task(
    task: Task,
    data: TaskData,
    card: EvaluatorCard | None,
    asking: Asking,
) -> tuple[dict[str, TaskResult], str]:
    """Ask one task of all codecs; the parts of their results, and what was missing for it."""
    names = [info.name for info in asking.codecs]
    try:
        # One that is asked for by name may fetch its weights: loading it says what it lacks.
        card = card or registry.default(task.name)
    except EvaluatorUnavailableError as error:
        return _unavailable(task, names, str(error))
    classes = classes_of(data.clips) if task is AEC else ()
    with evaluator_process(task.name, card.name, asking.device, classes) as worker:
        with asking.errors.status(f"loading {card.name}"):
            info = opened(worker)
        if isinstance(info, str):
            return _unavailable(task, names, f"{card.name}: {info}")
        plan = plan_task(data.clips, asking.codecs, info, asking.store)
        steps: list[Step] = []
        with _progress(asking.errors) as progress:
            bar = progress.add_task("starting", total=len(plan.jobs))

            def show_start(job: Job) -> None:
                what = f"{task.display_name}  {job.hearing.codec}  {job.clip.id}"
                progress.update(bar, description=what)

            def show_step(step: Step) -> None:
                steps.append(step)
                progress.update(bar, advance=1)

            judge(plan, asking.store, asking.team, worker, show_start, show_step)
    n_failed = sum(bool(step.error) for step in steps)
    failed = f"; {n_failed} failed, which the next run tries again" if n_failed else ""
    asking.errors.print(
        f"{task.display_name} by {card.name}: {len(steps)} clips judged, {plan.n_kept} were in "
        f"{asking.store.path}{failed}",
        markup=False,
    )
    try:
        return _scored(task, data, info, card.of_paper, asking), ""
    except ValueError as error:  # a probe that this data cannot be told apart by, say
        return _unavailable(task, names, f"{card.name}: {error}")


def _scored(
    task: Task,
    data: TaskData,
    evaluator: EvaluatorInfo,
    of_paper: bool,
    asking: Asking,
) -> dict[str, TaskResult]:
    """The scores of all codecs from what is stored, one codec after the other."""
    infos = {info.name: info for info in asking.codecs}
    untouched = _judgements(data, infos[coding.CEILING], evaluator, asking.store)
    parts = {}
    for name, info in infos.items():
        with asking.errors.status(f"scoring {name}"):
            found = _judgements(data, info, evaluator, asking.store)
            scored = task.score(data, _evidence(data, untouched), _evidence(data, found))
            parts[name] = task_result(data, evaluator, of_paper, scored, found)
            # Without what was said, which is much, for the bits that were sent.
            asking.heard[name].extend(
                replace(one, evidence=one.evidence and {}) for one in found.values()
            )
    return parts


def _judgements(
    data: TaskData, codec: CodecInfo, evaluator: EvaluatorInfo, store: Store
) -> dict[str, Judgement]:
    """What is stored of a task's clips, by their hash."""
    found = store.judgements(hearing_of(codec, evaluator))
    return {c.sha256: found[c.sha256] for c in data.clips if c.sha256 in found}


def _evidence(data: TaskData, judged: Mapping[str, Judgement]) -> dict[str, Evidence]:
    """What was said of clips, by their id, where anything was."""
    found = {c.id: judged[c.sha256].evidence for c in data.clips if c.sha256 in judged}
    return {name: evidence for name, evidence in found.items() if evidence is not None}


def _unavailable(task: Task, codecs: Sequence[str], why: str) -> tuple[dict[str, TaskResult], str]:
    return {name: TaskResult(task.name, why) for name in codecs}, why


def _progress(errors: Console) -> contextlib.AbstractContextManager[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
