"""The `bench` command line: it parses and prints; the runner, the store and the report work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench import coding, doctor, listing
from bench.application_cli import run_application
from bench.claims_cli import claims_
from bench.codec import CodecInfo
from bench.compare_cli import compare_
from bench.complexity_cli import complexity_
from bench.console import INTERRUPTED, MISSING, SOME_FAILED, console, error_console, named, tell
from bench.datasets.load import load_data
from bench.datasets.manifest import Manifest, ManifestError
from bench.devices import DEVICES
from bench.env_cli import env
from bench.hear_cli import hear_
from bench.names import UnknownNameError
from bench.plan import Job, delay_of, plan_run, source_of
from bench.report.paper import PaperRow, paper_row
from bench.report.results import result_of, write
from bench.report.summary import Summary, summarise
from bench.report.terminal import table
from bench.report_cli import report_
from bench.runner import Step, run
from bench.show_cli import show
from bench.store import DEFAULT_PATH, Store, StoreError
from bench.suites import APPLICATION, SUITES, Suite
from bench.team import RunError, Team, measure_delays
from bench.verify import VERSION as VERIFY_VERSION
from bench.verify_cli import verify_
from bench.views import codes_of, gather

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("claims")(claims_)
app.command("compare")(compare_)
app.command("complexity")(complexity_)
app.command("report")(report_)
app.command("hear")(hear_)
app.command("verify")(verify_)
app.command("show")(show)
app.add_typer(env, name="env")


class Listed(StrEnum):
    """What `bench list` lists."""

    CODECS = "codecs"
    SUITES = "suites"
    DATASETS = "datasets"
    METRICS = "metrics"
    EVALUATORS = "evaluators"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bench {version('sqcodec-bench')}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Benchmark audio codecs: clips in, codes and back, scores out."""


@app.command("list")
def list_(what: Annotated[Listed, typer.Argument(help="What to list.")]) -> None:
    """List what can be run."""
    tables = {
        Listed.CODECS: listing.codecs,
        Listed.SUITES: listing.suites,
        Listed.DATASETS: listing.datasets,
        Listed.METRICS: listing.metrics,
        Listed.EVALUATORS: listing.evaluators,
    }
    console().print(tables[what]())


@app.command("doctor")
def doctor_(
    store: Annotated[Path, typer.Option(help="Where cells are to be kept.")] = DEFAULT_PATH,
) -> None:
    """Say what is here, what is missing, and how to get it.

    Exit status: 0 the main job (sqcodec-3k and the signal suite on the mini set) can run here,
    whatever else is missing; 2 it cannot.
    """
    findings = doctor.examine(store)
    console().print(doctor.table(findings))
    if not doctor.can_run(findings):
        raise typer.Exit(MISSING)


