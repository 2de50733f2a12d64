"""A task on a codec's page: who judged, the scores, and what each clip and trial contributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.downstream.tasks import Task

MOST_SHOWN = 100
"""Clips of a task, or trials of a kind, that a page shows: more are too many to read."""

_PERCENT = 100.0


@dataclass(frozen=True)
class Line:
    """A line of a table: the clips it is of, and the cells beside them."""

    clips: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Lines:
    """A table of clips or of trials, the worst first.

    Attributes:
        key: its anchor.
        caption: what it shows, and in which order.
        heads: of the columns, those of clips among them.
        lines: the first `MOST_SHOWN`.
        n_more: that are not shown, but in the table of all of them (`more_tables`).
    """

    key: str
    caption: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    n_more: int

    @property
    def is_of_clips(self) -> bool:
        """Whether its lines are clips, and not trials."""
        return self.key == "clips"

    @property
    def file(self) -> str:
        """What the table of all of them is called."""
        return "clips" if self.is_of_clips else "trials"


@dataclass(frozen=True)
class TaskScore:
    """A score as it is shown."""

    label: str
    value: str
    interval: str
    apart: str
    apart_interval: str
    over: str
    method: str


@dataclass(frozen=True)
class TaskSection:
    """A task on a codec's page."""

    name: str
    label: str
    unavailable: str
    facts: dict[str, str]
    scores: tuple[TaskScore, ...]
    failures: tuple[tuple[str, int], ...]
    tables: tuple[Lines, ...]


def section(task: Task, part: Mapping[str, Any]) -> TaskSection:
    """What a page shows of a task.

    Args:
        task: which.
        part: of the stored result.

    Raises:
        LookupError, TypeError, ValueError: it is not what `bench.report.application` writes.
    """
    evaluator = part["evaluator"] or {}
    versions = ", ".join(f"{name} {version}" for name, version in part["scored_by"].items())
    facts = {
        "judged by": str(evaluator.get("name", "")),
        "which is": "the paper's evaluator" if part["of_paper"] else "not the paper's evaluator",
        "revision": str(evaluator.get("revision") or ""),
        "how": str(evaluator.get("description") or ""),
        "weights": str(evaluator.get("weights") or ""),
        "licence": str(evaluator.get("licence") or ""),
        "cite": str(evaluator.get("citation") or ""),
        "data": str(part["dataset"]),
        "revision of the data": str(part["dataset_revision"]),
        "clips": f"{part['n_clips']:,}, of which {part['n_failed']:,} failed",
        "trials": f"{part['n_trials']:,}" if part["n_trials"] else "",
        "judged from": str(part["first_judged_at"] or ""),
        "to": str(part["last_judged_at"] or ""),
        "scores computed with": versions,
    }
    return TaskSection(
        name=task.name,
        label=f"{task.display_name}, {task.description}",
        unavailable=str(part["unavailable"]),
        facts={name: text for name, text in facts.items() if text and not part["unavailable"]},
        scores=tuple(map(_score, part["scores"])),
        failures=tuple((str(f["reason"]), int(f["n_clips"])) for f in part["failures"]),
        tables=tuple(_TABLES[task.name](part)) if part["clips"] else (),
    )


def _score(score: Mapping[str, Any]) -> TaskScore:
    arrow = "↑" if score["higher_is_better"] else "↓"
    apart = score["difference"]
    difference = apart["value"] if apart else None
    unit = f" {score['unit']}" if score["unit"] else ""
    return TaskScore(
        label=f"{score['display_name']}{unit} {arrow}",
        value="none" if score["value"] is None else f"{score['value']:.2f}",
        interval=interval(score),
        apart="" if difference is None else f"{difference:+.2f}",
        apart_interval=interval(apart) if difference is not None else "",
        over=f"{score['n']:,} {score['counted']}",
        method=str(score["method"]),
    )


def interval(estimate: Mapping[str, Any]) -> str:
    """The bounds as they are shown; "" without."""
    if estimate["low"] is None or estimate["high"] is None:
        return ""
    return f"[{estimate['low']:.2f}, {estimate['high']:.2f}]"


