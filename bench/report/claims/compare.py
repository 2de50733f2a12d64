"""Checks that several claims share: ahead of rivals, times less, first or last of a group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from bench.report.claims.facts import MULTI_QUANTIZER, Facts
from bench.report.claims.model import Check, Outcome
from bench.report.palette import family_of
from bench.report.tables.frame import APPLICATION_SCORES, SIGNAL_SCORES
from bench.report.tables.model import Row

SIGNAL = tuple(column.key for column in SIGNAL_SCORES)
APPLICATION = tuple(column.key for column in APPLICATION_SCORES)
TABLE_OF = dict.fromkeys(SIGNAL, 1) | dict.fromkeys(APPLICATION, 2)
COST = ("macs_g", "params_m")

ULTRA_LOW = ("≤1k",)
LOW = ("≤1k", "1.5k", "3k")
HIGH = ("6k", "12k", "24k")


def ahead(
    facts: Facts,
    columns: Sequence[str],
    rivals: Collection[str],
    groups: Collection[str] | None = None,
    *,
    tie: bool = False,
) -> Iterator[Check]:
    """Each SQCodec is better than each rival of its bitrate.

    Args:
        facts: of one source.
        columns: keys of Table 1's or Table 2's.
        rivals: families, as `bench.report.palette` calls them.
        groups: bitrates; None for all.
        tie: whether it is enough to be as good.
    """
    for key in columns:
        table = TABLE_OF.get(key, 1)
        for group, own, others in facts.groups(table):
            if groups is not None and group not in groups:
                continue
            for mine in own:
                for rival in others:
                    if family_of(rival.key).key in rivals:
                        yield _lead(facts, table, mine, rival, key, tie=tie)


def times_less(
    facts: Facts, columns: Sequence[str], rivals: Collection[str], times: float
) -> Iterator[Check]:
    """Each SQCodec has at most one in `times` of what each rival of its bitrate has."""
    for key in columns:
        column = facts.column(1, key)
        for group, own, others in facts.groups(1):
            for mine in own:
                for rival in (row for row in others if family_of(row.key).key in rivals):
                    less, more = (facts.cell(1, row, key).value for row in (mine, rival))
                    if less is None or more is None:
                        yield Check(_where(facts, 1, mine, rival, key, group), Outcome.MISSING)
                        continue
                    where = (
                        f"{column.label} {group}: {rival.label} / {mine.label} = {more / less:.1f}"
                    )
                    yield Check(where, _outcome(more >= times * less))


def first_of_group(
    facts: Facts, columns: Sequence[str], groups: Collection[str] | None = None
) -> Iterator[Check]:
    """The better SQCodec of each bitrate is ahead of every other model there."""
    for table, key, group, own, others in _pitted(facts, columns, groups, None):
        mine, best = (_ordered(facts, table, rows, key)[0] for rows in (own, others))
        outcome = _all([_lead(facts, table, mine, rival, key).outcome for rival in others])
        outcome = _of_better(outcome, facts, table, own, key)
        yield Check(_where(facts, table, mine, best, key, group), outcome)


def not_last_of_group(
    facts: Facts, columns: Sequence[str], groups: Collection[str] | None = None
) -> Iterator[Check]:
    """The better SQCodec of each bitrate is no worse than one multi-quantizer codec there."""
    for table, key, group, own, others in _pitted(facts, columns, groups, MULTI_QUANTIZER):
        mine, last = _ordered(facts, table, own, key)[0], _ordered(facts, table, others, key)[-1]
        outcome = _any(
            [_lead(facts, table, mine, rival, key, tie=True).outcome for rival in others]
        )
        outcome = _of_better(outcome, facts, table, own, key)
        yield Check(_where(facts, table, mine, last, key, group), outcome)


def at_least(number: int, checks: Sequence[Check], where: str) -> Check:
    """One check of several: that many of them hold."""
    outcomes = [check.outcome for check in checks]
    where = f"{where} {outcomes.count(Outcome.HOLDS)} of {len(outcomes)}"
    if outcomes.count(Outcome.HOLDS) >= number:
        return Check(where, Outcome.HOLDS)
    if len(outcomes) - outcomes.count(Outcome.FAILS) < number:
        return Check(where, Outcome.FAILS)
    missing = Outcome.MISSING in outcomes
    return Check(where, Outcome.MISSING if missing else Outcome.UNDECIDED)


def most(checks: Sequence[Check], where: str) -> Check:
    """One check of several: more than half of them hold."""
    return at_least(len(checks) // 2 + 1, checks, where)


def _pitted(
    facts: Facts,
    columns: Sequence[str],
    groups: Collection[str] | None,
    rivals: Collection[str] | None,
) -> Iterator[tuple[int, str, str, list[Row], list[Row]]]:
    """Table, column, bitrate, SQCodecs and their rivals, wherever there are any."""
    for key in columns:
        table = TABLE_OF.get(key, 1)
        for group, own, others in facts.groups(table):
            against = [r for r in others if rivals is None or family_of(r.key).key in rivals]
            if own and against and (groups is None or group in groups):
                yield table, key, group, own, against


def _of_better(outcome: Outcome, facts: Facts, table: int, own: Sequence[Row], key: str) -> Outcome:
    """That of the better SQCodec: where one fails and another has no value, it is not known."""
    known = all(facts.cell(table, row, key).value is not None for row in own)
    return outcome if known or outcome is not Outcome.FAILS else Outcome.MISSING


def _lead(facts: Facts, table: int, mine: Row, rival: Row, key: str, *, tie: bool = False) -> Check:
    """Whether one row is better than another in a column."""
    sign = 1 if facts.column(table, key).better == "higher" else -1
    found = facts.difference(table, mine, rival, key)
    where = _where(facts, table, mine, rival, key)
    if found.reason:
        return Check(where, Outcome.MISSING)
    low, high = sorted((sign * found.low, sign * found.high))
    if low > 0 or (tie and low >= 0):
        return Check(where, Outcome.HOLDS)
    if high < 0 or (high <= 0 and not tie):
        return Check(where, Outcome.FAILS)
    return Check(where, Outcome.UNDECIDED)


def _ordered(facts: Facts, table: int, rows: Sequence[Row], key: str) -> list[Row]:
    """The rows that have a value, best first; all of them as they come where none has."""
    sign = 1 if facts.column(table, key).better == "higher" else -1
    values = [(facts.cell(table, row, key).value, row) for row in rows]
    valued = [(sign * value, row) for value, row in values if value is not None]
    ordered = sorted(valued, key=lambda pair: -pair[0])
    return [row for _, row in ordered] or list(rows)


def _where(
    facts: Facts, table: int, mine: Row, rival: Row, key: str, group: str | None = None
) -> str:
    if group is None:
        group = next(name for name, own, _ in facts.groups(table) if mine in own)
    sides = [f"{row.label} {_value(facts, table, row, key)}" for row in (mine, rival)]
    return f"{facts.column(table, key).label} {group}: {', '.join(sides)}"


def _value(facts: Facts, table: int, row: Row, key: str) -> str:
    return facts.cell(table, row, key).text or "not measured"


def _outcome(holds: bool) -> Outcome:
    return Outcome.HOLDS if holds else Outcome.FAILS


def _all(outcomes: list[Outcome]) -> Outcome:
    """One that fails decides; else one that is missing or undecided does."""
    for outcome in (Outcome.FAILS, Outcome.MISSING, Outcome.UNDECIDED):
        if outcome in outcomes:
            return outcome
    return Outcome.HOLDS


def _any(outcomes: list[Outcome]) -> Outcome:
    """One that holds decides; else one that is missing or undecided does."""
    for outcome in (Outcome.HOLDS, Outcome.MISSING, Outcome.UNDECIDED):
        if outcome in outcomes:
            return outcome
    return Outcome.FAILS