@app.command("run")
def run_(
    codec: Annotated[
        str,
        typer.Option(help="Codecs, separated by commas; names, SQCodec checkpoints, folder:PATH."),
    ],
    suite: Annotated[
        str, typer.Option(help=f"The scores to compute: {', '.join([*SUITES, APPLICATION])}.")
    ] = "signal",
    data: Annotated[
        str,
        typer.Option(help='"mini", a Codec-SUPERB tree, a folder of audio or a manifest (.csv).'),
    ] = "mini",
    kind: Annotated[
        str | None,
        typer.Option(help="Of the clips in a folder: speech (the default), music or effects."),
    ] = None,
    store: Annotated[Path, typer.Option(help="Where cells are kept.")] = DEFAULT_PATH,
    results: Annotated[Path, typer.Option(help="Where a JSON per codec goes.")] = Path("results"),
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that compute metrics.", show_default="one a core")
    ] = os.cpu_count() or 1,
    device: Annotated[
        str, typer.Option(help=f"Where codecs compute, if they can choose: {', '.join(DEVICES)}.")
    ] = "auto",
    clip_timeout: Annotated[
        float,
        typer.Option(min=0.1, help="Seconds that a clip may take in a codec, and in the metrics."),
    ] = 600.0,
    evaluator: Annotated[
        list[str] | None,
        typer.Option(help="TASK=NAME: which model judges a task of the application suite."),
    ] = None,
) -> None:
    """Score codecs on a data set, beside the untouched clips ("reference").

    Cells that the store has are not computed again; failed ones are tried again. Stopped in
    whatever way, the same command goes on from what is in the store.

    Exit status: 0 all clips scored; 1 some clips lack a score (they are listed); 2 something
    asked for is missing or cannot be used; 130 stopped by Ctrl-C (what was finished is kept).
    """
    errors = error_console()
    names = [name.strip() for name in codec.split(",")]
    try:
        named("suite", suite, dict.fromkeys([*SUITES, APPLICATION]))
        named("device", device, dict.fromkeys(DEVICES))
        if suite == APPLICATION:
            asked = (names, data, kind, evaluator or [], store, results, device, clip_timeout)
            raise typer.Exit(run_application(*asked, errors))
        if evaluator:
            raise RunError("--evaluator is for --suite application")
        chosen_suite = SUITES[suite]
        with errors.status("reading the data set"):  # every file is hashed
            manifest = load_data(data, kind)
        for note in manifest.notes:
            errors.print(note, markup=False)
        with Team.of(names, device, workers, clip_timeout) as team:
            with errors.status("loading codecs"):
                codecs = team.codecs()
            if codecs.unknown:
                raise RunError(codecs.unknown)
            if not codecs.infos:
                tell(errors, codecs.missing)
                raise typer.Exit(MISSING)
            for line in team.unpaired(manifest):
                errors.print(line, markup=False)
            with Store(store) as opened:
                _compute(codecs.infos, manifest, chosen_suite, opened, team, errors)
                summaries = _written(codecs.infos, manifest, chosen_suite, opened, results, errors)
    except KeyboardInterrupt:
        errors.print("bench: stopped; what was finished is kept, the same command goes on from it")
        raise typer.Exit(INTERRUPTED) from None
    except (UnknownNameError, ManifestError, RunError, StoreError, OSError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    console().print(
        table(summaries, _paper_rows(summaries, chosen_suite, errors), chosen_suite, manifest.name)
    )
    if codecs.missing:
        tell(errors, codecs.missing)
        raise typer.Exit(MISSING)
    if any(summary.failures for summary in summaries):
        raise typer.Exit(SOME_FAILED)


def _compute(
    codecs: Sequence[CodecInfo],
    manifest: Manifest,
    suite: Suite,
    store: Store,
    team: Team,
    errors: Console,
) -> None:
    """Compute what the store lacks, and say what is going on."""
    with errors.status("measuring constant delays"):
        for line in measure_delays(codecs, store, team):
            errors.print(line, markup=False)
    plan = plan_run(codecs, manifest, suite, store)
    steps: list[Step] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=errors, transient=True, disable=not errors.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=len(plan.jobs))

        def show_start(job: Job) -> None:
            progress.update(task, description=f"{job.source.codec}  {job.clip.id}")

        def show_step(step: Step) -> None:
            steps.append(step)
            progress.update(task, advance=1)

        run(plan, store, team, show_start, show_step)
    n_failed = sum(step.n_failed for step in steps)
    n_new = n_failed + sum(step.n_scored for step in steps)
    n_kept = plan.n_kept + sum(step.n_kept for step in steps)
    failed = f"; {n_failed} failed, which the next run tries again" if n_failed else ""
    errors.print(f"{n_new} cells computed, {n_kept} were in {store.path}{failed}", markup=False)


def _written(
    codecs: Sequence[CodecInfo],
    manifest: Manifest,
    suite: Suite,
    store: Store,
    results: Path,
    errors: Console,
) -> list[Summary]:
    """Write the results of each codec and return its summary."""
    summaries = []
    for info in codecs:
        cells = gather(info, manifest, suite, store)
        summary = summarise(
            info,
            cells,
            suite,
            delay_of(info, store),
            codes_of(info, manifest, suite, store),
            info.name == coding.CEILING
            or store.certified(info.name, info.revision, VERIFY_VERSION),
        )
        certificate = store.certificate(info.name, info.revision)
        result = result_of(summary, cells, source_of(info, manifest, suite), certificate)
        try:
            path = write(result, results)
        except OSError as error:
            raise RunError(
                f"cannot write results to {results}: {(error.strerror or str(error)).lower()}; "
                f"all scores are in {store.path}, the same command writes them"
            ) from error
        errors.print(f"wrote {path}", markup=False)
        summaries.append(summary)
    return summaries


def _paper_rows(summaries: list[Summary], suite: Suite, errors: Console) -> list[PaperRow]:
    rows = []
    for summary in summaries:
        try:
            row = paper_row(summary.info, [score.name for score in suite.scores])
        except FileNotFoundError as error:
            errors.print(f"no rows of the paper: {error.filename} is not here", markup=False)
            return []
        if row is not None:
            rows.append(row)
    return rows
