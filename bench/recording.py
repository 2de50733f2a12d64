"""Writes the manifest of a run beside its results, however the run ends.

``<results>/manifests/<suite>/<dataset>/<codecs>-<hash>.json``: the hash is of the codecs'
revisions, the data's and the evaluators asked for, so that the same run has the same file, and
another codec's run, or one on other data, has another.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from rich.console import Console

from bench import audio
from bench.codec import CodecInfo
from bench.coding import CEILING, Codecs
from bench.datasets.manifest import Manifest
from bench.downstream.score import TaskData
from bench.errors import reason
from bench.options import RunOptions, cannot_write_results
from bench.provenance import Environment, environment
from bench.report.application import TaskResult
from bench.report.files import result_path
from bench.report.results import libraries_of
from bench.run_record import (
    COMPLETED,
    KIND,
    SCHEMA_VERSION,
    Asked,
    Column,
    Judge,
    Part,
    RecordedCodec,
    RunRecord,
    RunRecordError,
    Value,
    read_record,
    write_record,
)
from bench.stats import N_RESAMPLES, SEED
from bench.store import Store, StoreError
from bench.suites import Suite
from bench.views import NOT_COMPUTED, gather

_FOLDER = "manifests"
_DEFAULTS = RunOptions(())
_OF_THE_CLIP = frozenset(("clip", "sha256", "group", "speaker", "error"))


@contextmanager
def recorded(
    options: RunOptions,
    codecs: Codecs,
    data: tuple[str, str],
    parts: Callable[[], Sequence[Part]],
    missing: Sequence[str],
    errors: Console,
) -> Iterator[None]:
    """Write the manifest of what is done within when it ends, in whatever way.

    The manifest of a run that was stopped does not replace one of the same run that was not.

    Args:
        options: what was asked for.
        codecs: those that run.
        data: name and revision.
        parts: what the run has come to; called at the end.
        missing: lines on what could not run, which may grow until then.
        errors: where the file's name is said.

    Raises:
        RunError: the manifest of a run that was completed cannot be written.
    """
    started_at = _now()
    around = environment()  # the checkout may go on meanwhile

    def write(ended: str) -> None:
        path = _path(options, codecs, *data)
        if ended == COMPLETED or not _is_complete(path):
            record = _record(options, codecs, parts(), missing, around, started_at, ended)
            write_record(path, record)
            errors.print(f"wrote {path}", markup=False)

    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        by_hand = isinstance(error, KeyboardInterrupt)
        with suppress(OSError, StoreError):  # what ended the run is what has to be told
            write("stopped by Ctrl-C" if by_hand else f"stopped: {reason(error)}")
        raise
    try:
        write(COMPLETED)
    except OSError as error:
        raise cannot_write_results(options, error) from error


def recorded_codecs(codecs: Codecs) -> tuple[RecordedCodec, ...]:
    """What codecs say of themselves, as a manifest has it."""
    return tuple(
        RecordedCodec(
            asked=shared(codecs.asked.get(info.name, info.name)),
            name=info.name,
            revision=info.revision,
            weights=info.weights,
            weights_sha256=info.weights_sha256,
        )
        for info in codecs.infos
    )


def signal_part(
    codecs: Sequence[CodecInfo], manifest: Manifest, suite: Suite, store: Store
) -> Part:
    """The cells of a suite that the store has."""
    places = {clip.id: place for place, clip in enumerate(manifest.clips)}
    frames = {info.name: gather(info, manifest, suite, store) for info in codecs}
    cells = pd.concat(frames.values(), ignore_index=True)
    times = cells["measured_at"].dropna()
    return Part(
        name=suite.name,
        dataset=manifest.name,
        dataset_revision=manifest.revision,
        clips=tuple((clip.id, clip.sha256) for clip in manifest.clips),
        libraries=libraries_of(cells),
        first_measured_at=min(times, default=None),
        last_measured_at=max(times, default=None),
        columns=tuple(
            _column(name, metric, rows, places)
            for name, frame in frames.items()
            for metric, rows in frame.groupby("metric", sort=False)
        ),
    )


def task_part(data: TaskData, results: Mapping[str, TaskResult]) -> Part:
    """A task's cells, from each codec's part in it; none where it could not be asked."""
    one = next(iter(results.values()))
    if one.unavailable or one.evaluator is None:
        return Part(data.task, data.dataset, data.revision, (), unavailable=one.unavailable)
    judge = Judge(**{name: one.evaluator[name] for name in ("name", "revision", "weights")})
    times = [
        time
        for result in results.values()
        for time in (result.first_judged_at, result.last_judged_at)
        if time is not None
    ]
    return Part(
        name=data.task,
        dataset=data.dataset,
        dataset_revision=data.revision,
        clips=tuple((clip.id, clip.sha256) for clip in data.clips),
        n_trials=len(data.trials),
        evaluator=judge,
        libraries={name: [version] for name, version in one.scored_by.items()},
        first_measured_at=min(times, default=None),
        last_measured_at=max(times, default=None),
        columns=tuple(
            column
            for name, result in results.items()
            for column in _task_columns(name, result, f"{judge.name} {judge.revision}")
        ),
    )


def shared(text: str) -> str:
    """A path as it may be shared: the user's home, whose name is theirs, is ``~``."""
    home = str(Path.home())
    return text.replace(f"{home}/", "~/") if len(home) > 1 else text


