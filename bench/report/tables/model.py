"""A table as data: columns, groups of rows, cells and remarks; no format of any file.

A cell without a value has a reason: an empty one cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Better = Literal["higher", "lower"]

ARROWS: dict[Better | None, str] = {"higher": "↑", "lower": "↓", None: ""}


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: identifier, as the columns of ``results/paper``.
        label: as the paper heads it.
        unit: in brackets below the label; "" for none.
        better: which way is better, None where the paper has no arrow.
        decimals: that a number of ours is shown with.
        number: whether cells hold numbers (right-aligned, with a difference).
    """

    key: str
    label: str
    unit: str = ""
    better: Better | None = None
    decimals: int = 2
    number: bool = True

    @property
    def heading(self) -> str:
        """Label, arrow and unit."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.label}{ARROWS[self.better]}{unit}"


@dataclass(frozen=True)
class Cell:
    """A value as it is shown, or the reason why there is none.

    Attributes:
        text: as shown; "" where there is a reason.
        value: the number behind it, if it is one.
        low, high: its 95 % interval, where there is one.
        bold: best of its group.
        reason: why there is no value; "" where there is one.
        remark: what has to be known of the value, shown with it; "" for nothing.
    """

    text: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bold: bool = False
    reason: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        if bool(self.text) == bool(self.reason):
            raise ValueError(
                f"expected a text or the reason why there is none, got {self.text!r} and "
                f"{self.reason!r}"
            )


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        label: the model or whatever else heads it.
        key: what it is matched by across views: a codec's name, or the label.
        cells: one a column.
        source: "paper", "ours" or "difference"; shown where a table has several.
        remark: what its numbers stand for (data, weights), in a line; "" for none.
    """

    label: str
    key: str
    cells: tuple[Cell, ...]
    source: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that belong together, such as those of one bitrate; a rule parts it from the next."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: of its files.
        title: in a line.
        label: heads the first column.
        columns: after the label.
        groups: of rows.
        notes: below the table, a line each.
    """

    name: str
    title: str
    label: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows():
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.name}: expected {len(self.columns)} cells in row {row.label!r}, got "
                    f"{len(row.cells)}"
                )

    def rows(self) -> Iterator[Row]:
        """All rows, group by group."""
        for group in self.groups:
            yield from group.rows

    @property
    def has_sources(self) -> bool:
        """Whether rows have to say whose they are."""
        return any(row.source for row in self.rows())

    def remarks(self) -> tuple[str, ...]:
        """What its rows stand for, a line each, in their order."""
        return tuple(dict.fromkeys(row.remark for row in self.rows() if row.remark))

    @cached_property
    def footnotes(self) -> dict[str, str]:
        """Reason -> the letter that stands for it, in the order of the cells; a, b, ... aa."""
        reasons = dict.fromkeys(cell.reason for row in self.rows() for cell in row.cells)
        return {
            reason: _letters(number)
            for number, reason in enumerate(reason for reason in reasons if reason)
        }


def number(value: float, column: Column) -> Cell:
    """A cell of a number, with the decimals of its column."""
    return Cell(shown(value, column.decimals), value)


def shown(value: float, decimals: int) -> str:
    """A number with that many decimals; what rounds to nothing has no sign."""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _letters(number: int) -> str:
    """0 -> a, 25 -> z, 26 -> aa."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
