"""A table in GitHub's Markdown: groups are headed by their names, intervals below the means."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.report.tables.model import Cell, Table

NONE = "\N{EN DASH}"

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def render(table: Table) -> str:
    """The text of the file."""
    return _environment().get_template("table.md.j2").render(table=table)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("bench.report.tables"),
        undefined=StrictUndefined,
        autoescape=False,  # it knows HTML alone; every value passes a filter of ours
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"md": escaped, "md_cell": _cell}
    return made


def escaped(text: str) -> str:
    """A text in which nothing is markup; it stays in its line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _cell(cell: Cell, table: Table) -> str:
    if cell.reason:
        return f"{NONE}<sup>{table.footnotes[cell.reason]}</sup>"
    text = escaped(cell.text)
    if cell.bold:
        text = f"**{text}**"
    interval, remark = escaped(interval_text(cell, table)), escaped(cell.remark)
    return "<br>".join(part for part in (text, interval, remark and f"*{remark}*") if part)


def interval_text(cell: Cell, table: Table) -> str:
    """ "[4.29, 5.31]", with as many decimals as the cell's own text; "" without an interval."""
    if cell.low is None or cell.high is None:
        return ""
    decimals = len(cell.text.partition(".")[2])
    return f"[{cell.low:.{decimals}f}, {cell.high:.{decimals}f}]"
