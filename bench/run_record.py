"""The manifest of a run: what was asked, on what, with what, where, and every cell that came of it.

A JSON file that `bench reproduce` needs nothing beside. A part of a run is what is judged alike:
the signal suite has one, the application suite one a task. A part has clips, and columns: one
quantity of one codec over those clips. The fields are explained in ``docs/reproduce.md``.

(A data set's manifest, a CSV file, is another thing: `bench.datasets.manifest`.)
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from bench.provenance import Environment
from bench.report.files import replace_text

KIND = "manifest of bench run"
SCHEMA_VERSION = 1
COMPLETED = "completed"

_LINES_DOWN_TO = 4  # a column, a clip and a package have a line each

Value = float | int | str | bool | None


class RunRecordError(ValueError):
    """A file that is no manifest of a run, or cannot be used; one line says why."""


@dataclass(frozen=True)
class Column:
    """One quantity of one codec.

    Attributes:
        codec: its name.
        metric: the quantity; in the application suite a field of what a clip contributes.
        version: of the metric, or of the evaluator.
        unit: "" for a number without one, or a text.
        over: what it has a value for: each clip, each trial, or the codec as a whole.
        values: None where it was not asked, failed, or was not reached.
        errors: place of a clip -> why it has no value.
    """

    codec: str
    metric: str
    version: str
    unit: str
    over: Literal["clips", "trials", "codec"]
    values: tuple[Value, ...]
    errors: dict[int, str]

    def __post_init__(self) -> None:
        for place in self.errors:
            if not 0 <= place < len(self.values) or self.values[place] is not None:
                raise ValueError(f"{self.codec} {self.metric}: an error at {place}, not of a clip")
        if not all(math.isfinite(v) for v in self.values if isinstance(v, float)):
            raise ValueError(f"{self.codec} {self.metric}: a value is not finite")

    def has(self, place: int) -> bool:
        """Whether there is a cell: a value, or an error in its place."""
        return self.values[place] is not None or place in self.errors


@dataclass(frozen=True)
class Judge:
    """The evaluator of a task: its name, a hash of what decides its evidence, its weights."""

    name: str
    revision: str
    weights: str


@dataclass(frozen=True)
class Part:
    """What is judged alike.

    Attributes:
        name: "signal", or that of a task.
        dataset, dataset_revision: what it is judged on.
        clips: id and SHA-256 of each.
        n_trials: pairs of clips, of asv.
        evaluator: of a task.
        libraries: versions at work when the cells were computed: more than one of a library where
            cells come from several runs.
        first_measured_at, last_measured_at: of the cells, UTC.
        columns: the cells.
        unavailable: why a task has none, "" where it has.
    """

    name: str
    dataset: str
    dataset_revision: str
    clips: tuple[tuple[str, str], ...]
    n_trials: int = 0
    evaluator: Judge | None = None
    libraries: dict[str, list[str]] | None = None
    first_measured_at: str | None = None
    last_measured_at: str | None = None
    columns: tuple[Column, ...] = ()
    unavailable: str = ""

    def __post_init__(self) -> None:
        lengths = {"clips": len(self.clips), "trials": self.n_trials, "codec": 1}
        for column in self.columns:
            if len(column.values) != lengths[column.over]:
                raise ValueError(
                    f"{column.codec} {column.metric}: {len(column.values)} values, expected "
                    f"{lengths[column.over]}, one for each of its {column.over}"
                )


@dataclass(frozen=True)
class RecordedCodec:
    """A codec: what it was asked for by, and what it said of itself."""

    asked: str
    name: str
    revision: str
    weights: str
    weights_sha256: str


@dataclass(frozen=True)
class Asked:
    """What a user asked for, less where the output goes; paths as they were given, home as ``~``.

    Attributes:
        command: that asks for the same.
        data, kind, evaluators, workers, device, clip_timeout_s: its options.
    """

    command: str
    data: str
    kind: str | None
    evaluators: tuple[str, ...]
    workers: int
    device: str
    clip_timeout_s: float

    def __post_init__(self) -> None:
        if not self.clip_timeout_s > 0:
            raise ValueError(f"expected a time limit above 0 s, got {self.clip_timeout_s}")


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        kind, schema: of the file.
        suite: signal or application.
        complete: whether every cell that was asked for is here.
        ended: "completed", or what ended it before.
        started_at, ended_at: UTC.
        asked: by the user.
        environment: what it stood on.
        seeds: of what is drawn.
        reader, resampler: what read the clips, and what changed rates around codecs.
        codecs: those that ran.
        missing: a line for each codec or evaluator that could not.
        parts: data, evaluators and cells.
    """

    kind: str
    schema: int
    suite: str
    complete: bool
    ended: str
    started_at: str
    ended_at: str
    asked: Asked
    environment: Environment
    seeds: dict[str, int]
    reader: str
    resampler: str
    codecs: tuple[RecordedCodec, ...]
    missing: tuple[str, ...]
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        names = {codec.name for codec in self.codecs}
        strangers = {c.codec for part in self.parts for c in part.columns} - names
        if strangers:
            raise ValueError(f"cells of codecs that did not run: {', '.join(sorted(strangers))}")

    @property
    def n_cells(self) -> int:
        """How many cells it has, those with an error included."""
        columns = [column for part in self.parts for column in part.columns]
        return sum(sum(map(column.has, range(len(column.values)))) for column in columns)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What its cells are of, each once."""
        columns = [column for part in self.parts for column in part.columns]
        return tuple(
            dict.fromkeys(c.metric for c in columns if any(map(c.has, range(len(c.values)))))
        )


def write_record(path: Path, record: RunRecord) -> Path:
    """Write the file, whole or not at all, and return its path.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    return replace_text(path, _lines(asdict(record), _LINES_DOWN_TO) + "\n")


def read_record(path: Path) -> RunRecord:
    """Read a manifest of a run and check it.

    Raises:
        RunRecordError: it is missing, none, of another schema, or contradicts itself.
    """
    from pydantic import TypeAdapter, ValidationError  # needed to reproduce, not to run
    from pydantic_core import from_json  # refuses halves of characters, which cannot be printed

    try:
        content = from_json(path.read_bytes())
    except FileNotFoundError:
        raise RunRecordError(f"{path}: no such manifest; bench run writes one") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise RunRecordError(f"{path}: cannot be read: {why}") from error
    except ValueError as error:
        raise RunRecordError(f"{path}: not a manifest that bench run wrote: no JSON") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise RunRecordError(f"{path}: not a manifest that bench run wrote")
    if content.get("schema") != SCHEMA_VERSION:
        raise RunRecordError(
            f"{path}: its schema is {content.get('schema')!r}, this version of bench reads "
            f"{SCHEMA_VERSION}"
        )
    try:
        return TypeAdapter(RunRecord).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        said = " ".join(first["msg"].split())
        raise RunRecordError(f"{path}: damaged: {f'{where}: ' if where else ''}{said}") from error


def _lines(value: Any, depth: int, indent: str = "\n") -> str:
    """JSON with a line for each item down to a depth: small, and readable in a diff."""
    if not depth or not value or not isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    inner = f"{indent} "
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {_lines(v, depth - 1, inner)}" for name, v in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{indent}}}"
    return f"[{inner}{f',{inner}'.join(_lines(v, depth - 1, inner) for v in value)}{indent}]"
