"""Ours of Tables 4 and 5: what the networks here are, and what their weights were trained on."""

from __future__ import annotations

from bench.report.tables.frame import TABLE_4, TABLE_5, TITLES
from bench.report.tables.measured import NOT_COUNTED, Measured
from bench.report.tables.model import Cell, Column, Group, Row, Table, shown
from bench.report.tables.paper import NO, YES, numbers

HERE = "trained here"
ABLATION_ROW = "ablations"

_NOT_EXPORTED = "not exported: sqcodec configurations"
_NO_WEIGHTS = "no weights trained here"
_HOURS_UNKNOWN = "its weights do not say how much they heard"
_DATA_UNKNOWN = "its weights do not say what they were trained on"
_PUBLISHED = "no weights trained here: published ones are as the paper's table says"
_ABLATION_PREFIX = "sqcodec-6k-"
_WHOLE = "sqcodec-6k"


def training_data_table(paper: Table, measured: Measured) -> Table:
    """Ours of Table 4: the paper's data sets, then what the weights here were trained on."""
    with_weights = {
        name: one["weights"] for name, one in measured.configurations.items() if one["weights"]
    }
    packages = list(
        dict.fromkeys(package for one in with_weights.values() for package in one["packages"])
    )
    others = tuple(Cell(reason=_PUBLISHED) for _ in TABLE_4[1:])

    def own(used: bool) -> Cell:
        if not measured.configurations:
            return Cell(reason=_NOT_EXPORTED)
        if not with_weights:
            return Cell(reason=_NO_WEIGHTS)
        return Cell(YES if used else NO) if packages else Cell(reason=_DATA_UNKNOWN)

    groups = tuple(
        Group(
            group.name,
            tuple(
                Row(row.label, row.key, (own(row.key in packages), *others)) for row in group.rows
            ),
        )
        for group in paper.groups
    )
    listed = {row.key for row in paper.rows()}
    rows = tuple(
        Row(package, package, (own(True), *others)) for package in packages if package not in listed
    )
    if rows:
        groups = (*groups, Group(HERE, rows))
    notes = (
        f"{YES} used in training.",
        *(f"{name}: {one['description']}." for name, one in with_weights.items()),
    )
    return Table(paper.name, TITLES[paper.name], "Dataset", TABLE_4, groups, notes)


def configurations_table(paper: Table, measured: Measured) -> Table:
    """Ours of Table 5: counted from the networks, with the hours that the weights here heard."""
    groups = []
    for group in paper.groups:
        rows = []
        for row in group.rows:
            cell = _ablations if row.key == ABLATION_ROW else _preset
            cells = tuple(cell(row.key, column, measured) for column in TABLE_5)
            rows.append(Row(row.label, row.key, cells))
        groups.append(Group(group.name, tuple(rows)))
    notes = (
        "Codebook levels: of the FSQ. Training hours: audio that the weights here heard.",
        "MACs: on 10 s of audio, counted here as the paper's counter does; parameters: counted.",
    )
    return Table(paper.name, TITLES[paper.name], "Model", TABLE_5, tuple(groups), notes)


def _preset(codec: str, column: Column, measured: Measured) -> Cell:
    if column.key == "macs_g":
        counted = measured.counted.get(codec)
        if counted is None:
            return Cell(reason=NOT_COUNTED)
        return Cell(shown(counted.paper_gmacs, column.decimals), counted.paper_gmacs)
    one = measured.configurations.get(codec)
    if one is None:
        return Cell(reason=_NOT_EXPORTED)
    if column.key == "nominal_bitrate":
        return Cell(shown(one["bitrate_bps"], 0), one["bitrate_bps"])
    if column.key == "params_m":
        params_m = one["n_parameters"] / 1e6
        return Cell(shown(params_m, column.decimals), params_m)
    if column.key == "training_hours":
        if not one["weights"]:
            return Cell(reason=_NO_WEIGHTS)
        hours = one["weights"]["hours_heard"]
        if hours is None:
            return Cell(reason=_HOURS_UNKNOWN)
        return Cell(shown(hours, column.decimals), hours)
    return Cell(numbers(one[column.key]))


def _ablations(_: str, column: Column, measured: Measured) -> Cell:
    """The row of all variants: the whole model's value, and how far they lie from it."""
    names = [name for name in measured.configurations if name.startswith(_ABLATION_PREFIX)]
    whole = measured.configurations.get(_WHOLE)
    if whole is None or not names:
        return Cell(reason=_NOT_EXPORTED)
    if column.key == "macs_g":
        counted = [measured.counted.get(name) for name in (_WHOLE, *names)]
        known = [one.paper_gmacs for one in counted if one is not None]
        if len(known) < len(counted):
            return Cell(reason=NOT_COUNTED)
        return _around(known, column)
    if column.key == "params_m":
        of_all = [measured.configurations[name] for name in (_WHOLE, *names)]
        return _around([one["n_parameters"] / 1e6 for one in of_all], column)
    if column.key == "window_sizes":
        windows = [measured.configurations[name]["window_sizes"][0] for name in (_WHOLE, *names)]
        return Cell(f"{min(windows)}\N{TILDE OPERATOR}{max(windows)}")
    if column.key == "training_hours":
        trained = [name for name in names if measured.configurations[name]["weights"]]
        return Cell(reason=_HOURS_UNKNOWN if trained else _NO_WEIGHTS)
    return _preset(_WHOLE, column, measured)


def _around(values: list[float], column: Column) -> Cell:
    """The first of some values, and the largest distance of another from it."""
    distance = max(abs(value - values[0]) for value in values)
    first = shown(values[0], column.decimals)
    return Cell(f"{first}±{shown(distance, column.decimals)}")
