"""The run of a manifest once more: first what it would be made of here, then its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bench import audio
from bench.application import evaluator_process, hearing_of, opened
from bench.application_cli import Asking, ask_tasks
from bench.coding import CEILING, Codecs
from bench.datasets.load import load_data
from bench.datasets.manifest import Manifest
from bench.downstream.aec import classes_of
from bench.downstream.contract import EvaluatorInfo
from bench.downstream.data import Application, load_application
from bench.downstream.evaluators import registry
from bench.downstream.evaluators.registry import EvaluatorCard
from bench.downstream.score import TaskData
from bench.downstream.tasks import AEC, TASKS
from bench.plan import source_of, wanted
from bench.provenance import environment
from bench.recording import recorded_codecs, signal_part, task_part
from bench.reproduce import Here, WasThere
from bench.run_record import Column, Judge, Part, RunRecord
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
class Computed:
    """What came of a run.

    Attributes:
        parts: with their cells.
        was_there: which of them the store had before.
    """

    parts: tuple[Part, ...]
    was_there: WasThere


@dataclass(frozen=True)
class Rerun:
    """A run that is about to begin.

    Attributes:
        here: what it would be made of.
        compute: does it.
    """

    here: Here
    compute: Callable[[], Computed]


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

    def do() -> Computed:
        with Store(store) as opened_store:
            scored = {
                info.name: opened_store.scored_by_clip(source_of(info, asked_for, suite))
                for info in codecs.infos
            }
            compute(codecs.infos, asked_for, suite, opened_store, team, errors)
            parts = (signal_part(codecs.infos, asked_for, suite, opened_store),)

        def was_there(part: Part, column: Column, place: int) -> bool:
            of_clip = scored[column.codec].get(part.clips[place], frozenset())
            return (column.metric, column.version) in of_clip

        return Computed(parts, was_there)

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
    cards, evaluators = _evaluators(record, tasks, errors)
    absent = dict.fromkeys(TASKS, "not in the manifest")
    hashes = {name: {clip.id: clip.sha256 for clip in data_.clips} for name, data_ in tasks.items()}
    parts = tuple(
        Part(
            name,
            data_.dataset,
            data_.revision,
            tuple((clip.id, clip.sha256) for clip in data_.clips),
            n_trials=len(data_.trials),
            evaluator=_judge(evaluators[name]),
        )
        for name, data_ in tasks.items()
    )

    def do() -> Computed:
        found = []
        with Store(store) as opened_store:
            judged = {
                (name, info.name): opened_store.judged(hearing_of(info, evaluator))
                for name, evaluator in evaluators.items()
                for info in codecs.infos
            }
            asking = Asking(codecs.infos, opened_store, team, record.asked.device, errors)
            chosen = Application(application.name, tasks, absent)
            for answered in ask_tasks(chosen, cards, asking):
                if answered.missing:
                    raise RunError(f"{answered.task.display_name}: {answered.missing}")
                if answered.data is not None:
                    found.append(task_part(answered.data, answered.results))

        def was_there(part: Part, column: Column, place: int) -> bool:
            heard = judged[part.name, column.codec], judged[part.name, CEILING]
            clips = _made_of(tasks[part.name], hashes[part.name], column, place)
            # Scores are of what was said of the untouched clips, too.
            return any(sha256 in one for sha256 in clips for one in heard)

        return Computed(tuple(found), was_there)

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


def _made_of(
    data: TaskData, hashes: Mapping[str, str], column: Column, place: int
) -> Iterable[str]:
    """The hashes of the clips that a cell of a task is made of; `hashes` are by id."""
    if column.over == "codec":
        return hashes.values()
    if column.over == "clips":
        return (data.clips[place].sha256,)
    trial = data.trials[place]
    return hashes[trial.enrol], hashes[trial.test]


def _judge(evaluator: EvaluatorInfo) -> Judge:
    return Judge(evaluator.name, evaluator.revision, evaluator.weights)


def _evaluators(
    record: RunRecord, tasks: dict[str, TaskData], errors: Console
) -> tuple[dict[str, EvaluatorCard], dict[str, EvaluatorInfo]]:
    """The evaluators that the manifest names, each loaded once to see that it is here."""
    cards, infos, lacking = {}, {}, []
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
            infos[part.name] = info
    if lacking:
        raise CannotReproduceError(tuple(lacking))
    return cards, infos


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
