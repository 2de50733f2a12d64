"""Ours of Tables 1 and 2: the paper's rows and groups, with what was measured here in them.

Codecs that the paper lacks stand in the group of their bitrate, or in a last one. Beside the
paper's columns stand the multiplications in full, clips, failures and certification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.bubbles import has_network
from bench.report.results import Result, ScoreResult
from bench.report.tables import application, best
from bench.report.tables.application import Tasks
from bench.report.tables.frame import SIGNAL_SCORES, TABLE_1, TABLE_2, TITLES
from bench.report.tables.measured import (
    NO_NETWORK,
    NOT_COUNTED,
    Measured,
    certification,
)
from bench.report.tables.model import Cell, Column, Group, Row, Table, number, shown
from bench.suites import SIGNAL

BESIDE = (
    Column("full_macs_g", "MACs in full", "G", "lower"),
    Column("n_clips", "Clips", decimals=0),
    Column("n_failed", "Failed", decimals=0),
    Column("certified", "Certified", number=False),
)
NOT_IN_PAPER = "at no bitrate of the paper"

_EXACT_SDR_DB = 200.0  # one sample of a second off in its last bit leaves about 190 dB
_EXACT = "exact: some clips come back exactly, whose SDR is rounding, so that its mean is none"
_NO_CODEBOOKS = "has no codebooks"
_INTERVALS = "[...]: 95 % bootstrap interval; speakers (groups of clips) are drawn."
_MACS = (
    "MACs: on 10 s of audio, as the paper's counter has them, and in full, every product as the "
    "codec runs here (docs/complexity.md)."
)


def signal_table(paper: Table, measured: Measured) -> Table:
    """Ours of Table 1, with the rows of `paper`."""
    columns = (*TABLE_1, *BESIDE)
    results = measured.signal
    groups = _grouped(paper, list(results.values()))
    winners = _best(
        {
            name: [results[codec] for codec in labels if codec in results]
            for name, labels in groups
            if name != NOT_IN_PAPER  # there is none among different bitrates
        }
    )
    return Table(
        paper.name,
        TITLES[paper.name],
        "Model",
        columns,
        tuple(
            Group(
                name,
                tuple(
                    _row(
                        codec,
                        label,
                        columns,
                        {
                            **_of_network(codec, measured),
                            **_scored(codec, measured, winners.get(name, {})),
                        },
                        _stands_for(codec, measured),
                    )
                    for codec, label in labels.items()
                ),
            )
            for name, labels in groups
        ),
        _signal_notes(measured),
    )


def application_table(paper: Table, measured: Measured, tasks: Tasks) -> Table:
    """Ours of Table 2, with the rows of `paper`."""
    columns = (*TABLE_2, *BESIDE)
    nominal_bps = {codec: one.bitrate_bps for codec, one in tasks.codecs.items()}
    rows = []
    for name, labels in _grouped_by(paper, nominal_bps):
        members = []
        for codec, label in labels.items():
            cells = _of_network(codec, measured)
            cells |= application.cells(codec, tasks, measured)
            members.append(_row(codec, label, columns, cells, tasks.stands_for(codec)))
        rows.append(Group(name, tuple(members)))
    notes = (*application.notes(tasks), _MACS)
    return Table(paper.name, TITLES[paper.name], "Model", columns, tuple(rows), notes)


def _row(
    codec: str, label: str, columns: Sequence[Column], cells: dict[str, Cell], remark: str
) -> Row:
    return Row(label, codec, tuple(cells[column.key] for column in columns), remark=remark)


def _grouped(paper: Table, results: Sequence[Result]) -> list[tuple[str, dict[str, str]]]:
    nominal = {str(one.codec["name"]): one.codec["bitrate_bps"] for one in results}
    return _grouped_by(
        paper,
        {
            codec: float(bitrate_bps) if bitrate_bps is not None else None
            for codec, bitrate_bps in nominal.items()
        },
    )


def _grouped_by(
    paper: Table, nominal_bps: dict[str, float | None]
) -> list[tuple[str, dict[str, str]]]:
    """Groups with the label of each codec in them: the paper's rows, then others of the rate."""
    bitrate = next(n for n, column in enumerate(paper.columns) if column.key == "bitrate_bps")
    in_paper = {row.key for row in paper.rows()}
    left = {codec: bps for codec, bps in nominal_bps.items() if codec not in in_paper}
    groups = []
    for group in paper.groups:
        rates = {row.cells[bitrate].value for row in group.rows}
        labels = {row.key: f"{row.label} {row.cells[bitrate].text}" for row in group.rows}
        joining = sorted(codec for codec, bps in left.items() if bps in rates)
        labels |= {codec: codec for codec in joining}
        left = {codec: bps for codec, bps in left.items() if codec not in joining}
        groups.append((group.name, labels))
    if left:
        ordered = sorted(left, key=lambda codec: (left[codec] or float("inf"), codec))
        groups.append((NOT_IN_PAPER, {codec: codec for codec in ordered}))
    return groups


