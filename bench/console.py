"""What the commands share: consoles, exit statuses, names that have to be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from rich.console import Console

from bench.names import UnknownNameError

T = TypeVar("T")

SOME_FAILED = 1
MISSING = 2
INTERRUPTED = 130
# Without a terminal there is no width to keep to; the signal suite's table needs this much.
_FILE_WIDTH = 120


def console() -> Console:
    """Where results are printed: standard output, wide if it is no terminal."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=_FILE_WIDTH)


def error_console() -> Console:
    """Where all else is said: standard error, a line staying a line."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def tell(errors: Console, lines: Iterable[object]) -> None:
    """Say what went wrong, a line each."""
    for line in lines:
        errors.print(f"bench: {line}", style="red", markup=False)


def named(kind: str, name: str, known: Mapping[str, T]) -> T:
    """What is known by that name. Raises UnknownNameError, which suggests the nearest."""
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]
