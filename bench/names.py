"""Names that a user types: what is said of one that nothing is called by."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 40  # a codec's neighbours fit; a data set has thousands of clips


class UnknownNameError(ValueError):
    """Nothing of a kind has that name; the message says which are near and which are known.

    Args:
        kind: what was looked for, such as "codec".
        name: what was typed.
        known: the names that there are.
        unlisted: more of them, which are suggested where they are near, and not listed.
    """

    def __init__(
        self, kind: str, name: str, known: Iterable[str], unlisted: Iterable[str] = ()
    ) -> None:
        known = list(known)
        near = difflib.get_close_matches(name, [*known, *unlisted], n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        shown = ", ".join(known[:_MOST_SHOWN])
        rest = len(known) - _MOST_SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        super().__init__(f"no {kind} is called {name!r}; {hint}available: {shown}{more}")
