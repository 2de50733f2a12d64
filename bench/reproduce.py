"""What differs between the manifest of a run and the same run here: its inputs, then its cells.

Pure functions of what both say. Numbers are compared exactly where all that decides them is the
same: codec, weights, metric, this project's commit, the libraries at work, processor, graphics
card and threads (sums are shared out among threads, so that another number of them rounds
otherwise). Where any of it differs, or cells are older than the run that recorded them or than the
one here, they are compared within `bench.tolerances`; texts and verdicts stay exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from bench.provenance import Environment
from bench.run_record import Column, Part, RecordedCodec, RunRecord, Value
from bench.tolerances import Tolerances

WasThere = Callable[[Part, Column, int], bool]
"""Whether the cell at a place of a column here was in the store before the run here."""

_OLDER = "run that computed the cells"
_NO_CELL = "no cell"
_NO_CLIP = "no such clip"
_RATIOS_DB = frozenset(("sdr", "aligned_sdr"))
_EXACT_COPY_DB = 200.0
_SHOWN_OF_HASH = 12


@dataclass(frozen=True)
class Here:
    """What a run would be made of here.

    Attributes:
        codecs: in the order of the manifest's.
        parts: of the same names as the manifest's, without cells.
        versions: of the signal suite's metrics.
        reader, resampler: what reads clips and changes rates.
        environment: what it stands on.
    """

    codecs: tuple[RecordedCodec, ...]
    parts: tuple[Part, ...]
    versions: Mapping[str, str]
    reader: str
    resampler: str
    environment: Environment


@dataclass(frozen=True)
class Difference:
    """One thing that the manifest says and that is otherwise here."""

    what: str
    manifest: str
    here: str

    def __str__(self) -> str:
        return f"{self.what}: manifest says {self.manifest}, here {self.here}"


@dataclass(frozen=True)
class CellDifference:
    """A cell that differs: its clip, "trial N" or "" of the codec as a whole; value or why none."""

    clip: str
    manifest: Value
    here: Value


@dataclass(frozen=True)
class Comparison:
    """A column of the manifest beside the one of the run here.

    Attributes:
        part, codec, metric: whose, by the manifest's names.
        was_there: whether it is of the cells that were in the store already, which say nothing
            of what is computed here; a column may have both, and then a comparison of each.
        tolerance: within which numbers are the same.
        inexact_because: why it is not exact; "" where it is, or where the user gave it.
        n_cells: that either has.
        n_computed: of them, those that the run here computed.
        largest: difference of two numbers; None where there are no two.
        different: those beyond the tolerance.
    """

    part: str
    codec: str
    metric: str
    was_there: bool
    tolerance: float
    inexact_because: str
    n_cells: int
    n_computed: int
    largest: float | None
    different: tuple[CellDifference, ...]


def inputs_that_differ(record: RunRecord, here: Here) -> list[Difference]:
    """What decides the cells and is not what it was: data, codecs, metrics, evaluators."""
    found = [*_codecs(record.codecs, here.codecs)]
    for part, other in _paired(record, here):
        found += _data(part, other, labels_count=part.evaluator is not None)
        if part.evaluator is not None and other.evaluator is not None:
            name = f"{part.name} evaluator {part.evaluator.name}"
            pairs = (part.evaluator, other.evaluator)
            found += _apart(f"revision of {name}", *(judge.revision for judge in pairs))
            found += _apart(f"weights of {name}", *(judge.weights for judge in pairs))
    said = {c.metric: c.version for p in record.parts if p.evaluator is None for c in p.columns}
    for metric, version in said.items():
        if metric in here.versions:
            # The delay that is removed is measured in the run, and is part of its version.
            said_of = version.split(" delay=")[0]
            found += _apart(f"version of {metric}", said_of, here.versions[metric])
    found += _apart("reader of audio", record.reader, here.reader)
    found += _apart("resampler", record.resampler, here.resampler)
    return found


def surroundings_that_differ(record: RunRecord, here: Here) -> list[Difference]:
    """What stands around: the project's commit, Python, packages, the machine, threads."""
    then, now = record.environment, here.environment
    found = _apart("sqcodec-bench", then.project.version, now.project.version)
    found += _apart("commit", _commit(then), _commit(now))
    found += _apart("Python", then.python, now.python)
    for name in sorted({*then.packages, *now.packages}, key=str.lower):
        if name != "sqcodec-bench":
            versions = (packages.get(name, "none") for packages in (then.packages, now.packages))
            found += _apart(name, *versions)
    machines = asdict(then.machine), asdict(now.machine)
    for name, before in machines[0].items():
        found += _apart(name, _shown(before), _shown(machines[1][name]))
    for name in sorted({*then.threads, *now.threads}):
        found += _apart(name, then.threads.get(name, "not set"), now.threads.get(name, "not set"))
    for part, other in _paired(record, here):
        if part.evaluator is None and not _clips(part, other):
            what = f"revision of the data set {part.dataset}, whose files are the same"
            found += _apart(what, part.dataset_revision, other.dataset_revision)
    return found


