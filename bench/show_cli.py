"""`bench show`: all that is known of one clip."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Group

from bench.cells import Hearing, Judgement
from bench.console import MISSING, console, error_console, tell
from bench.datasets.load import load_data
from bench.datasets.manifest import Clip, ManifestError
from bench.downstream.asv import trial_score
from bench.downstream.data import load_application
from bench.downstream.score import TaskData
from bench.names import UnknownNameError
from bench.report.clip import clip_report
from bench.report.heard import Compare, heard_report
from bench.store import DEFAULT_PATH, Store, StoreError

_SAME, _OTHERS = "the same speaker", "others"
_OTHER_LANGUAGES = "others of another language"
_KINDS: tuple[tuple[str, str, Callable[..., tuple[float, str]]], ...] = (
    (_SAME, "lowest", min),
    (_OTHERS, "highest", max),
    (_OTHER_LANGUAGES, "highest", max),
)


def show(
    clip: Annotated[str, typer.Option(help="The clip's id.")],
    codec: Annotated[str | None, typer.Option(help="Only what concerns this codec.")] = None,
    data: Annotated[
        str, typer.Option(help="The data set that it is of, as for bench run.")
    ] = "mini",
    store: Annotated[Path, typer.Option(help="Where cells are kept.")] = DEFAULT_PATH,
) -> None:
    """Print all that is known of one clip: its row of the manifest, every cell, what was heard.

    Exit status: 0 it is shown; 2 there is no such clip, codec, data set or store.
    """
    try:
        rows, asked = _read(data)
        with Store(store, create=False) as opened:
            cells = opened.cells_of_clip(clip)
            hashes = [rows[clip].sha256] if clip in rows else []
            hashes += [sha256 for sha256 in cells["clip_sha256"].unique() if sha256 not in hashes]
            said = [one for sha256 in hashes for one in opened.evidence_of_clip(sha256)]
            if clip not in rows and cells.empty:
                raise UnknownNameError("clip", clip, dict.fromkeys([*rows, *opened.clips()]))
            if codec is not None:
                cells, said = _of_codec(codec, cells, said)
            trials = _trials(clip, asked.get("asv"), said, opened)
    except (UnknownNameError, ManifestError, StoreError) as error:
        tell(error_console(), [error])
        raise typer.Exit(MISSING) from None
    row = {name: str(value) for name, value in asdict(rows[clip]).items()} if clip in rows else None
    shown = clip_report(clip, row, cells)
    if said:
        transcript = rows[clip].transcript if clip in rows else ""
        shown = Group(shown, heard_report(said, transcript, _comparison(), trials))
    console().print(shown)


def _read(data: str) -> tuple[dict[str, Clip], dict[str, TaskData]]:
    """The clips of a data set by id, and what the application's tasks are asked on."""
    rows: dict[str, Clip] = {}
    refused = None
    try:
        rows = {found.id: found for found in load_data(data).clips}
    except ManifestError as error:  # a tree may be for the tasks alone
        refused = error
    try:
        tasks = load_application(data).tasks
    except ManifestError:  # labels that cannot be used are no matter of the clips
        tasks = {}
    for task in tasks.values():
        rows |= {found.id: found for found in task.clips}
    if refused is not None and not tasks:
        raise refused
    return rows, tasks


def _of_codec(
    codec: str, cells: pd.DataFrame, said: list[tuple[Hearing, Judgement]]
) -> tuple[pd.DataFrame, list[tuple[Hearing, Judgement]]]:
    """What concerns a codec, and what evaluators say of the untouched clip."""
    known = dict.fromkeys([*cells["codec"].unique(), *(hearing.codec for hearing, _ in said)])
    if codec not in known:
        raise UnknownNameError("codec with cells of this clip", codec, known)
    kept = [one for one in said if one[0].codec in (codec, "reference")]
    return cells[cells["codec"] == codec], kept


def _trials(
    clip: str, task: TaskData | None, said: list[tuple[Hearing, Judgement]], store: Store
) -> list[str]:
    """Of each codec and evaluator: how the clip's trials went, by the nearest misses."""
    if task is None:
        return []
    hashes = {one.id: one.sha256 for one in task.clips}
    lines = []
    for hearing, judgement in said:
        if judgement.evidence is None or "embedding" not in judgement.evidence:
            continue
        judged = store.judgements(hearing)
        scores: dict[str, list[tuple[float, str]]] = {kind: [] for kind, *_ in _KINDS}
        for trial in task.trials:
            if clip not in (trial.enrol, trial.test):
                continue
            other = trial.test if trial.enrol == clip else trial.enrol
            found = judged.get(hashes[other])
            if found is not None and found.evidence is not None:
                score = trial_score(judgement.evidence, found.evidence)
                across = _OTHERS if trial.same_language else _OTHER_LANGUAGES
                scores[_SAME if trial.target else across].append((score, other))
        told = [
            f"{len(scores[kind])} with {kind}, {which} {pick(scores[kind])[0]:.4f} "
            f"({pick(scores[kind])[1]})"
            for kind, which, pick in _KINDS
            if scores[kind]
        ]
        if told:
            by = f"{hearing.evaluator}, revision {hearing.evaluator_revision}"
            lines.append(f"  trials through {hearing.codec} by {by}: {'; '.join(told)}")
    return lines


def _comparison() -> Compare | None:
    """Counts edits between texts, where the libraries for that are here."""
    if any(importlib.util.find_spec(name) is None for name in ("rapidfuzz", "whisper_normalizer")):
        return None
    from bench.downstream.asr import compared

    return compared
