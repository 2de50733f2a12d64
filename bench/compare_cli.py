"""`bench compare`: two codecs on the same clips; parses and prints, `bench.report` compares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bench.console import MISSING, console, error_console, named, tell
from bench.names import UnknownNameError
from bench.report.paired import NotComparableError
from bench.report.results import Result
from bench.report.stored import StoredResultError, main_data, read_results
from bench.suites import APPLICATION, SUITES


def compare_(
    first: Annotated[str, typer.Argument(help="A codec with results.", metavar="A")],
    second: Annotated[str, typer.Argument(help="Another one.", metavar="B")],
    suite: Annotated[str, typer.Option(help="Of what scores: signal or application.")] = "signal",
    data: Annotated[
        str | None, typer.Option(help="The data set.", show_default="that of most codecs")
    ] = None,
    clips: Annotated[
        int, typer.Option(min=0, help="Clips to show at either end of each score.")
    ] = 3,
    results: Annotated[Path, typer.Option(help="Where results are.")] = Path("results"),
) -> None:
    """Compare two codecs clip by clip: differences with intervals, best and worst clips.

    Exit status: 0 compared; 2 a codec has no results, or the two are not comparable.
    """
    from bench.report.comparison import compared, comparison, task_comparison  # scipy: a second
    from bench.report.task_comparison import task_differences

    errors = error_console()
    try:
        named("suite", suite, dict.fromkeys([*SUITES, APPLICATION]))
        if suite == APPLICATION:
            dataset, differences = task_differences(results, first, second, data)
            console().print(task_comparison((first, second), dataset, differences, clips))
            return
        found = read_results(results, suite)
        if not found:
            raise NotComparableError(f"no results of the {suite} suite in {results}: bench run")
        stored = _of_data(found, data)
        one, other = _named(first, stored), _named(second, stored)
        console().print(comparison(one, other, compared(one, other), clips))
    except (UnknownNameError, NotComparableError, StoredResultError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None


def _of_data(stored: Sequence[Result], data: str | None) -> dict[str, Result]:
    """Results by codec, of one data set."""
    known = dict.fromkeys(result.dataset for result in stored)
    if data is not None and data not in known:
        raise UnknownNameError("data set with results", data, known)
    chosen = main_data(stored, data)
    return {str(result.codec["name"]): result for result in chosen}


def _named(name: str, stored: dict[str, Result]) -> Result:
    if name not in stored:
        raise UnknownNameError("codec with results", name, stored)
    return stored[name]