def compared(
    record: RunRecord,
    here: Here,
    parts: Sequence[Part],
    tolerances: Tolerances,
    was_there: WasThere = lambda part, column, place: False,
) -> list[Comparison]:
    """The manifest's cells beside those that were computed here.

    Of a run that was stopped, only what it came to is compared.

    Args:
        record: the manifest.
        here: what the run here was made of.
        parts: of the run here, with their cells.
        tolerances: that the user gave.
        was_there: which of their cells were in the store before.
    """
    by_name = {part.name: part for part in parts}
    names = {one.name: other.name for one, other in zip(record.codecs, here.codecs, strict=True)}
    back = {name: codec for codec, name in names.items()}
    found: list[Comparison] = []
    for part in record.parts:
        other = by_name.get(part.name, Part(part.name, "", "", ()))
        columns = {(column.codec, column.metric): column for column in other.columns}
        pairs = [
            (column, columns.pop((names[column.codec], column.metric), None))
            for column in part.columns
        ]
        new = columns.values() if record.complete else ()
        pairs += [
            (_empty(part, column, back.get(column.codec, column.codec)), column) for column in new
        ]
        for column, match in pairs:
            why = _why_inexact(record, here, part, other, column, match)
            cells = _cells(part, other, column, match, record.complete, was_there)
            for there, of_it in cells.items():
                because = _OLDER if there and not why else why
                tolerance = tolerances.of(column, exact=not because)
                found.append(_comparison(part, column, there, tolerance, because, of_it))
    return found


def _empty(part: Part, column: Column, codec: str) -> Column:
    """The manifest's side of a column that only the run here has."""
    nothing = (None,) * (len(part.clips) if column.over == "clips" else 0)
    return replace(column, codec=codec, values=nothing, errors={})


def _cells(
    part: Part,
    other: Part,
    column: Column,
    match: Column | None,
    complete: bool,
    was_there: WasThere,
) -> dict[bool, list[CellDifference]]:
    """The cells of both sides, by whether those here were in the store before."""
    found: dict[bool, list[CellDifference]] = {False: [], True: []}
    for row, place, place_here in _rows(part, other, column):
        mine = _cell(column, place)
        theirs = None if match is None else _cell(match, place_here)
        if mine is None and (theirs is None or not complete):
            continue
        there = (
            match is not None
            and place_here is not None
            and theirs is not None
            and was_there(other, match, place_here)
        )
        found[there].append(CellDifference(row, mine, theirs))
    return {there: cells for there, cells in found.items() if cells} or {False: []}


def _comparison(
    part: Part,
    column: Column,
    there: bool,
    tolerance: float,
    why: str,
    cells: Sequence[CellDifference],
) -> Comparison:
    """What differs of cells of one column."""
    different = []
    largest = None
    for cell in cells:
        distance = _distance(cell.manifest, cell.here)
        if distance is not None and tolerance and column.metric in _RATIOS_DB:
            distance = 0.0 if _exact_copies(cell.manifest, cell.here) else distance
        if distance is not None:
            largest = max(largest or 0.0, distance)
        if cell.manifest != cell.here if distance is None else distance > tolerance:
            sides = (_NO_CELL if side is None else side for side in (cell.manifest, cell.here))
            different.append(CellDifference(cell.clip, *sides))
    return Comparison(
        part=part.name,
        codec=column.codec,
        metric=column.metric,
        was_there=there,
        tolerance=tolerance,
        inexact_because=why,
        n_cells=len(cells),
        n_computed=0 if there else sum(cell.here is not None for cell in cells),
        largest=largest,
        different=tuple(different),
    )


def _rows(part: Part, other: Part, column: Column) -> Iterator[tuple[str, int | None, int | None]]:
    """Rows of a column, with their places in the manifest and here; None where it has none."""
    if column.over != "clips":
        n_here = other.n_trials if column.over == "trials" else 1
        for place in range(max(len(column.values), n_here)):
            inside = place if place < len(column.values) else None
            yield _row(part, column, place), inside, place if place < n_here else None
        return
    places = {name: place for place, (name, _) in enumerate(other.clips)}
    for place, (name, _) in enumerate(part.clips):
        yield name, place, places.pop(name, None)
    for name, place in places.items():
        yield name, None, place


