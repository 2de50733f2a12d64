"""A table in LaTeX with booktabs: an environment to \\input, and a document of several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.report.tables.markdown import interval_text
from bench.report.tables.model import ARROWS, Cell, Column, Table

# What LaTeX reads as markup, and the signs that its usual fonts lack.
_ESCAPES = {
    "--": "-{}-",
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"$^\dagger$",
    "✓": r"$\checkmark$",
    "\N{EN DASH}": "--",
    "±": r"$\pm$",
    "\N{TILDE OPERATOR}": r"$\sim$",
    "≤": r"$\leq$",
    "=": r"$=$",
    "“": "``",
    "”": "''",
}
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPES)))
_NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")
_NUMBERED = re.compile(r"^Table \d+\. ")
_NOT_IN_LABELS = re.compile(r"[^a-z0-9]+")


def render(table: Table, view: str) -> str:
    """The environment, to be read by \\input.

    Args:
        table: any.
        view: of it, which its label ends with.
    """
    label = _NOT_IN_LABELS.sub("-", f"{table.name}-{view}".lower())
    return _environment().get_template("table.tex.j2").render(table=table, label=label)


def document(names: Sequence[str]) -> str:
    """A document of the tables with these file names, without their suffix."""
    return _environment().get_template("document.tex.j2").render(names=names)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("bench.report.tables"),
        undefined=StrictUndefined,
        autoescape=False,  # it knows HTML alone; every value passes a filter of ours
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="((*",
        block_end_string="*))",
        variable_start_string="(((",
        variable_end_string=")))",
        comment_start_string="((=",
        comment_end_string="=))",
    )
    made.filters |= {
        "tex": escaped,
        "tex_cell": _cell,
        "tex_caption": _caption,
        "tex_heading": _heading,
    }
    return made


def escaped(text: str) -> str:
    """A text in which nothing is a command; a minus before a number is one."""
    plain = _SPECIAL.sub(lambda found: _ESCAPES[found[0]], " ".join(text.split()))
    return _NEGATIVE.sub("$-$", plain)


def _caption(title: str) -> str:
    """A title without its number, which LaTeX counts itself."""
    return escaped(_NUMBERED.sub("", title))


def _cell(cell: Cell, table: Table) -> str:
    if cell.reason:
        return rf"--\textsuperscript{{{table.footnotes[cell.reason]}}}"
    text = escaped(cell.text)
    if cell.bold:
        text = rf"\textbf{{{text}}}"
    # The brackets would be the optional length of the line break before them.
    small = [
        rf"\\{{\scriptsize {escaped(part)}}}"
        for part in (interval_text(cell, table), cell.remark)
        if part
    ]
    return rf"\shortstack[r]{{{text}{''.join(small)}}}" if small else text


def _heading(column: Column) -> str:
    arrow = escaped(ARROWS[column.better])
    unit = rf"\\({escaped(column.unit)})" if column.unit else ""
    return rf"\shortstack{{{escaped(column.label)}{arrow}{unit}}}"
