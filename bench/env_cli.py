"""`bench env`: environments for codecs and evaluators that cannot live beside ours."""

from __future__ import annotations

from typing import Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from bench.console import MISSING, console, error_console, tell
from bench.isolation import environment
from bench.isolation.definition import DefinitionError
from bench.isolation.environment import CreationError, environments_folder, made, stale
from bench.isolation.known import definition_to_create
from bench.isolation.overview import CREATED, NOT_CREATED, states
from bench.names import UnknownNameError

env = typer.Typer(
    no_args_is_help=True,
    help="Make, list and remove environments for what cannot live beside bench.",
)


@env.command("create")
def create_(
    name: Annotated[str, typer.Argument(help="Of `bench env list`, or a definition's .toml file.")],
) -> None:
    """Make an environment, with pip and what pip is configured to use.

    Exit status: 0 it is there; 2 it cannot be made.
    """
    errors = error_console()
    try:
        definition = definition_to_create(name)
        found = made(definition.name)
        if (
            found is not None
            and found.definition == str(definition.path)
            and not stale(definition, found)
        ):
            console().print(f"{definition.name} is there already: {found.interpreter}")
            return
        with errors.status(f"making {definition.name}: {len(definition.requirements)} packages"):
            found = environment.create(definition)
    except CreationError as error:
        for line in error.lines:
            errors.print(line, style="dim", markup=False)
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    except (UnknownNameError, DefinitionError, OSError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    said = f"Python {found.python}, {len(found.versions)} packages, {found.interpreter}"
    console().print(f"{found.name} is made: {said}", soft_wrap=True, markup=False)


@env.command("list")
def list_() -> None:
    """List the environments that are defined, and whether they are created, stale or broken."""
    shown = Table(title=str(environments_folder()), box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("environment", "state", "python", "packages"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("what it is, or what to do", overflow="fold")
    styles = {CREATED: "green", NOT_CREATED: "dim"}
    for one in states():
        found = one.environment
        shown.add_row(
            Text(one.name, style="bold"),
            Text(one.state, style=styles.get(one.state, "yellow")),
            "" if found is None else found.python,
            "" if found is None else str(len(found.versions)),
            Text(one.text),
        )
    console().print(shown)


@env.command("remove")
def remove_(name: Annotated[str, typer.Argument(help="Of `bench env list`.")]) -> None:
    """Remove an environment, or what an attempt at one has left.

    Exit status: 0 it is gone; 2 there is none.
    """
    errors = error_console()
    known = {one.name: one.state for one in states()}
    try:
        if name not in known:
            raise UnknownNameError("environment", name, known, lister="bench env list")
        if not environment.remove(name):
            raise CreationError(f"the environment {name} was not created: nothing to remove")
    except (UnknownNameError, CreationError, OSError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    console().print(f"{name} is removed", markup=False)
