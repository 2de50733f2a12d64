"""Names that a user types: what is said of one that nothing is called by."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 10  # a data set has thousands of clips


class UnknownNameError(ValueError):
    """Nothing of a kind has that name; the message says which are near and which are known.

    Args:
        kind: what was looked for, such as "codec".
        name: what was typed.
        known: the names that there are.
        unlisted: more of them, which are suggested where they are near, and not listed.
        lister: the command that lists the known ones, in their stead.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        unlisted: Iterable[str] = (),
        lister: str = "",
    ) -> None:
        known = list(known)
        near = difflib.get_close_matches(name, [*known, *unlisted], n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        rest = len(known) - _MOST_SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        shown = f"available: {', '.join(known[:_MOST_SHOWN])}{more}"
        if lister:
            shown = f"`{lister}` lists all"
        super().__init__(f"no {kind} is called {name!r}; {hint}{shown}")
