"""`bench report`: every table, claim and figure from stored results; it parses and prints."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.console import MISSING, error_console, tell

if TYPE_CHECKING:
    from bench.report.figures import Drawn


class From(StrEnum):
    """What a report is made of."""

    ALL = "all"
    PAPER = "paper"


def report_(
    source: Annotated[
        From, typer.Option("--from", help="All that is stored, or the paper's numbers alone.")
    ] = From.ALL,
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("reports"),
    results: Annotated[Path, typer.Option(help="Where results are.")] = Path("results"),
    data: Annotated[
        str | None,
        typer.Option(help="The data set of our rows.", show_default="that of most codecs"),
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw the figures, too.")] = True,
    site: Annotated[
        bool, typer.Option("--site", help="Write the site, too: site/index.html, opened from disk.")
    ] = False,
) -> None:
    """Write the paper's tables with its numbers, ours and both; its claims, checked; figures.

    Exit status: 0 all is written; 2 a stored result is damaged, or the folder cannot be written.
    """
    from bench.names import UnknownNameError
    from bench.report.site import NotASiteError
    from bench.report.stored import StoredResultError

    errors = error_console()
    if site and source is From.PAPER:
        tell(errors, ["--site shows what was measured here: it does not go with --from paper"])
        raise typer.Exit(MISSING)
    try:
        with errors.status("making the report"):
            n_files, drawn = _write(source, out, results, data, figures, site)
    except (StoredResultError, UnknownNameError, NotASiteError) as error:
        tell(errors, [error])
        raise typer.Exit(MISSING) from None
    except OSError as error:
        tell(errors, [f"cannot write the report to {out}: {error}"])
        raise typer.Exit(MISSING) from None
    for figure in drawn:
        if figure.reason:
            errors.print(f"no {figure.name}: {figure.reason}", markup=False)
    errors.print(f"wrote {n_files} files to {out}", markup=False)


def _write(
    source: From, out: Path, results: Path, data: str | None, figures: bool, site: bool
) -> tuple[int, Sequence[Drawn]]:
    """Write everything; nothing is written before all that is stored has been read."""
    from bench.report import ablation, index
    from bench.report.claims import shown
    from bench.report.claims.judge import judge, judge_paper
    from bench.report.files import replace_text
    from bench.report.tables import write

    if source is From.PAPER:
        views, measured, said = write.of_paper(results), None, ""
        judged = judge_paper(results)
    else:
        views, measured = write.of_all(results, _unavailable(), data)
        said = measured.data
        judged = judge(views["paper"], views["ours"], measured)
    trained = {} if source is From.PAPER else ablation.stored(results)
    files = write.write(views, out)
    for name, (_, table) in trained.items():
        files += ablation.write_table(table, out / ablation.FOLDER, name)
    files.append(replace_text(out / "claims.md", shown.markdown(judged, measured)))
    files.append(replace_text(out / "claims.csv", shown.csv_text(judged)))
    drawn: Sequence[Drawn] = ()
    if figures:
        from bench.report.figures import draw

        drawn = draw(out / "figures", results, source is From.PAPER, data)
        files += [path for figure in drawn for path in figure.files]
    text = index.markdown(out, views, said, drawn, {n: table for n, (_, table) in trained.items()})
    if site:
        from bench.report.site import write_site

        first = write_site(out / "site", results, data)
        files += [path for path in first.parent.rglob("*") if path.is_file()]
        text += "\nThe leaderboard, a plot, the application suite and a listening room: "
        text += "[site](site/index.html), opened from disk.\n"
    files.append(replace_text(out / "README.md", text))
    return len(files), drawn


def _unavailable() -> dict[str, str]:
    """Why codecs cannot run here, by name, without the paths of this machine."""
    from bench import registry

    return {card.name: card.missing.partition(":")[0] for card in registry.cards() if card.missing}
