"""The `bench` command line: it parses and prints; the runner, the store and the report work."""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from bench import doctor, listing
from bench.ablate_cli import ablate_
from bench.application_cli import run_application
from bench.claims_cli import claims_
from bench.compare_cli import compare_
from bench.complexity_cli import complexity_
from bench.console import INTERRUPTED, MISSING, console, error_console, named, tell
from bench.datasets.manifest import ManifestError
from bench.devices import DEVICES
from bench.env_cli import env
from bench.hear_cli import hear_
from bench.merge_cli import merge_
from bench.names import UnknownNameError
from bench.options import EXECUTORS, LOCAL, RAY, CodecProcesses, RunOptions, part_of
from bench.report_cli import report_
from bench.reproduce_cli import reproduce_
from bench.show_cli import show
from bench.signal_cli import run_signal
from bench.store import DEFAULT_PATH, StoreError
from bench.suites import APPLICATION, SUITES
from bench.team import RunError
from bench.verify_cli import verify_

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("ablate")(ablate_)
app.command("claims")(claims_)
app.command("compare")(compare_)
app.command("complexity")(complexity_)
app.command("report")(report_)
app.command("reproduce")(reproduce_)
app.command("hear")(hear_)
app.command("merge")(merge_)
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
        int | None,
        typer.Option(
            min=1,
            help="Processes that compute metrics.",
            show_default="one a core; with Ray, one a shard",
        ),
    ] = None,
    codec_processes: CodecProcesses = None,
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
    executor: Annotated[
        str, typer.Option(help=f"Where the work is done: {', '.join(EXECUTORS)} (docs/cluster.md).")
    ] = LOCAL,
    address: Annotated[
        str | None,
        typer.Option(
            help='Of the Ray cluster: HOST:PORT, or "auto" for the one of this machine.',
            show_default="RAY_ADDRESS, or one is started here",
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help="I/N: of the clips, the I-th of N parts, for `bench merge`."),
    ] = None,
) -> None:
    """Score codecs on a data set, beside the untouched clips ("reference").

    Cells that the store has are not computed again; failed ones are tried again. Stopped in
    whatever way, the same command goes on from what is in the store.

    Exit status: 0 all clips scored; 1 some clips lack a score (they are listed); 2 something
    asked for is missing or cannot be used; 130 stopped by Ctrl-C (what was finished is kept).
    """
    errors = error_console()
    options = RunOptions(
        codecs=tuple(name.strip() for name in codec.split(",")),
        suite=suite,
        data=data,
        kind=kind,
        evaluators=tuple(evaluator or ()),
        store=store,
        results=results,
        workers=workers or (1 if executor == RAY else os.cpu_count() or 1),
        codec_processes=codec_processes,
        device=device,
        clip_timeout_s=clip_timeout,
        executor=executor,
        address=address or os.environ.get("RAY_ADDRESS"),
    )
    try:
        options = options if part is None else replace(options, part=part_of(part))
        named("suite", suite, dict.fromkeys([*SUITES, APPLICATION]))
        named("device", device, dict.fromkeys(DEVICES))
        named("executor", executor, dict.fromkeys(EXECUTORS))
        if address is not None and executor != RAY:  # the variable may be set for other work
            raise RunError(f"--address is for --executor {RAY}: without it, the run stays here")
        if executor == RAY and suite == APPLICATION:
            raise RunError("--executor ray spreads the signal suite alone: judge clips here")
        if executor == RAY and codec_processes:
            raise RunError("--codec-processes is for runs here: with Ray each shard has one")
        if part and suite == APPLICATION:
            raise RunError("--part is for the signal suite: scores of the other need all clips")
        if evaluator and suite != APPLICATION:
            raise RunError("--evaluator is for --suite application")
        run_suite = run_application if suite == APPLICATION else run_signal
        status = run_suite(options, errors)
    except KeyboardInterrupt:
        errors.print("bench: stopped; what was finished is kept, the same command goes on from it")
        raise typer.Exit(INTERRUPTED) from None
    except (UnknownNameError, ManifestError, RunError, StoreError, OSError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    raise typer.Exit(status)
