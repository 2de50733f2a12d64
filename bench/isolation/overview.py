"""All environments, defined or left on disk, and the state that each is in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.isolation.definition import DefinitionError, read_definition
from bench.isolation.environment import (
    Environment,
    creation_argument,
    environments_folder,
    made,
    stale,
)
from bench.isolation.known import definition_paths

CREATED = "created"
NOT_CREATED = "not created"
STALE = "stale"
BROKEN = "broken"


@dataclass(frozen=True)
class State:
    """An environment.

    Attributes:
        name: its name.
        state: one of this module's four.
        text: what it is, or what is wrong with it and what to do, in a line.
        environment: what was made, if it was.
    """

    name: str
    state: str
    text: str
    environment: Environment | None = None


def states() -> list[State]:
    """Every environment by name; also what an attempt that was killed has left."""
    paths = definition_paths()
    folders = environments_folder()
    left = {path.name for path in folders.iterdir() if path.is_dir()} if folders.is_dir() else set()
    return [_state(name, paths.get(name)) for name in sorted({*paths, *left})]


def _state(name: str, path: Path | None) -> State:
    if path is None:
        text = f"left by an attempt that was ended: bench env remove {name}"
        return State(name, BROKEN, text)
    found = made(name)
    try:
        definition = read_definition(path)
    except DefinitionError as error:
        return State(name, BROKEN, str(error), found)
    if found is None:
        text = f"bench env create {creation_argument(definition)}"
        return State(name, NOT_CREATED, text)
    why = stale(definition, found)
    if why:
        text = f"it {why}: bench env create {creation_argument(definition)}"
        return State(name, STALE, text, found)
    return State(name, CREATED, definition.description or str(path), found)
