"""Verdicts as tables: on the screen, in Markdown, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.claims.judge import Judged
from bench.report.claims.model import Finding, Outcome
from bench.report.tables.markdown import escaped
from bench.report.tables.measured import Measured

_STYLES = {"holds": "green", "fails": "bold red"}
_MOST_CELLS = 8
_REMARK = (
    "How a sentence is read is our choice and stands with it. Differences of our rows count where "
    "their 95 % interval leaves out zero."
)


def table(
    judged: Sequence[Judged], measured: Measured | None = None, *, details: bool = True
) -> RenderableType:
    """For the screen: a row a claim, what ours are, and the cells in which a claim fails."""
    sources = [finding.source for finding in judged[0].findings] if judged else []
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("section", overflow="fold")
    shown.add_column("the paper says", overflow="fold")
    for source in sources:
        shown.add_column(source.value, overflow="fold")
    for one in judged:
        verdicts = [
            Text(finding.verdict, style=_STYLES.get(finding.verdict.split()[0], "dim"))
            for finding in one.findings
        ]
        shown.add_row(one.claim.section, f"“{one.claim.quote}”", *verdicts)
    lines = [Text(line) for line in _failures(judged)] if details else []
    remarks = [Text(line, style="dim") for line in (_REMARK, *_ours(measured))]
    return Group(shown, *remarks, *lines)


def _ours(measured: Measured | None) -> list[str]:
    """What our rows are: the data, and of each trained codec its weights."""
    if measured is None or not measured.data:
        return []
    lines = [f"Our rows: the {measured.data}; not the paper's data or weights."]
    for name, result in sorted(measured.signal.items()):
        if weights := result.codec["weights"]:
            lines.append(f"{name}, revision {result.codec['revision']}; weights: {weights}.")
    return lines


def _failures(judged: Sequence[Judged]) -> list[str]:
    lines = []
    for one in judged:
        for finding in one.findings:
            if cells := failing(finding):
                lines += [f"{one.claim.name}, {finding.source}, fails in:", *_most(cells)]
    return lines


def _most(cells: Sequence[str]) -> list[str]:
    rest = len(cells) - _MOST_CELLS
    more = [f"  and {rest} more: bench report lists them"] if rest > 0 else []
    return [f"  {cell}" for cell in cells[:_MOST_CELLS]] + more


def failing(finding: Finding) -> list[str]:
    """The cells in which a claim fails."""
    return [check.where for check in finding.checks if check.outcome is Outcome.FAILS]


def markdown(judged: Sequence[Judged], measured: Measured | None = None) -> str:
    """A file: the verdicts as a table, what ours are, then each claim and its failing cells."""
    sources = [finding.source.value for finding in judged[0].findings] if judged else []
    lines = [
        "# The paper's sentences, checked",
        "",
        f"| section | the paper says | {' | '.join(sources)} |",
        "|---|---|" + "---|" * len(sources),
    ]
    for one in judged:
        verdicts = " | ".join(escaped(finding.verdict) for finding in one.findings)
        quote = escaped(one.claim.quote)
        lines.append(f"| {escaped(one.claim.section)} | “{quote}” | {verdicts} |")
    lines += ["", _REMARK, ""]
    if ours := _ours(measured):
        lines += [*(f"- {escaped(line)}" for line in ours), ""]
    for one in judged:
        lines += [f"## {one.claim.name}", "", f"Read as: {escaped(one.claim.reading)}.", ""]
        for finding in one.findings:
            if not finding.applies:
                continue
            lines.append(f"- {finding.source.value}: {escaped(finding.verdict)}")
            lines += [f"  - {escaped(cell)}" for cell in failing(finding)]
        lines.append("")
    return "\n".join(lines)


def csv_text(judged: Sequence[Judged]) -> str:
    """A row for each check of each claim from each source."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["claim", "section", "quote", "reading", "source", "cells", "outcome"])
    for one in judged:
        claim = one.claim
        said = [claim.name, claim.section, claim.quote, claim.reading]
        for finding in one.findings:
            for check in finding.checks:
                writer.writerow([*said, finding.source.value, check.where, check.outcome.value])
    return text.getvalue()
