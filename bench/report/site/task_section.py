"""A task of the application suite on a codec's page: who judged, the scores, and their evidence.

The evidence is what each clip and each trial contributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.downstream.tasks import Task
from bench.report.application_stored import stored_trials, word_error_rate, word_errors

MOST_SHOWN = 100
"""Clips of a task, or trials of a kind, that a page shows: more are too many to read."""


@dataclass(frozen=True)
class EvidenceRow:
    """The clips that a row is of, and the cells beside them, or why there are none."""

    clips: tuple[str, ...]
    cells: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class EvidenceTable:
    """Clips or trials, the worst first.

    Attributes:
        key: its anchor.
        caption: what it shows, and in which order.
        heads: of the columns, those of clips among them.
        rows: the first `MOST_SHOWN`.
        n_more: that are not shown, but in the CSV file of all of them.
    """

    key: str
    caption: str
    heads: tuple[str, ...]
    rows: tuple[EvidenceRow, ...]
    n_more: int

    @property
    def of(self) -> str:
        """What its rows are: clips or trials; the CSV file is called so."""
        return "clips" if self.key == "clips" else "trials"


@dataclass(frozen=True)
class ShownScore:
    """A score as it is shown; the difference is that from the untouched clips."""

    label: str
    arrow: str
    value: str
    interval: str
    difference: str
    difference_interval: str
    over: str
    method: str


@dataclass(frozen=True)
class TaskSection:
    """A task with its scores, the protocol's first, and its evidence.

    Attributes:
        unavailable: why it was not run; "" where it was.
        facts: who judged what, and with what.
        failures: reasons, and of how many clips.
    """

    name: str
    label: str
    unavailable: str
    facts: dict[str, str]
    scores: tuple[ShownScore, ...]
    failures: tuple[tuple[str, int], ...]
    tables: tuple[EvidenceTable, ...]

    @property
    def anchor(self) -> str:
        """Where a score leads: its evidence, or the task where there is none."""
        return f"{self.name}-{self.tables[0].key}" if self.tables else self.name


def task_section(task: Task, part: Mapping[str, Any], is_reference: bool) -> TaskSection:
    """What a page shows of a task.

    Args:
        task: which.
        part: of the stored result.
        is_reference: whether the untouched clips themselves were judged.

    Raises:
        LookupError, TypeError, ValueError: it is not what `bench.report.application` writes.
    """
    return TaskSection(
        name=task.name,
        label=f"{task.display_name}, {task.description}",
        unavailable=str(part["unavailable"]),
        facts={} if part["unavailable"] else _facts(part),
        scores=tuple(_score(score, is_reference) for score in part["scores"]),
        failures=tuple((str(f["reason"]), int(f["n_clips"])) for f in part["failures"]),
        tables=tuple(_TABLES[task.name](part)) if part["clips"] else (),
    )


def interval(estimate: Mapping[str, Any]) -> str:
    """The bounds as they are shown, or why there are none."""
    if estimate["low"] is None or estimate["high"] is None:
        return str(estimate["method"])
    return f"[{estimate['low']:.2f}, {estimate['high']:.2f}]"


def _facts(part: Mapping[str, Any]) -> dict[str, str]:
    evaluator = part["evaluator"] or {}
    facts = {
        "judged by": evaluator.get("name"),
        "which is": "the paper's evaluator" if part["of_paper"] else "not the paper's evaluator",
        "revision": evaluator.get("revision"),
        "how": evaluator.get("description"),
        "weights": evaluator.get("weights"),
        "licence": evaluator.get("licence"),
        "cite": evaluator.get("citation"),
        "data": part["dataset"],
        "revision of the data": part["dataset_revision"],
        "clips": f"{part['n_clips']:,}, of which {part['n_failed']:,} failed",
        "trials": f"{part['n_trials']:,}" if part["n_trials"] else "",
        "judged from": part["first_judged_at"],
        "to": part["last_judged_at"],
        "scores computed with": ", ".join(f"{n} {v}" for n, v in part["scored_by"].items()),
    }
    return {name: str(text) for name, text in facts.items() if text}


def _score(score: Mapping[str, Any], is_reference: bool) -> ShownScore:
    difference = None if is_reference else score["difference"]
    method = str(score["method"])
    if difference is not None and difference["method"] != method:
        method += f"; of the difference: {difference['method']}"
    known = difference is not None and difference["value"] is not None
    return ShownScore(
        label=f"{score['display_name']} {score['unit']}".strip(),
        arrow="↑" if score["higher_is_better"] else "↓",
        value="none" if score["value"] is None else f"{score['value']:.2f}",
        interval=interval(score),
        difference=f"{difference['value']:+.2f}" if difference is not None and known else "",
        difference_interval=interval(difference) if difference is not None and known else "",
        over=f"{score['n']:,} {score['counted']}",
        method=method,
    )


def _words(part: Mapping[str, Any]) -> list[EvidenceTable]:
    def cells(clip: Mapping[str, Any]) -> tuple[str, ...]:
        edits = (f"{clip[n]} {n[:3]}." for n in ("substitutions", "deletions", "insertions"))
        said = f"{word_errors(clip)} of {clip['words']}: {', '.join(edits)}"
        return (
            f"{word_error_rate(clip):.1f}",
            said,
            str(clip["transcript"]),
            str(clip["hypothesis"]),
        )

    heads = ("word errors %", "errors", "said", "understood")
    order = "the most word errors first"
    return [_clips(part, order, heads, lambda clip: -word_error_rate(clip), cells)]


def _speakers(part: Mapping[str, Any]) -> list[EvidenceTable]:
    def similarity(clip: Mapping[str, Any]) -> float:
        return float(clip.get("similarity", -2.0))  # below every cosine

    def cells(clip: Mapping[str, Any]) -> tuple[str, ...]:
        found = f"{clip['similarity']:.3f}" if "similarity" in clip else "no untouched one"
        return found, str(clip.get("speaker") or "")  # no speakers in schema 1

    heads = ("similarity", "speaker")
    order = "the least like its untouched self first"
    return [*_trials(part), _clips(part, order, heads, similarity, cells)]


def _trials(part: Mapping[str, Any]) -> list[EvidenceTable]:
    """The trials by kind, those that are nearest to being taken for the other kind first."""
    kinds: dict[str, list[tuple[float, str, str]]] = {"same": [], "other": [], "languages": []}
    for enrol, test, same_language, score in stored_trials(part):
        if score is not None:
            across = "other" if same_language else "languages"
            kind = "same" if enrol["speaker"] == test["speaker"] else across
            kinds[kind].append((score, str(enrol["clip"]), str(test["clip"])))
    tables = []
    for kind, who, order in (
        ("same", "of one speaker", "the least alike"),
        ("other", "of two speakers", "the most alike"),
        ("languages", "of two speakers of different languages", "the most alike"),
    ):
        sign = 1 if kind == "same" else -1
        ranked = sorted(kinds[kind], key=lambda trial: (sign * trial[0], trial))
        rows = tuple(EvidenceRow((a, b), (f"{s:.3f}",)) for s, a, b in ranked[:MOST_SHOWN])
        if rows:
            caption = f"{len(ranked):,} trials {who}, {order} first"
            heads = ("clip", "other clip", "score")
            more = len(ranked) - len(rows)
            tables.append(EvidenceTable(f"trials-{kind}", caption, heads, rows, more))
    return tables


def _classes(part: Mapping[str, Any]) -> list[EvidenceTable]:
    def cells(clip: Mapping[str, Any]) -> tuple[str, ...]:
        shares = (clip.get("probability_of_label"), clip.get("probability"))
        texts = ("" if share is None else f"{share:.2f}" for share in shares)
        untouched = clip.get("predicted_of_reference") or ""
        right = "yes" if clip["right"] else "no"
        return str(clip["label"]), str(clip["predicted"]), str(untouched), right, *texts

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
) -> EvidenceTable:
    """Those that failed, with their reason, then by rank."""
    failed = [clip for clip in part["clips"] if "error" in clip]
    judged = [clip for clip in part["clips"] if "error" not in clip]
    judged.sort(key=lambda clip: (rank(clip), str(clip["clip"])))
    rows = [EvidenceRow((str(clip["clip"]),), error=str(clip["error"])) for clip in failed]
    rows += [EvidenceRow((str(clip["clip"]),), cells(clip)) for clip in judged]
    caption = f"{len(rows):,} clips, {'those that failed, then ' if failed else ''}{order}"
    shown = tuple(rows[:MOST_SHOWN])
    return EvidenceTable("clips", caption, ("clip", *heads), shown, len(rows) - len(shown))


_TABLES: dict[str, Callable[[Mapping[str, Any]], list[EvidenceTable]]] = {
    "asr": _words,
    "asv": _speakers,
    "er": _classes,
    "aec": _classes,
}
