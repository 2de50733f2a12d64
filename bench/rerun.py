"""The run of a manifest once more: first what it would be made of here, then its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bench import audio
from bench.application import evaluator_process, opened
from bench.application_cli import Asking, ask_tasks
from bench.coding import Codecs
from bench.datasets.load import load_data
from bench.datasets.manifest import Manifest
from bench.downstream.aec import classes_of
from bench.downstream.data import Application, load_application
from bench.downstream.evaluators import registry
from bench.downstream.evaluators.registry import EvaluatorCard
from bench.downstream.score import TaskData
from bench.downstream.tasks import AEC, TASKS
from bench.plan import wanted
from bench.provenance import environment
from bench.recording import recorded_codecs, signal_part, task_part
from bench.reproduce import Here
from bench.run_record import Judge, Part, RunRecord
from bench.signal_cli import compute
from bench.store import Store
from bench.suites import APPLICATION, SUITES
from bench.team import RunError, Team


class CannotReproduceError(RuntimeError):
    """Data, a codec or an evaluator is missing here; a line for each."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Rerun:
    """A run that is about to begin.

    Attributes:
        here: what it would be made of.
        compute: does it, and returns its parts with their cells.
    """

    here: Here
    compute: Callable[[], tuple[Part, ...]]


@contextmanager
def rerun(
    record: RunRecord,
    data: str | None,
    store: Path,
    workers: int,
    codec_processes: int | None,
    errors: Console,
) -> Iterator[Rerun]:
    """Prepare the run of a manifest: its data is read, its codecs and evaluators are loaded.

    Args:
        record: the manifest.
        data: where the data lies here; None where the manifest says it.
        store: where cells and evidence are kept.
        workers: processes that compute metrics.
        codec_processes: of the codecs; None as many as `Team.of` takes.
        errors: where progress is said.

    Raises:
        CannotReproduceError: something is missing, or the manifest has nothing to compare.
        UnknownNameError, ManifestError, RunError, StoreError, OSError: as their messages say.
    """
    if not record.n_cells:
        raise CannotReproduceError(("the manifest has no cells: its run ended before the first",))
    known = {*SUITES, APPLICATION}
    if record.suite not in known:
        raise CannotReproduceError((f"no suite is called {record.suite!r} here",))
    found = _path_of(record.asked.data if data is None else data)
    prepare = _application if record.suite == APPLICATION else _signal
    names = tuple(_of_this_user(codec.asked) for codec in record.codecs)
    n_workers = 0 if record.suite == APPLICATION else workers
    asked = (record.asked.device, n_workers, record.asked.clip_timeout_s, codec_processes)
    with Team.of(names, *asked) as team:
        yield prepare(record, found, store, team, errors)


def _signal(record: RunRecord, data: str, store: Path, team: Team, errors: Console) -> Rerun:
    suite = SUITES[record.suite]
    with errors.status("reading the data set"):
        manifest = load_data(data, record.asked.kind)
    codecs = _loaded(record, team, errors)
    part = Part(
        suite.name,
        manifest.name,
        manifest.revision,
        tuple((clip.id, clip.sha256) for clip in manifest.clips),
    )
    kinds = {clip.kind: clip for clip in manifest.clips}
    versions = {
        metric: version
        for clip in kinds.values()
        for info in codecs.infos
        for metric, version in wanted(clip, suite, info).items()
    }
    asked_for = _reached(record, manifest)

    def do() -> tuple[Part, ...]:
        with Store(store) as opened_store:
            compute(codecs.infos, asked_for, suite, opened_store, team, errors)
            return (signal_part(codecs.infos, asked_for, suite, opened_store),)

    return Rerun(_here(codecs, (part,), versions), do)


