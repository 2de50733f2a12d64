"""What claims are checked against: tables of the same rows and columns, from three sources.

The paper's tables; the same with the true counts in place of its multiplications and
parameters; our rows. A difference of two cells has an interval where cells have one: that of
the clips' paired differences where clips are stored, the sum of both intervals otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bench.report.paired import NotComparableError, difference
from bench.report.palette import family_of
from bench.report.results import Result
from bench.report.tables.measured import NOT_COUNTED, Counted
from bench.report.tables.model import Cell, Column, Group, Row, Table, number
from bench.suites import SIGNAL

MULTI_QUANTIZER = ("encodec", "dac-16k", "dac-24k")

_SIGNAL = {score.name: score for score in SIGNAL.scores}


@dataclass(frozen=True)
class Difference:
    """First less second; where `reason` says why there is none, the numbers mean nothing."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Facts:
    """One source.

    Attributes:
        tables: by their number, 1 to 4, with the paper's rows and columns.
        counted: what was counted here, by codec; empty for the paper's own tables.
        results: with clips, by codec; empty for the paper's.
    """

    tables: Mapping[int, Table]
    counted: Mapping[str, Counted] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], Difference] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def groups(self, table: int) -> Iterator[tuple[str, list[Row], list[Row]]]:
        """Of Table 1 or 2: the bitrate, SQCodec's rows, all others of the paper."""
        for group in self.tables[table].groups:
            own = [row for row in group.rows if family_of(row.key).key == "sqcodec"]
            others = [row for row in group.rows if row not in own]
            yield group.name, own, others

    def column(self, table: int, key: str) -> Column:
        """A column by its key."""
        return next(column for column in self.tables[table].columns if column.key == key)

    def cell(self, table: int, row: Row, key: str) -> Cell:
        """The cell of a row."""
        keys = [column.key for column in self.tables[table].columns]
        return row.cells[keys.index(key)]

    def row(self, table: int, key: str) -> Row:
        """The row that is matched by that key."""
        return next(row for row in self.tables[table].rows() if row.key == key)

    def difference(self, table: int, first: Row, second: Row, key: str) -> Difference:
        """Of two rows in a column."""
        mine, theirs = self.cell(table, first, key), self.cell(table, second, key)
        for cell in (mine, theirs):
            if cell.value is None:
                return Difference(reason=cell.reason or f"no number: {cell.text}")
        assert mine.value is not None
        assert theirs.value is not None
        value = mine.value - theirs.value
        if key in _SIGNAL and {first.key, second.key} <= self.results.keys():
            asked = (first.key, second.key, key)
            if asked not in self._known:  # several claims ask for the same one
                self._known[asked] = self._paired(*asked)
            return self._known[asked]
        low = _first(mine.low, mine.value) - _first(theirs.high, theirs.value)
        high = _first(mine.high, mine.value) - _first(theirs.low, theirs.value)
        return Difference(value, low, high)

    def _paired(self, first: str, second: str, key: str) -> Difference:
        try:
            interval = difference(self.results[first], self.results[second], _SIGNAL[key])
        except NotComparableError as error:
            return Difference(reason=str(error))
        if interval.low is None or interval.high is None:
            return Difference(reason=interval.reason)
        return Difference(interval.mean, interval.low, interval.high)


def of_paper(tables: tuple[Table, ...]) -> Facts:
    """The paper's own numbers."""
    return Facts(_numbered(tables))


def of_counts(tables: tuple[Table, ...], counted: Mapping[str, Counted]) -> Facts:
    """The paper's numbers, with what was counted here for its multiplications and parameters."""
    numbered = _numbered(tables)
    return Facts({name: _with_counts(table, counted) for name, table in numbered.items()}, counted)


def of_ours(
    published: tuple[Table, ...],
    ours: tuple[Table, ...],
    counted: Mapping[str, Counted],
    results: Mapping[str, Result],
) -> Facts:
    """What was measured here, of the paper's rows alone: its claims are on no others."""
    tables = tuple(_only(own, paper) for own, paper in zip(ours, published, strict=True))
    return Facts(_numbered(tables), counted, results)


def _only(ours: Table, paper: Table) -> Table:
    keys = {row.key for row in paper.rows()}
    groups = (
        Group(group.name, tuple(row for row in group.rows if row.key in keys))
        for group in ours.groups
    )
    return replace(ours, groups=tuple(group for group in groups if group.rows))


def _numbered(tables: tuple[Table, ...]) -> dict[int, Table]:
    return dict(enumerate(tables, start=1))


def _with_counts(table: Table, counted: Mapping[str, Counted]) -> Table:
    places = {column.key: place for place, column in enumerate(table.columns)}

    def row(old: Row) -> Row:
        cells, found = list(old.cells), counted.get(old.key)
        for key in ("macs_g", "params_m"):
            if key not in places:
                continue
            place = places[key]
            if found is None:
                cells[place] = Cell(reason=NOT_COUNTED)
            else:
                value = found.full_gmacs if key == "macs_g" else found.params_m
                cells[place] = number(value, table.columns[place])
        return replace(old, cells=tuple(cells))

    groups = tuple(Group(group.name, tuple(map(row, group.rows))) for group in table.groups)
    return replace(table, groups=groups)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