def _best(groups: Mapping[str, Sequence[Result]]) -> dict[str, dict[str, str | None]]:
    """Group -> score -> the codec that may be called the best."""
    found: dict[str, dict[str, str | None]] = {name: {} for name in groups}
    for score in SIGNAL.scores:  # one after the other: the intervals of each share their draws
        for name, group in groups.items():
            found[name][score.name] = best.best_of(group, score)
    return found


def _of_network(codec: str, measured: Measured) -> dict[str, Cell]:
    """Multiplications, parameters, certification: what needs no score."""
    counted = measured.counted.get(codec)
    columns = {column.key: column for column in (*TABLE_1, *BESIDE)}
    cells = {}
    for key in ("macs_g", "params_m", "full_macs_g"):
        if counted is None:
            absent = NOT_COUNTED if has_network(codec) else NO_NETWORK
            cells[key] = Cell(reason=absent)
            continue
        values = {
            "macs_g": counted.paper_gmacs,
            "params_m": counted.params_m,
            "full_macs_g": counted.full_gmacs,
        }
        cells[key] = number(values[key], columns[key])
    return cells


def _scored(codec: str, measured: Measured, winners: dict[str, str | None]) -> dict[str, Cell]:
    result = measured.signal.get(codec)
    if result is None:
        why = Cell(reason=measured.why_not_run(codec))
        keys = [column.key for column in SIGNAL_SCORES]
        return dict.fromkeys(
            [*keys, "bitrate_bps", "n_quantizers", "n_clips", "n_failed", "certified"], why
        )
    scores = {score.name: score for score in result.scores}
    cells = {
        column.key: score_cell(
            result, scores.get(column.key), column, bold=winners.get(column.key) == codec
        )
        for column in SIGNAL_SCORES
    }
    bitrate_bps, n_codebooks = result.measured_bitrate_bps, result.codec["n_codebooks"]
    cells["bitrate_bps"] = (
        Cell(reason="no clip went through the codec")
        if bitrate_bps is None
        else Cell(shown(bitrate_bps, 0), bitrate_bps)
    )
    cells["n_quantizers"] = (
        Cell(str(n_codebooks), float(n_codebooks)) if n_codebooks else Cell(reason=_NO_CODEBOOKS)
    )
    cells["n_clips"] = Cell(str(result.n_clips), result.n_clips)
    cells["n_failed"] = Cell(str(result.n_clips_failed), result.n_clips_failed)
    cells["certified"] = certification(codec, str(result.codec["revision"]), measured)
    return cells


def score_cell(
    result: Result, score: ScoreResult | None, column: Column, *, bold: bool = False
) -> Cell:
    """A score with its interval, or why it has none."""
    if score is None:
        return Cell(reason="the data set has no clips that it is scored on")
    if score.mean is None:
        reasons = sorted(result.failures, key=lambda one: (-one.n_cells, one.reason))
        why = f", most often: {reasons[0].reason}" if reasons else ""
        return Cell(reason=f"all {score.n_clips} clips failed{why}")
    if score.metric == "sdr" and _has_exact(result, score):
        return Cell("exact")
    text = shown(score.mean, column.decimals)
    return Cell(text, score.mean, score.low, score.high, bold)


def _has_exact(result: Result, score: ScoreResult) -> bool:
    kinds = next(one.kinds for one in SIGNAL.scores if one.name == score.name)
    return any(
        clip.kind in kinds and clip.values.get(score.metric, 0.0) > _EXACT_SDR_DB
        for clip in result.clips
    )


def _stands_for(codec: str, measured: Measured) -> str:
    """What a row is of: revision, clips, certification, weights."""
    result = measured.signal.get(codec)
    if result is None:
        return ""
    certified = certification(codec, str(result.codec["revision"]), measured)
    said = {
        "yes": "certified",
        "is the clip": "the clip itself",
        "no: a check failed": "not certified: a check failed",
    }
    remarks = [
        f"no interval of {score.name}: {score.no_interval_because}"
        for score in result.scores
        if score.mean is not None and score.low is None
    ]
    if any(score.metric == "sdr" and _has_exact(result, score) for score in result.scores):
        remarks.append(_EXACT)
    return "; ".join(
        (
            f"{codec}, revision {result.codec['revision']}",
            f"{result.n_clips} clips of {result.dataset}, {result.n_clips_failed} failed",
            said.get(certified.text) or certified.reason.partition(":")[0],
            f"weights: {result.codec['weights'] or 'none needed'}",
            *remarks,
        )
    )


def _signal_notes(measured: Measured) -> tuple[str, ...]:
    notes = []
    if not measured.signal:
        notes.append("Nothing of the signal suite is stored: bench run fills this table.")
    else:
        notes.append(f"Measured here on the {measured.data}; not the paper's data or weights.")
    if measured.others:
        names = ", ".join(measured.others)
        notes.append(f"Results on other data are not in this table: {names} (--data NAME).")
    notes += [_INTERVALS, best.NOTE, _MACS]
    return tuple(notes)
