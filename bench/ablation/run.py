"""An ablation from what was asked to its tables, going on from whatever its folder holds.

Trainings first, then both suites on all checkpoints at once, so that each evaluator is loaded
once and hears the untouched clips once. Cells and evidence stay in the folder's own store.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.ablation import clips, outcome, training
from bench.ablation.evaluated import Evaluated
from bench.ablation.folder import Run
from bench.ablation.plan import AblationError, Asked, Plan, locked, open_plan, write_plan
from bench.ablation.training import Failed
from bench.application_cli import run_application
from bench.console import MISSING, SOME_FAILED, console, tell
from bench.datasets.load import load_data
from bench.datasets.manifest import Manifest
from bench.names import UnknownNameError
from bench.options import RunOptions
from bench.report import ablation as report
from bench.signal_cli import run_signal
from bench.suites import APPLICATION
from bench.team import RunError
from bench.trainable import BASELINE, CorpusFacts, Cost, Settings, Teacher, Trained, Variant

_RUNS = "runs"
_HOUR_S = 3600.0
_EXAMPLE_STEPS = 1000  # to time a few; settings that depend on their number are not timed


@dataclass(frozen=True)
class AblateOptions:
    """What `bench ablate` was asked for.

    Attributes:
        preset: the baseline.
        variants: names; None for all. The baseline is always among them.
        seeds: so many trainings of each.
        budget_steps, budget_hours: one of them.
        batch: crops a step.
        settings: of the trainer, for all variants alike.
        corpus: what to train on.
        data: what to evaluate on.
        eval_clips: at most so many clips of it; None for all.
        out: the folder.
        devices: one for each training that runs at a time.
        threads: of the CPU for each of them.
        device: "cpu" or "cuda", of the evaluation.
    """

    preset: str
    variants: tuple[str, ...] | None
    seeds: int
    budget_steps: int | None
    budget_hours: float | None
    batch: int
    settings: Settings
    corpus: str
    data: str
    eval_clips: int | None
    out: Path
    devices: tuple[str, ...]
    threads: int
    device: str


def ablate(options: AblateOptions, errors: Console) -> int:
    """Do what of the ablation is not done, write its files, and return the exit status.

    Raises:
        AblationError, UnknownNameError, ManifestError, RunError, StoreError,
        StoredResultError, OSError: as their messages say.
    """
    with training.process(options.threads) as worker:
        with errors.status("looking at presets, corpus and clips"):
            variants = _variants(worker, options)
            facts: CorpusFacts = _or_refuse(
                training.ask_corpus(worker, options.preset, options.corpus)
            )
            first = options.budget_steps or 1
            for variant in variants:  # before anything is begun
                _settings(worker, options, variant.name, first, 0)
            manifest = load_data(options.data)
        asked = _asked(options, variants, facts, manifest)
        with locked(options.out):
            plan = open_plan(options.out, asked)
            if plan.steps is None:
                plan = _measured(worker, plan, options, errors)
            assert plan.steps is not None
            runs = [
                Run(
                    name,
                    seed,
                    f"{options.preset}-{name}-seed{seed}",
                    options.out / _RUNS / f"{name}-seed{seed}",
                    _settings(worker, options, name, plan.steps, seed),
                    facts.revision,
                )
                for name, seed in plan.runs
            ]
            for run in runs:
                run.check()
            write_plan(options.out, plan)  # not before it fits what the folder holds
            teacher: Teacher | None = _or_refuse(training.ask_teacher(worker, runs[0].settings))
            worker.stop()
            return _done(options, plan, variants, runs, teacher, manifest, errors)


def _done(
    options: AblateOptions,
    plan: Plan,
    variants: Sequence[Variant],
    runs: Sequence[Run],
    teacher: Teacher | None,
    manifest: Manifest,
    errors: Console,
) -> int:
    trained = _trained(options, plan, runs, errors)
    failures = [one for one in trained.values() if isinstance(one, Failed)]
    if len(failures) == len(runs):
        tell(errors, [f"no training came to its end: {failures[0].why}"])
        return SOME_FAILED
    paths = [
        str(run.folder / one.weights)
        for run in runs
        if isinstance(one := trained[run.variant, run.seed], Trained)
    ]
    status, evaluated = _evaluated(options, paths, manifest, errors)
    with errors.status("comparing"):
        content = outcome.outcome_of(plan, variants, runs, trained, evaluated, teacher)
        outcome.write(content, options.out / outcome.FILE_NAME)
    table, files = report.write(content, options.out)
    for path in files:
        errors.print(f"wrote {path}", markup=False)
    console().print(report.terminal(table))
    return SOME_FAILED if failures else status


def _variants(worker: training.Worker, options: AblateOptions) -> list[Variant]:
    known: tuple[Variant, ...] = _or_refuse(training.ask_variants(worker, options.preset))
    names = [variant.name for variant in known]
    for name in options.variants or ():
        if name not in names:
            raise UnknownNameError("variant", name, names)
    wanted = options.variants if options.variants is not None else names
    return [one for one in known if one.name == BASELINE or one.name in wanted]


def _settings(
    worker: training.Worker, options: AblateOptions, variant: str, steps: int, seed: int
) -> Settings:
    made: Settings = _or_refuse(
        training.ask_settings(
            worker, options.preset, variant, steps, options.batch, seed, options.settings
        )
    )
    return made


def _asked(
    options: AblateOptions, variants: Sequence[Variant], facts: CorpusFacts, manifest: Manifest
) -> Asked:
    return Asked(
        preset=options.preset,
        variants=tuple(variant.name for variant in variants),
        seeds=options.seeds,
        budget_steps=options.budget_steps,
        budget_hours=options.budget_hours,
        batch=options.batch,
        settings=options.settings,
        corpus=facts,
        data=options.data,
        data_revision=manifest.revision,
        eval_clips=options.eval_clips,
        device=options.device,
    )


def _measured(worker: training.Worker, plan: Plan, options: AblateOptions, errors: Console) -> Plan:
    """With the steps that a budget of hours has time for.

    The baseline is as slow as any variant: it has every module, every loss and the longest window.
    """
    assert options.budget_hours is not None
    share_s = options.budget_hours * _HOUR_S / len(plan.runs)
    with errors.status("timing a few steps of the baseline"):
        cost: Cost = _or_refuse(
            training.measure(
                _settings(worker, options, BASELINE, _EXAMPLE_STEPS, 0),
                options.corpus,
                options.out / "timing",
                options.devices[: len(plan.runs)],
                options.threads,
            )
        )
        steps: int = _or_refuse(
            training.ask_steps(
                worker, options.preset, share_s, cost, options.batch, options.settings
            )
        )
    if steps < 1:
        raise AblationError(
            f"{options.budget_hours:g} h are {share_s:.0f} s for each of {len(plan.runs)} "
            f"trainings, and a step takes {cost.step_s:.1f} s: give more hours, or fewer variants"
        )
    errors.print(
        f"{steps} steps for each of {len(plan.runs)} trainings: {cost.step_s:.2f} s a step, "
        f"{share_s / 60:.1f} min each"
    )
    measured = {"step_s": cost.step_s, "growth_step_s": cost.growth_step_s}
    return replace(plan, steps=steps, measured=measured)


def _trained(
    options: AblateOptions, plan: Plan, runs: Sequence[Run], errors: Console
) -> dict[tuple[str, int], Trained | Failed]:
    def show_start(run: Run) -> None:
        errors.print(f"training {run.name}: {plan.steps} steps", markup=False)

    def show_end(run: Run, outcome: Trained | Failed) -> None:
        if isinstance(outcome, Failed):
            errors.print(f"bench: {run.name} failed: {outcome.why}", style="red", markup=False)
        else:
            errors.print(f"trained {run.name}: {outcome.seconds / 60:.1f} min", markup=False)

    n_done = sum(run.done() is not None for run in runs)
    if n_done:
        errors.print(f"{n_done} of {len(runs)} trainings are done already")
    return training.train_all(
        runs, options.corpus, options.devices, options.threads, show_start, show_end
    )


def _evaluated(
    options: AblateOptions, codecs: Sequence[str], manifest: Manifest, errors: Console
) -> tuple[int, Evaluated]:
    """Run both suites; the exit status, and where the scores are."""
    data = options.data
    if options.eval_clips is not None and options.eval_clips < len(manifest.clips):
        data = str(clips.write_chosen(manifest, options.eval_clips, options.out / "clips"))
        manifest = load_data(data)
    results = options.out / "results"
    asked = RunOptions(
        codecs=tuple(codecs),
        data=data,
        store=options.out / "store.sqlite",
        results=results,
        workers=max(1, min(os.cpu_count() or 1, len(options.devices) * options.threads)),
        device=options.device,
    )
    with _silent():
        status = run_signal(asked, errors)
    failed = ""
    try:
        with _silent():
            applied = run_application(replace(asked, suite=APPLICATION), errors)
    except RunError as error:
        applied, failed = MISSING, str(error)
        errors.print(f"bench: the application suite: {error}", style="red", markup=False)
    return max(status, applied), Evaluated(results, manifest, failed)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The suites' own tables are not the one that was asked for."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _or_refuse(found: Any) -> Any:
    """What a process answered; its refusal ends the command."""
    if isinstance(found, Failed):
        raise AblationError(found.why)
    return found
