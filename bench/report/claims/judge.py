"""A verdict for every claim from every source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report.claims import cost, design, quality
from bench.report.claims.facts import Facts, of_counts, of_ours, of_paper
from bench.report.claims.model import Claim, Finding, Source
from bench.report.tables import paper
from bench.report.tables.measured import Measured
from bench.report.tables.model import Table

CLAIMS: tuple[Claim, ...] = (*quality.CLAIMS, *cost.CLAIMS, *design.CLAIMS)


@dataclass(frozen=True)
class Judged:
    """A claim with what each source says of it."""

    claim: Claim
    findings: tuple[Finding, ...]


def judge_paper(results: Path, claims: Sequence[Claim] = CLAIMS) -> list[Judged]:
    """Check the claims against the paper's own tables alone.

    Raises:
        StoredResultError: the paper's numbers are missing or damaged.
    """
    return _judged({Source.PAPER: of_paper(paper.tables(results))}, claims)


def judge(
    published: tuple[Table, ...],
    ours: tuple[Table, ...],
    measured: Measured,
    claims: Sequence[Claim] = CLAIMS,
) -> list[Judged]:
    """Check the claims against all three sources.

    Args:
        published: the paper's five tables.
        ours: of the same rows.
        measured: what they were made of.
        claims: which.
    """
    facts = {
        Source.PAPER: of_paper(published),
        Source.COUNTS: of_counts(published, measured.counted),
        Source.OURS: of_ours(published, ours, measured.counted, measured.signal),
    }
    return _judged(facts, claims)


def _judged(facts: dict[Source, Facts], claims: Sequence[Claim]) -> list[Judged]:
    return [
        Judged(
            claim,
            tuple(
                Finding(
                    claim,
                    source,
                    tuple(claim.checks(found)) if source in claim.sources else (),
                )
                for source, found in facts.items()
            ),
        )
        for claim in claims
    ]
