"""`bench claims`: the paper's own sentences against its tables, the true counts and our rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.console import MISSING, console, error_console, named, tell
from bench.names import UnknownNameError
from bench.report.stored import StoredResultError


def claims_(
    claim: Annotated[
        str | None, typer.Option(help="Only these claims, by name, separated by commas.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Where results are.")] = Path("results"),
    data: Annotated[
        str | None,
        typer.Option(help="The data set of our rows.", show_default="that of most codecs"),
    ] = None,
) -> None:
    """Check the paper's own sentences: each holds, fails in named cells, or is not measured.

    Exit status: 0 all were checked, whatever came of it; 2 there are no numbers to check with.
    """
    from bench.report.claims import shown
    from bench.report.claims.judge import CLAIMS, judge
    from bench.report.tables import write

    errors = error_console()
    try:
        known = {one.name: one for one in CLAIMS}
        names = list(known) if claim is None else [name.strip() for name in claim.split(",")]
        chosen = [named("claim", name, known) for name in dict.fromkeys(names)]
        views, measured = write.of_all(results, {}, data)
        found = judge(views["paper"], views["ours"], measured, chosen)
    except (UnknownNameError, StoredResultError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    console().print(shown.table(found, measured))
