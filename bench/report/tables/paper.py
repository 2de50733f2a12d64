"""The paper's tables as it prints them, digit for digit, from ``results/paper``.

Source: SQCodec paper, Tables 1 to 5.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path

from bench.report.palette import codec_of
from bench.report.stored import StoredResultError
from bench.report.tables.frame import (
    ABLATIONS,
    AT_24_KHZ,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TITLES,
    bitrate_text,
    model_text,
)
from bench.report.tables.model import Cell, Column, Group, Row, Table

SOURCE = "Source: the SQCodec paper's {table}: its authors' data, weights and figures."
_NO_BEST = "The paper prints no intervals, so nothing is marked as the best."

YES, NO = "✓", "no"

Fields = dict[str, str]


def tables(results: Path) -> tuple[Table, ...]:
    """All five.

    Args:
        results: the folder that has ``paper/``.

    Raises:
        StoredResultError: one of its files is missing or damaged.
    """
    paper = results / "paper"
    return (
        _read(paper, "table1-signal", lambda rows: _scores("table1-signal", rows, TABLE_1)),
        _read(
            paper, "table2-application", lambda rows: _scores("table2-application", rows, TABLE_2)
        ),
        _read(paper, "table3-ablation", _ablation),
        _read(paper, "table4-training-data", _training_data),
        _read(paper, "table5-configurations", _configurations),
    )


def _read(folder: Path, name: str, build: Callable[[list[Fields]], Table]) -> Table:
    path = folder / f"{name}.csv"
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        if not rows:
            raise ValueError("it has no rows")
        return build(rows)
    except FileNotFoundError:
        raise StoredResultError(f"{path}: the paper's numbers are not here") from None
    except KeyError as error:
        raise StoredResultError(f"{path}: column {error} is missing") from error
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise StoredResultError(f"{path}: no table that can be read: {error}") from error


def _scores(name: str, rows: list[Fields], columns: tuple[Column, ...]) -> Table:
    """Table 1 or 2."""

    def row(fields: Fields) -> Row:
        bitrate_bps, rate = float(fields["bitrate_bps"]), int(fields["input_sample_rate_hz"])
        shown = {"bitrate_bps": Cell(bitrate_text(bitrate_bps), bitrate_bps)}
        return Row(
            label=model_text(fields["model"], rate),
            key=codec_of(fields["model"], rate, bitrate_bps),
            cells=tuple(
                shown.get(column.key) or _printed(fields[column.key], column) for column in columns
            ),
        )

    groups = groupby(rows, lambda fields: fields["bitrate_group"])
    notes = (AT_24_KHZ, "MACs: on 10 s of audio, as the paper counts them.", _NO_BEST)
    return Table(
        name,
        TITLES[name],
        "Model",
        columns,
        tuple(
            Group(group.replace("<=", "≤"), tuple(map(row, members))) for group, members in groups
        ),
        _notes(name, notes),
    )


def _ablation(rows: list[Fields]) -> Table:
    name = "table3-ablation"
    groups: dict[str, list[Row]] = {}
    for fields in rows:
        variant = fields["variant"]
        cells = tuple(_printed(fields[column.key], column) for column in TABLE_3)
        # The paper's rules: the windows stand with the whole model, the modules and losses apart.
        kind = "loss" if "Loss" in variant else "modules" if "w/o" in variant else "windows"
        groups.setdefault(kind, []).append(Row(variant, ABLATIONS[variant], cells))
    return Table(
        name,
        TITLES[name],
        "Model",
        TABLE_3,
        tuple(Group(kind, tuple(members)) for kind, members in groups.items()),
        _notes(name, ("Rows below the first: difference from it.", _NO_BEST)),
    )


def _training_data(rows: list[Fields]) -> Table:
    name = "table4-training-data"
    marks = {"yes": YES, "no": NO}
    speech = ("Common Voice", "LibriSpeech (LibriTTS)", "DNS Challenge", "VCTK", "DAPS")
    music = ("MTG-Jamendo", "MUSDB")

    def kind(fields: Fields) -> str:
        known = {"speech": speech, "music": music}
        return next((kind for kind, names in known.items() if fields["dataset"] in names), "audio")

    def row(fields: Fields) -> Row:
        cells = tuple(Cell(marks[fields[column.key]]) for column in TABLE_4)
        return Row(fields["dataset"], fields["dataset"], cells)

    return Table(
        name,
        TITLES[name],
        "Dataset",
        TABLE_4,
        tuple(Group(kind, tuple(map(row, members))) for kind, members in groupby(rows, kind)),
        _notes(name, (f"{YES} used in training.",)),
    )


def _configurations(rows: list[Fields]) -> Table:
    name = "table5-configurations"

    def row(fields: Fields) -> Row:
        model, rate = fields["model"], int(fields["sample_rate_hz"])
        bitrate_bps = float(fields["nominal_bitrate"])
        own = {
            "nominal_bitrate": Cell(bitrate_text(bitrate_bps), bitrate_bps),
            **{
                column: Cell(numbers(fields[column].split()))
                for column in ("encoder_rates", "decoder_rates", "window_sizes", "fsq_levels")
            },
        }
        codec = codec_of(model, rate, bitrate_bps) if model == "SQCodec" else "ablations"
        return Row(
            label=f"{model} 24k" if rate == 24_000 else model,
            key=codec,
            cells=tuple(
                own.get(column.key) or _printed(fields[column.key], column) for column in TABLE_5
            ),
        )

    def part(fields: Fields) -> str:
        return "models" if fields["model"] == "SQCodec" else "ablation"

    groups = tuple(Group(kind, tuple(map(row, members))) for kind, members in groupby(rows, part))
    notes = (
        "Codebook levels: of the FSQ. Training hours: audio that the model processed.",
        "MACs: on 10 s of audio, as the paper counts them.",
    )
    return Table(name, TITLES[name], "Model", TABLE_5, groups, _notes(name, notes))


def numbers(values: Sequence[object]) -> str:
    """Several as "(6, 5, 3)", a single one as "400"; a range as the paper prints it."""
    texts = [str(value).replace("~", "\N{TILDE OPERATOR}") for value in values]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _printed(text: str, column: Column) -> Cell:
    """A cell with the paper's own digits; ranges such as "19.98±0.24" have no single value."""
    try:
        value = float(text)
    except ValueError:
        return Cell(text)
    unit = "s" if column.key == "receptive_field_s" else ""
    return Cell(f"{text}{unit}", value)


def _notes(name: str, notes: Iterable[str]) -> tuple[str, ...]:
    table = TITLES[name].partition(".")[0]
    return (SOURCE.format(table=table), *notes)