def _row(part: Part, column: Column, place: int) -> str:
    if column.over == "clips":
        return part.clips[place][0]
    return f"trial {place + 1}" if column.over == "trials" else ""


def _cell(column: Column, place: int | None) -> Value:
    """The value, or why there is none; None where there is no cell."""
    if place is None or not column.has(place):
        return None
    value = column.values[place]
    return f"error: {column.errors[place]}" if value is None else value


def _distance(one: Value, other: Value) -> float | None:
    """Between two numbers; None of anything else."""
    if isinstance(one, bool) or isinstance(other, bool):
        return None
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(float(one) - float(other))
    return None


def _exact_copies(one: Value, other: Value) -> bool:
    """Whether both ratios (dB) are the rounding of a perfect copy, and no quantities."""
    return all(isinstance(v, int | float) and v > _EXACT_COPY_DB for v in (one, other))


def _why_inexact(
    record: RunRecord, here: Here, part: Part, other: Part, column: Column, match: Column | None
) -> str:
    """What decides a value and is not the same, in a few words; "" if nothing."""
    then, now = record.environment, here.environment
    codecs = {c.name: (c, now_) for c, now_ in zip(record.codecs, here.codecs, strict=True)}
    before, after = codecs[column.codec]
    older = part.first_measured_at is not None and part.first_measured_at < record.started_at
    inputs = {
        "codec": (before.revision, before.weights_sha256) != (after.revision, after.weights_sha256),
        "metric or evaluator": match is None or column.version != match.version,
        "libraries": part.libraries != other.libraries,
        "reader or resampler": (record.reader, record.resampler) != (here.reader, here.resampler),
        "code": then.project != now.project or bool(now.project.dirty),
        "processor": then.machine.cpu != now.machine.cpu,
        "graphics card": then.machine.gpus != now.machine.gpus,
        "threads": _threads(then, part) != _threads(now, part),
        # They were in the store, and what computed them may not be what the manifest says.
        _OLDER: older,
    }
    return ", ".join(name for name, differs in inputs.items() if differs)


def _threads(environment: Environment, part: Part) -> object:
    """The settings; and what an evaluator takes without one. Codecs and metrics have one thread."""
    told = part.evaluator is None or "OMP_NUM_THREADS" in environment.threads
    return environment.threads, None if told else environment.machine.cores


def _codecs(then: Sequence[RecordedCodec], now: Sequence[RecordedCodec]) -> Iterator[Difference]:
    for one, other in zip(then, now, strict=True):
        yield from _apart(f"name of {one.asked}", one.name, other.name)
        hashes = _cut(one.weights_sha256, other.weights_sha256)
        yield from _apart(f"weights of {one.name}", *hashes)
        yield from _apart(f"revision of {one.name}", one.revision, other.revision)


def _data(part: Part, other: Part, *, labels_count: bool) -> list[Difference]:
    found = _clips(part, other)
    if found or not labels_count:
        return found
    what = f"revision of the data of {part.name}, in which transcripts, labels and trials count"
    return _apart(what, part.dataset_revision, other.dataset_revision)


def _clips(part: Part, other: Part) -> list[Difference]:
    """Clips whose file is not what it was, or that only one of both has."""
    then, now = dict(part.clips), dict(other.clips)
    found = []
    for name, sha256 in then.items():
        found += _apart(f"data: clip {name}", *_cut(sha256, now.get(name) or _NO_CLIP))
    for name in [name for name in now if name not in then]:
        found += [Difference(f"data: clip {name}", _NO_CLIP, _shortened(now[name]))]
    return found


def _apart(what: str, then: str, now: str) -> list[Difference]:
    """One difference, or none."""
    if then == now:
        return []
    return [Difference(what, then or "none", now or "none")]


def _cut(one: str, other: str) -> tuple[str, str]:
    """Two hashes, cut where that leaves them apart."""
    if one[:_SHOWN_OF_HASH] == other[:_SHOWN_OF_HASH]:
        return one, other
    return _shortened(one), _shortened(other)


def _shortened(sha256: str) -> str:
    return f"{sha256[:_SHOWN_OF_HASH]}..." if len(sha256) > _SHOWN_OF_HASH else sha256


def _paired(record: RunRecord, here: Here) -> Iterator[tuple[Part, Part]]:
    by_name = {part.name: part for part in here.parts}
    return ((p, by_name[p.name]) for p in record.parts if p.name in by_name)


def _commit(environment: Environment) -> str:
    changed = ", with changes" if environment.project.dirty else ""
    return f"{environment.project.commit}{changed}"


def _shown(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
