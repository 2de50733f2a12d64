"""`bench merge`: it parses and prints; `bench.merge` works."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bench.console import MISSING, SOME_FAILED, console, error_console, tell

_MOST_NAMED = 20  # conflicts of a table; how many there are is always told


def merge_(
    stores: Annotated[list[Path], typer.Argument(help="Stores, the first having the last word.")],
    into: Annotated[Path, typer.Option(help="The new store.")],
) -> None:
    """Make one store of several, of several machines, say.

    Where two have different values under one key, the first one's is kept and the conflict
    told; a value takes the place of a failure. The stores themselves are only read.

    Exit status: 0 all is in the new store; 1 so it is, and there were conflicts; 2 nothing is
    written: one is no store, or there is something at --into.
    """
    from bench.merge import merge
    from bench.store import StoreError

    errors = error_console()
    try:
        with errors.status("merging"):
            merged = merge(stores, into)
    except StoreError as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    for store, n_taken in zip(stores, merged.n_taken, strict=True):
        errors.print(f"{store}: {n_taken} cells taken", markup=False)
    said = f"wrote {into}: {merged.n_cells} cells"
    console().print(said, markup=False, soft_wrap=True)
    if not merged.conflicts:
        return
    for table, count in Counter(conflict.table for conflict in merged.conflicts).items():
        tell(errors, [f"{table}: {count} of one key and different values; the first's are kept"])
        of_table = [conflict for conflict in merged.conflicts if conflict.table == table]
        for one in of_table[:_MOST_NAMED]:
            line = f"  {one.key}: kept {one.kept}, {one.store} has {one.other}"
            errors.print(line, markup=False)
        if count > _MOST_NAMED:
            errors.print(f"  and {count - _MOST_NAMED} more", markup=False)
    raise typer.Exit(SOME_FAILED)
