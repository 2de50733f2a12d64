"""Ours of Table 3: the whole model's scores, and each variant's paired difference from them."""

from __future__ import annotations

from bench.report.paired import NotComparableError, difference
from bench.report.tables.application import NOT_RUN, Tasks
from bench.report.tables.frame import ABLATIONS, APPLICATION_SCORES, TABLE_3, TITLES
from bench.report.tables.measured import Measured
from bench.report.tables.model import Cell, Column, Group, Row, Table, shown
from bench.report.tables.scores import score_cell
from bench.suites import SIGNAL

WHOLE = ABLATIONS["SQCodec (6kbps)"]
NO_PERCEPTUAL_LOSS = ABLATIONS["w/o Perceptual Loss"]

_NO_VARIANT = "no such codec here: it takes a training without the perceptual loss"
_NO_CONFIGURATION = "not exported: sqcodec configurations"
_NOTE = (
    "Rows below the first: difference from it, clip by clip where both were scored; [...]: 95 % "
    "bootstrap interval of the paired difference."
)
_TASKS = frozenset(column.key for column in APPLICATION_SCORES)
_SCORES = {score.name: score for score in SIGNAL.scores}


def ablation_table(paper: Table, measured: Measured, tasks: Tasks) -> Table:
    """Ours, with the rows of `paper`."""
    groups = tuple(
        Group(group.name, tuple(_row(row, measured, tasks) for row in group.rows))
        for group in paper.groups
    )
    return Table(paper.name, TITLES[paper.name], "Model", TABLE_3, groups, (_NOTE,))


def _row(row: Row, measured: Measured, tasks: Tasks) -> Row:
    cells = tuple(_cell(row.key, column, measured, tasks) for column in TABLE_3)
    result = measured.signal.get(row.key)
    remark = f"weights: {result.codec['weights']}" if result else ""
    return Row(row.label, row.key, cells, remark=remark)


def _cell(codec: str, column: Column, measured: Measured, tasks: Tasks) -> Cell:
    if column.key == "receptive_field_s":
        return _receptive_field(codec, measured)
    if codec == NO_PERCEPTUAL_LOSS and codec not in {**measured.signal, **tasks.codecs}:
        return Cell(reason=_NO_VARIANT)
    if column.key in _TASKS:
        return _task(codec, column, measured, tasks)
    mine, whole = measured.signal.get(codec), measured.signal.get(WHOLE)
    if mine is None:
        return Cell(reason=measured.why_not_run(codec))
    if codec == WHOLE:
        scores = {score.name: score for score in mine.scores}
        return score_cell(mine, scores.get(column.key), column)
    if whole is None:
        return Cell(reason=f"{WHOLE}, which it is compared with, has no score")
    try:
        interval = difference(mine, whole, _SCORES[column.key])
    except NotComparableError as error:
        return Cell(reason=str(error))
    if interval.n_clips == interval.n_failed:
        return Cell(reason="no clip has a score of both")
    text = _signed(interval.mean, column.decimals)
    return Cell(text, interval.mean, interval.low, interval.high)


def _task(codec: str, column: Column, measured: Measured, tasks: Tasks) -> Cell:
    """A score of the application suite, or the difference of two, without an interval."""
    mine, whole = (
        one.score(column.key) if (one := tasks.codecs.get(name)) else None
        for name in (codec, WHOLE)
    )
    if mine is None:
        return Cell(reason=measured.unavailable.get(codec) or NOT_RUN)
    if codec == WHOLE or mine.value is None:
        return mine
    if whole is None or whole.value is None:
        return Cell(reason=f"{WHOLE}, which it is compared with, has no score")
    difference = mine.value - whole.value
    return Cell(_signed(difference, column.decimals), difference)


def _receptive_field(codec: str, measured: Measured) -> Cell:
    # The loss changes nothing of the network, so that row's is the whole model's.
    found = measured.configurations.get(WHOLE if codec == NO_PERCEPTUAL_LOSS else codec)
    if found is None:
        return Cell(reason=_NO_CONFIGURATION)
    seconds = float(found["receptive_field_s"])
    return Cell(f"{seconds:.3f}s", seconds)


def _signed(value: float, decimals: int) -> str:
    text = shown(value, decimals)
    return text if text.startswith("-") or float(text) == 0 else f"+{text}"
