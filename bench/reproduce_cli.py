"""`bench reproduce`: it prints; `bench.rerun` computes, `bench.reproduce` compares."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.console import INTERRUPTED, MISSING, console, error_console, tell
from bench.datasets.manifest import ManifestError
from bench.names import UnknownNameError
from bench.options import CodecProcesses
from bench.report.reproduction import listed, reproduction_json, verdict
from bench.reproduce import (
    Comparison,
    Difference,
    compared,
    inputs_that_differ,
    surroundings_that_differ,
)
from bench.run_record import COMPLETED, RunRecord, RunRecordError, read_record
from bench.scratch import scratch_folder
from bench.store import StoreError
from bench.team import RunError
from bench.tolerances import ToleranceError, given

DIFFERENT = 1


def reproduce_(
    manifest: Annotated[Path, typer.Argument(help="A file that bench run wrote.")],
    data: Annotated[
        str | None,
        typer.Option(help="Where the data set lies here.", show_default="as the manifest says"),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Where cells are kept; those that it has are not computed again, nor checked.",
            show_default="a new one, removed at the end",
        ),
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            help="How far numbers may differ: NUMBER of all, METRIC=NUMBER of one; repeatable.",
            show_default="0 where all that decides them is the same",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Compute nothing where an input differs.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that was found as JSON.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that compute metrics.", show_default="one a core")
    ] = os.cpu_count() or 1,
    codec_processes: CodecProcesses = None,
) -> None:
    """Run again what a manifest says, and tell cell by cell what differs.

    Data, codecs, metrics and evaluators that differ are told first; then all is computed.

    Exit status: 0 nothing differs; 1 an input or a cell does; 2 it cannot be done: the manifest
    is none, data, a codec or an evaluator is missing, or --tolerance names no metric of it; 130
    stopped by Ctrl-C.
    """
    from bench.rerun import CannotReproduceError, rerun  # what evaluators stand on takes a second

    errors = error_console()
    try:
        record = read_record(manifest)
        tolerances = given(tolerance or [], record.metrics)
        _introduce(record, errors)
        with (
            scratch_folder() as scratch,
            rerun(
                record, data, store or scratch / "store.sqlite", workers, codec_processes, errors
            ) as prepared,
        ):
            inputs = inputs_that_differ(record, prepared.here)
            around = surroundings_that_differ(record, prepared.here)
            _tell_before(inputs, around, errors)
            comparisons = None
            if not (strict and inputs):
                done = prepared.compute()
                comparisons = compared(
                    record, prepared.here, done.parts, tolerances, done.was_there
                )
    except KeyboardInterrupt:
        kept = f"what was finished is in {store}" if store else "--store keeps what was finished"
        errors.print(f"bench: stopped; {kept}", markup=False)
        raise typer.Exit(INTERRUPTED) from None
    except CannotReproduceError as error:
        tell(errors, error.lines)
        raise typer.Exit(MISSING) from None
    except (
        RunRecordError,
        UnknownNameError,
        ManifestError,
        RunError,
        StoreError,
        OSError,
        ToleranceError,
    ) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    _tell_after(manifest, record, inputs, around, comparisons, errors, as_json)
    if inputs or comparisons is None or any(one.different for one in comparisons):
        raise typer.Exit(DIFFERENT)


def _introduce(record: RunRecord, errors: Console) -> None:
    n_codecs, n_cells = len(record.codecs), record.n_cells
    errors.print(
        f"{record.asked.command}: {n_cells:,} cells of {n_codecs} codecs, {record.started_at}",
        markup=False,
    )
    if record.ended != COMPLETED:
        errors.print(
            f"the run was {record.ended}: only what it came to is done again", markup=False
        )
    for line in record.missing:
        errors.print(f"not in the run: {line}", markup=False)


def _tell_before(
    inputs: Sequence[Difference], around: Sequence[Difference], errors: Console
) -> None:
    """Say what differs before time is spent on computing."""
    for line in listed(around, "versions and settings"):
        errors.print(f"for information: {line}", markup=False)
    for line in listed(inputs, "inputs"):
        errors.print(f"differs: {line}", style="bold red", markup=False)


def _tell_after(
    manifest: Path,
    record: RunRecord,
    inputs: Sequence[Difference],
    around: Sequence[Difference],
    comparisons: Sequence[Comparison] | None,
    errors: Console,
    as_json: bool,
) -> None:
    if as_json:
        found = reproduction_json(manifest, inputs, around, comparisons)
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
    elif comparisons is not None:
        console().print(verdict(record, inputs, comparisons))
    if comparisons is None:
        errors.print("nothing was computed (--strict)")
