"""What a claim is: a sentence of the paper, how it is read, and checks that compute.

A check is one comparison of cells. A claim holds if all of its checks do and fails where one
does; else it is undecided where an interval leaves a check open, and holds where measured, or is
not measured, where cells are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.report.claims.facts import Facts


class Outcome(StrEnum):
    """What came of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"  # the interval of the difference holds both
    MISSING = "not measured"


class Source(StrEnum):
    """What a claim is checked against."""

    PAPER = "paper's tables"
    COUNTS = "true counts"
    OURS = "our rows"


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        where: the cells, in a few words: score, bitrate, both sides with their values.
        outcome: what came of it.
    """

    where: str
    outcome: Outcome


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper.

    Attributes:
        name: identifier.
        section: of the paper that it stands in.
        quote: its words, shortened to the point.
        reading: what is compared with what.
        sources: that it can be checked against.
        checks: the predicate.
    """

    name: str
    section: str
    quote: str
    reading: str
    sources: tuple[Source, ...]
    checks: Callable[[Facts], Iterable[Check]]


@dataclass(frozen=True)
class Finding:
    """A claim's verdict from one source.

    Attributes:
        claim: which.
        source: from what.
        checks: all of them; none where the claim cannot be checked there.
    """

    claim: Claim
    source: Source
    checks: tuple[Check, ...]

    @property
    def applies(self) -> bool:
        """Whether this source can say anything of the claim."""
        return self.source in self.claim.sources

    def count(self, outcome: Outcome) -> int:
        """Checks with that outcome."""
        return sum(check.outcome is outcome for check in self.checks)

    @property
    def verdict(self) -> str:
        """In words, with the number of checks behind it.

        "holds", "fails (2 of 5)", "fails (1 of 5; 2 undecided, 1 not measured)",
        "undecided (1 of 5; 4 not measured)", "holds where measured (2 of 5)", "not measured", "-".
        """
        if not self.applies:
            return "-"
        if self.count(Outcome.FAILS):
            return self._counted(Outcome.FAILS, (Outcome.UNDECIDED, Outcome.MISSING))
        if self.count(Outcome.UNDECIDED):
            return self._counted(Outcome.UNDECIDED, (Outcome.MISSING,))
        n_holds = self.count(Outcome.HOLDS)
        if not n_holds:
            return str(Outcome.MISSING)
        if n_holds < len(self.checks):
            return f"holds where measured ({n_holds} of {len(self.checks)})"
        return str(Outcome.HOLDS)

    def _counted(self, outcome: Outcome, open_: Sequence[Outcome]) -> str:
        """The outcome with its checks, and those that are open: they must not pass for held."""
        rest = ", ".join(f"{n} {one}" for one in open_ if (n := self.count(one)))
        counts = f"{self.count(outcome)} of {len(self.checks)}" + (f"; {rest}" if rest else "")
        return f"{outcome} ({counts})"
