"""The application suite on the screen: a row a codec, the reference's among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.downstream.tasks import TASKS
from bench.report.application import ApplicationResult, TaskResult
from bench.stats import CONFIDENCE

_NONE = "-"
_MOST_FAILURES = 20


def application_table(results: Sequence[ApplicationResult]) -> RenderableType:
    """The scores of codecs on one data set, and what has to be known of them."""
    return Group(
        _scores(results),
        *map(Text, _remarks(results)),
        *_beside(results),
        *_failures(results),
    )


def _scores(results: Sequence[ApplicationResult]) -> Table:
    shown = _table(f"application suite on {results[0].dataset}")
    shown.add_column("codec", no_wrap=True)
    shown.add_column("bit/s", justify="right", no_wrap=True)
    mains = {task.task: main for task in results[0].tasks if (main := _main(task))}
    for task in TASKS.values():
        heading = task.display_name
        if main := mains.get(task.name):
            # Accuracies are called by their task.
            named = main["display_name"] == task.display_name
            heading += f"\n{_heading(main | {'display_name': 'acc'} if named else main)}"
        shown.add_column(heading, justify="right", no_wrap=True)
        shown.add_column("less\nreference", justify="right", no_wrap=True)
    for result in results:
        found = {task.task: _main(task) for task in result.tasks}
        cells: list[list[str]] = [[], [], []]
        for task in TASKS.values():
            main = found.get(task.name)
            for line, key in zip(cells, ("value", "low", "high"), strict=True):
                apart = main["difference"] if main else None
                is_reference = result.codec["name"] == "reference"
                line += [_number(main, key), _NONE if is_reference else _number(apart, key)]
        bitrate = result.measured_bitrate_bps
        bits = _NONE if bitrate is None else f"{bitrate:,.0f}"
        shown.add_row(Text(result.codec["name"], style="bold"), bits, *cells[0])
        shown.add_row(f"  {CONFIDENCE:.0%} from", "", *cells[1], style="dim")
        shown.add_row("      to", "", *cells[2], style="dim")
        shown.add_section()
    return shown


def _remarks(results: Sequence[ApplicationResult]) -> Iterator[str]:
    yield "less reference: the difference from the untouched clips, pair by pair."
    for part in results[0].tasks:
        task = TASKS[part.task]
        if part.unavailable:
            yield f"{task.display_name}: not run: {part.unavailable}"
            continue
        evaluator = part.evaluator or {}
        main = _main(part) or {}
        whose = "the paper's evaluator" if part.of_paper else "not the paper's evaluator"
        trials = f", {part.n_trials:,} trials" if part.n_trials else ""
        yield (
            f"{task.display_name}: {evaluator.get('name')} ({whose}; revision "
            f"{evaluator.get('revision')}) on {part.dataset}: {part.n_clips:,} clips{trials}; "
            f"score over {main.get('n', 0):,} {main.get('counted', '')}; "
            f"interval: {main.get('method')}"
        )
    for result in results:
        if result.codec.get("weights"):
            yield f"{result.codec['name']}: {result.codec['weights']}"


def _beside(results: Sequence[ApplicationResult]) -> list[Table]:
    """What stands beside the protocol's scores: a row a score, a column a codec."""
    rows: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for result in results:
        for part in result.tasks:
            for score in part.scores:
                if score["beside"]:
                    key = TASKS[part.task].display_name, f"{score['display_name']}"
                    rows[key][result.codec["name"]] = score
    if not rows:
        return []
    shown = _table("\nBeside the protocol's scores")
    shown.add_column("score")
    for result in results:
        shown.add_column(result.codec["name"], justify="right", no_wrap=True)
    for (task, name), by_codec in rows.items():
        unit = next(iter(by_codec.values()))
        cells = []
        for result in results:
            own = by_codec.get(result.codec["name"])
            value, low, high = (_number(own, key) for key in ("value", "low", "high"))
            cells.append(value if low == _NONE else f"{value}\n[{low}, {high}]")
        label = name if name.startswith(task) else f"{task}: {name}"
        shown.add_row(f"{label} {_arrow(unit)} {unit['unit']}".strip(), *cells)
    return [shown]


def _failures(results: Sequence[ApplicationResult]) -> list[Text]:
    lines = [
        f"  {TASKS[part.task].display_name}, {result.codec['name']}: {failure.n_clips} "
        f"{'clip' if failure.n_clips == 1 else 'clips'}: {failure.reason}"
        for result in results
        for part in result.tasks
        for failure in part.failures
    ]
    if len(lines) > _MOST_FAILURES:
        rest = len(lines) - _MOST_FAILURES
        lines[_MOST_FAILURES:] = [f"  and {rest} more, in the JSON of each codec"]
    return [Text("Failed, by reason:", style="bold red"), *map(Text, lines)] if lines else []


def _main(part: TaskResult) -> dict[str, Any] | None:
    """The protocol's score of a task; None where it was not run."""
    return part.scores[0] if part.scores else None


def _table(title: str) -> Table:
    return Table(
        title=title, box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False
    )


def _heading(score: dict[str, Any]) -> str:
    return f"{score['display_name']} {_arrow(score)} {score['unit']}".strip()


def _arrow(score: dict[str, Any]) -> str:
    return "↑" if score["higher_is_better"] else "↓"


def _number(found: dict[str, Any] | None, key: str) -> str:
    value = None if found is None else found[key]
    return _NONE if value is None else f"{value:.2f}"
