"""Definitions by name: ours, and those of which a user has made an environment.

Ours are the TOML files in ``defined/``. One of a third party is known by its path when its
environment is created, and from then on by its name, wherever `environment.made` has recorded
that path.
"""

from __future__ import annotations

from pathlib import Path

from bench.isolation.definition import Definition, DefinitionError, read_definition
from bench.isolation.environment import all_made
from bench.names import UnknownNameError

DEFINED = Path(__file__).parent / "defined"
SUFFIX = ".toml"

_LISTER = "bench env list"


def definition(name: str) -> Definition:
    """The definition of that name.

    Raises:
        UnknownNameError: there is none.
        DefinitionError: its file is gone or broken.
    """
    paths = definition_paths()
    if name not in paths:
        raise UnknownNameError("environment", name, paths, lister=_LISTER)
    return read_definition(paths[name])


def definition_to_create(argument: str) -> Definition:
    """The definition that `bench env create` is given, by name or by the path of its file.

    Raises:
        UnknownNameError: neither.
        DefinitionError: its file cannot be read or used, or has the name of one of ours.
    """
    if not argument.endswith(SUFFIX):
        return definition(argument)
    found = read_definition(Path(argument).expanduser())
    ours = DEFINED / f"{found.name}{SUFFIX}"
    if ours.is_file() and found.path != ours:
        raise DefinitionError(
            f"{found.path}: {found.name} is the name of one of ours: choose another"
        )
    return found


def definition_paths() -> dict[str, Path]:
    """The file of every definition, by name; that of a third party may be gone."""
    theirs = {found.name: Path(found.definition) for found in all_made()}
    return theirs | {path.stem: path for path in sorted(DEFINED.glob(f"*{SUFFIX}"))}


def definitions() -> list[Definition]:
    """All definitions that can be read, by name."""
    found = []
    for _, path in sorted(definition_paths().items()):
        try:
            found.append(read_definition(path))
        except DefinitionError:
            continue  # `bench env list` tells it
    return found
