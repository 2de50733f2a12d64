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
    """What one file says, its fields not yet checked.

    Raises:
        StoredResultError: it cannot be read, or is no result of the suite.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["tasks"], list) or not isinstance(content["codec"], dict):
            raise TypeError("expected a codec and a list of tasks")
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