def _application(record: RunRecord, data: str, store: Path, team: Team, errors: Console) -> Rerun:
    with errors.status("reading the data set"):
        application = load_application(data, record.asked.kind)
    asked = [part for part in record.parts if part.columns]
    lacking = [
        f"{part.name}: {application.absent.get(part.name, f'no such task: {part.name!r}')}"
        for part in asked
        if part.name not in application.tasks
    ]
    if lacking:
        raise CannotReproduceError(tuple(lacking))
    codecs = _loaded(record, team, errors)
    tasks = {part.name: application.tasks[part.name] for part in asked}
    cards, judges = _evaluators(record, tasks, errors)
    absent = dict.fromkeys(TASKS, "not in the manifest")
    parts = tuple(
        Part(
            name,
            data_.dataset,
            data_.revision,
            tuple((clip.id, clip.sha256) for clip in data_.clips),
            n_trials=len(data_.trials),
            evaluator=judges[name],
        )
        for name, data_ in tasks.items()
    )

    def do() -> tuple[Part, ...]:
        found = []
        with Store(store) as opened_store:
            asking = Asking(codecs.infos, opened_store, team, record.asked.device, errors)
            chosen = Application(application.name, tasks, absent)
            for answered in ask_tasks(chosen, cards, asking):
                if answered.missing:
                    raise RunError(f"{answered.task.display_name}: {answered.missing}")
                if answered.data is not None:
                    found.append(task_part(answered.data, answered.results))
        return tuple(found)

    return Rerun(_here(codecs, parts, {}), do)


def _loaded(record: RunRecord, team: Team, errors: Console) -> Codecs:
    """The codecs of the manifest, in its order."""
    with errors.status("loading codecs"):
        codecs = team.codecs()
    if codecs.unknown:
        raise RunError(codecs.unknown)
    if codecs.missing:
        raise CannotReproduceError(codecs.missing)
    by_asked = {codecs.asked.get(info.name, info.name): info for info in codecs.infos}
    wanted_ = [_of_this_user(codec.asked) for codec in record.codecs]
    gone = [name for name in wanted_ if name not in by_asked]
    if gone:
        raise CannotReproduceError(
            tuple(f"{name} is another codec of the run here" for name in gone)
        )
    return replace(codecs, infos=tuple(by_asked[name] for name in wanted_))


def _evaluators(
    record: RunRecord, tasks: dict[str, TaskData], errors: Console
) -> tuple[dict[str, EvaluatorCard], dict[str, Judge]]:
    """The evaluators that the manifest names, each loaded once to see that it is here."""
    cards, judges, lacking = {}, {}, []
    for part in record.parts:
        if part.name not in tasks or part.evaluator is None:
            continue
        card = registry.card(part.name, part.evaluator.name)
        classes = classes_of(tasks[part.name].clips) if part.name == AEC.name else ()
        with (
            errors.status(f"loading {card.name}"),
            evaluator_process(part.name, card.name, record.asked.device, classes) as worker,
        ):
            info = opened(worker)
        if isinstance(info, str):
            lacking.append(f"{part.name}: {card.name}: {info}")
        else:
            cards[part.name] = card
            judges[part.name] = Judge(info.name, info.revision, info.weights)
    if lacking:
        raise CannotReproduceError(tuple(lacking))
    return cards, judges


def _reached(record: RunRecord, manifest: Manifest) -> Manifest:
    """Of a run that was stopped the clips that it came to, of a whole one all."""
    if record.complete:
        return manifest
    reached = {
        part.clips[place][0]
        for part in record.parts
        for column in part.columns
        if column.over == "clips"
        for place in range(len(column.values))
        if column.has(place)
    }
    clips = tuple(clip for clip in manifest.clips if clip.id in reached)
    if not clips:
        raise CannotReproduceError(("none of the clips that the run came to is in the data here",))
    return replace(manifest, clips=clips)


def _path_of(data: str) -> str:
    """What was given for data, if a path can be called so."""
    try:
        Path(data).expanduser().exists()
    except (RuntimeError, ValueError) as error:  # nobody's home, or a zero byte
        raise CannotReproduceError((f"no data is called {data!r}: {error}",)) from error
    return data


def _here(codecs: Codecs, parts: tuple[Part, ...], versions: dict[str, str]) -> Here:
    return Here(
        codecs=recorded_codecs(codecs),
        parts=parts,
        versions=versions,
        reader=audio.READER,
        resampler=audio.RESAMPLER,
        environment=environment(),
    )


def _of_this_user(asked: str) -> str:
    """A codec as it is asked for here: the home of a manifest's path is this user's."""
    prefix, colon, path = asked.rpartition(":") if asked.startswith("folder:") else ("", "", asked)
    return f"{prefix}{colon}{Path(path).expanduser()}" if path.startswith("~/") else asked