def _task_columns(codec: str, result: TaskResult, version: str) -> Iterator[Column]:
    errors = {place: str(c["error"]) for place, c in enumerate(result.clips) if c.get("error")}
    quantities = {name: None for clip in result.clips for name in clip if name not in _OF_THE_CLIP}
    if errors and not quantities:  # no clip got through: there is only why
        quantities = {"evidence": None}
    for name in quantities:
        values = tuple(_value(clip.get(name)) for clip in result.clips)
        yield Column(codec, name, version, "", "clips", values, errors)
    if result.trials:
        yield Column(codec, "trials", version, "", "trials", tuple(result.trials["score"]), {})
    for score in result.scores:
        name, unit = str(score["name"]), str(score["unit"])
        yield Column(codec, name, version, unit, "codec", (score["value"],), {})


def _value(said: object) -> Value:
    """A value as a cell can have it; what has parts is written out."""
    return said if isinstance(said, float | int | str | bool | None) else repr(said)


def _column(codec: str, metric: str, rows: pd.DataFrame, places: Mapping[str, int]) -> Column:
    values: list[Value] = [None] * len(places)
    errors = {}
    for row in rows.itertuples():
        place = places[row.clip]
        if pd.notna(row.value):
            values[place] = float(row.value)
        elif row.error != NOT_COMPUTED:
            errors[place] = str(row.error)
    unit = next(iter(rows["unit"].dropna()), "")
    version = str(rows["metric_version"].iloc[0])
    return Column(codec, metric, version, unit, "clips", tuple(values), errors)


def _record(
    options: RunOptions,
    codecs: Codecs,
    parts: Sequence[Part],
    missing: Sequence[str],
    around: Environment,
    started_at: str,
    ended: str,
) -> RunRecord:
    return RunRecord(
        kind=KIND,
        schema=SCHEMA_VERSION,
        suite=options.suite,
        complete=ended == COMPLETED,
        ended=ended,
        started_at=started_at,
        ended_at=_now(),
        asked=_asked(options),
        environment=around,
        seeds={"bootstrap": SEED, "bootstrap_resamples": N_RESAMPLES},
        reader=audio.READER,
        resampler=audio.RESAMPLER,
        codecs=recorded_codecs(codecs),
        missing=tuple(missing),
        parts=tuple(parts),
    )


def _asked(options: RunOptions) -> Asked:
    given = {
        "--codec": ",".join(map(shared, options.codecs)),
        "--suite": options.suite,
        "--data": shared(options.data),
        "--kind": options.kind,
        "--workers": options.workers,
        "--codec-processes": options.codec_processes,
        "--device": options.device if options.device != _DEFAULTS.device else None,
        "--clip-timeout": f"{options.clip_timeout_s:g}",
        "--executor": options.executor if options.executor != _DEFAULTS.executor else None,
    }
    if options.clip_timeout_s == _DEFAULTS.clip_timeout_s:
        del given["--clip-timeout"]
    words = ["bench", "run"]
    for name, value in given.items():
        words += [] if value is None else [name, str(value)]
    for choice in options.evaluators:
        words += ["--evaluator", choice]
    return Asked(
        command=" ".join(map(_quoted, words)),
        data=shared(options.data),
        kind=options.kind,
        evaluators=options.evaluators,
        workers=options.workers,
        device=options.device,
        clip_timeout_s=options.clip_timeout_s,
    )


def _quoted(word: str) -> str:
    """A word for a shell, which has to see that a home is one."""
    home, rest = ("~/", word[2:]) if word.startswith("~/") else ("", word)
    return f"{home}{shlex.quote(rest)}" if rest or not home else home


def _path(options: RunOptions, codecs: Codecs, dataset: str, revision: str) -> Path:
    """The same for the same run, and for no other."""
    revisions = [(info.name, info.revision) for info in codecs.infos]
    decides = repr((options.suite, dataset, revision, revisions, sorted(options.evaluators)))
    digest = hashlib.sha256(decides.encode()).hexdigest()[:8]
    names = [info.name for info in codecs.infos]
    others = [name for name in names[1:] if name != CEILING]
    more = f"+{len(others)}" if others else ""
    name = f"{names[0]}{more}-{digest}"
    return result_path(options.results / _FOLDER, options.suite, dataset, name)


def _is_complete(path: Path) -> bool:
    try:
        return read_record(path).complete
    except RunRecordError:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