def _words(part: Mapping[str, Any]) -> list[Lines]:
    def errors(clip: Mapping[str, Any]) -> int:
        return int(clip["substitutions"] + clip["deletions"] + clip["insertions"])

    def rate(clip: Mapping[str, Any]) -> float:
        return _PERCENT * errors(clip) / max(int(clip["words"]), 1)

    def cells(clip: Mapping[str, Any]) -> tuple[str, ...]:
        edits = (f"{clip[n]} {n[:3]}." for n in ("substitutions", "deletions", "insertions"))
        said = f"{errors(clip)} of {clip['words']}: {', '.join(edits)}"
        return f"{rate(clip):.1f}", said, str(clip["transcript"]), str(clip["hypothesis"])

    heads = ("word errors %", "errors", "said", "understood")
    return [_clips(part, "the most word errors first", heads, lambda c: -rate(c), cells)]


def _speakers(part: Mapping[str, Any]) -> list[Lines]:
    def cells(clip: Mapping[str, Any]) -> tuple[str, ...]:
        return f"{clip['similarity']:.3f}", str(clip["speaker"])

    order = "the least like its untouched self first"
    heads = ("similarity", "speaker")
    found = [
        clip for clip in part["clips"] if "similarity" in clip or "error" in clip
    ]  # of a reference without evidence there is none
    clips = _clips({**part, "clips": found}, order, heads, lambda c: c["similarity"], cells)
    return [*_trials(part), clips]


def _trials(part: Mapping[str, Any]) -> list[Lines]:
    """The trials of the rate, those that are nearest to being taken for the other kind first."""
    columns, clips = part["trials"], part["clips"]
    if not isinstance(columns, dict) or not columns:  # none, or of schema 1
        return []
    kinds: dict[bool, list[tuple[float, str, str]]] = {True: [], False: []}
    for enrol, test, same_language, score in zip(
        *(columns[name] for name in ("enrol", "test", "same_language", "score")), strict=True
    ):
        a, b = clips[enrol], clips[test]
        target = a["speaker"] == b["speaker"]
        if score is not None and (target or same_language):
            kinds[target].append((score, a["clip"], b["clip"]))
    tables = []
    for target, who, order in (
        (True, "of one speaker", "the least alike"),
        (False, "of two speakers of one language", "the most alike"),
    ):
        ranked = sorted(kinds[target], key=lambda trial: (trial[0] * (1 if target else -1), trial))
        lines = tuple(Line((a, b), (f"{s:.3f}",)) for s, a, b in ranked[:MOST_SHOWN])
        key = f"trials-{'same' if target else 'other'}"
        caption = f"{len(ranked):,} trials {who}, {order} first"
        more = len(ranked) - len(lines)
        tables.append(Lines(key, caption, ("clip", "other clip", "score"), lines, more))
    return tables


def _classes(part: Mapping[str, Any]) -> list[Lines]:
    def cells(clip: Mapping[str, Any]) -> tuple[str, ...]:
        shares = (clip.get("probability_of_label"), clip.get("probability"))
        texts = ("" if share is None else f"{share:.2f}" for share in shares)
        said = (clip["predicted"], clip.get("predicted_of_reference", ""))
        return str(clip["label"]), *map(str, said), "yes" if clip["right"] else "no", *texts

    def rank(clip: Mapping[str, Any]) -> tuple[bool, float]:
        return bool(clip["right"]), float(clip.get("probability_of_label") or 0.0)

    heads = (
        "it is",
        "taken for",
        "untouched, taken for",
        "right",
        "probability of what it is",
        "of what it is taken for",
    )
    return [_clips(part, "those taken for something else first", heads, rank, cells)]


def _clips(
    part: Mapping[str, Any],
    order: str,
    heads: tuple[str, ...],
    rank: Callable[[Mapping[str, Any]], Any],
    cells: Callable[[Mapping[str, Any]], tuple[str, ...]],
) -> Lines:
    """Those that failed, with their reason, then by rank."""
    failed = [clip for clip in part["clips"] if "error" in clip]
    rest = sorted(
        (clip for clip in part["clips"] if "error" not in clip),
        key=lambda clip: (rank(clip), str(clip["clip"])),
    )
    blank = ("",) * (len(heads) - 1)
    lines = [Line((str(clip["clip"]),), (str(clip["error"]), *blank)) for clip in failed]
    lines += [Line((str(clip["clip"]),), cells(clip)) for clip in rest]
    shown = tuple(lines[:MOST_SHOWN])
    n = len(lines)
    caption = f"{n:,} clips, {'those that failed, then ' if failed else ''}{order}"
    return Lines("clips", caption, ("clip", *heads), shown, n - len(shown))


_TABLES: dict[str, Callable[[Mapping[str, Any]], list[Lines]]] = {
    "asr": _words,
    "asv": _speakers,
    "er": _classes,
    "aec": _classes,
}
