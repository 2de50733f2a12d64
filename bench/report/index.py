"""The index of a report: what it consists of, of what data, and what it could not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report.figures import Drawn
from bench.report.tables.markdown import escaped
from bench.report.tables.model import Table

COMMAND = "bench report"


def markdown(
    out: Path,
    views: Mapping[str, Sequence[Table]],
    data: str,
    drawn: Sequence[Drawn],
    ablations: Mapping[str, Table],
) -> str:
    """The text of ``README.md`` in the folder `out`.

    Args:
        out: where the report is.
        views: of the tables.
        data: what our rows were measured on, in words; "" where nothing was measured.
        drawn: the figures, those included that could not be drawn.
        ablations: that were trained here, by name.
    """
    if "ours" not in views:
        measured = "The paper's numbers alone."
    else:
        measured = f"Ours: {data}." if data else "Nothing of the signal suite is stored."
    lines = [
        "# Reports",
        "",
        f"Made by `{COMMAND}` from `results/` alone: the same results give the same bytes "
        "([docs/reports.md](../docs/reports.md)). " + measured,
        "",
        f"| table | {' | '.join(views)} |",
        "|---|" + "---|" * len(views),
    ]
    for number, table in enumerate(next(iter(views.values()))):
        links = []
        for view, tables in views.items():
            name = tables[number].name
            folder = f"tables/{view}/{name}"
            links.append(f"[md]({folder}.md), [csv]({folder}.csv), [tex]({folder}.tex)")
        lines.append(f"| {escaped(table.title)} | {' | '.join(links)} |")
    for name, table in ablations.items():
        links = [f"[{kind}](ablation/{name}.{kind})" for kind in ("md", "csv", "tex")]
        if name == next(iter(ablations)):
            lines += ["", "| trained here, a table apart | |", "|---|---|"]
        lines.append(f"| {escaped(table.title)} | {', '.join(links)} |")
    lines += ["", "The paper's sentences, checked: [claims.md](claims.md), [csv](claims.csv).", ""]
    if drawn:
        lines += ["| figure | |", "|---|---|"]
    for figure in drawn:
        paths = [path.relative_to(out).as_posix() for path in figure.files]
        files = ", ".join(f"[{Path(path).suffix[1:]}]({path})" for path in paths)
        lines.append(f"| {escaped(figure.caption)} | {files or escaped(figure.reason)} |")
    return "\n".join(lines).rstrip() + "\n"
