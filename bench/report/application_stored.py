"""The files of the application suite, found and read back.

`bench.report.application` writes them, one a data set and codec.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.report.stored import StoredResultError

Files = dict[str, dict[str, Path]]
"""By data set, then by codec."""

Clip = Mapping[str, Any]

DECIDES = {
    "dataset_revision": "of another dataset revision",
    "evaluator": "of another evaluator",
    "scored_by": "scored by other versions",
}
"""The fields of a task that must be the same in two results that are compared."""


def application_files(results: Path) -> Files:
    """The files below the folder `results`; none where the suite was not run."""
    found: Files = {}
    for path in sorted((results / "application").glob("*/*.json")):
        found.setdefault(path.parent.name, {})[path.stem] = path
    return found


def main_dataset(files: Mapping[str, Mapping[str, Path]]) -> str:
    """The data set with the most codecs; "" where there is none."""
    return min(files, key=lambda name: (-len(files[name]), name), default="")


def read_application(path: Path) -> dict[str, Any]:
    """What one file says, its fields not yet checked, but for the list of tasks.

    Raises:
        StoredResultError: it cannot be read, or is no result of the suite.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["tasks"], list):
            raise TypeError("expected a list of tasks")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error
    return dict(content)


def read_tasks(path: Path) -> dict[str, dict[str, Any]]:
    """The tasks of one file, by name.

    Raises:
        StoredResultError: it cannot be read.
    """
    content = read_application(path)
    try:
        return {str(task["task"]): task for task in content["tasks"]}
    except (KeyError, TypeError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> StoredResultError:
    """The error of a file that cannot be used, in a line."""
    return StoredResultError(f"{path}: no result that can be read: {type(error).__name__}: {error}")


def word_errors(clip: Clip) -> int:
    """Substitutions, deletions and insertions of a clip."""
    return int(clip["substitutions"] + clip["deletions"] + clip["insertions"])


def word_error_rate(clip: Clip) -> float:
    """Word errors in per cent of the words that are said."""
    return 100.0 * word_errors(clip) / max(int(clip["words"]), 1)


def stored_trials(task: Mapping[str, Any]) -> list[tuple[Clip, Clip, bool, float | None]]:
    """Both clips of each trial, whether of one language, and its score, None where a clip failed.

    Results of schema 1 have no trials.
    """
    columns, clips = task["trials"], task["clips"]
    if not isinstance(columns, dict) or not columns:
        return []
    names = ("enrol", "test", "same_language", "score")
    trials = zip(*(columns[name] for name in names), strict=True)
    return [(clips[enrol], clips[test], same, score) for enrol, test, same, score in trials]
