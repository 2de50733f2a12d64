"""Files of results and reports, each written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

_FILE_NAME = re.compile(r"[\w.+-]+")


def result_path(folder: Path, suite: str, dataset: str, codec: str) -> Path:
    """Where a codec's results of a suite on a data set are.

    Raises:
        ValueError: the codec's name cannot be a file's name.
    """
    if not _FILE_NAME.fullmatch(codec):
        raise ValueError(f"expected a codec name of letters, digits, '.', '+', '-', got {codec!r}")
    return folder / suite / dataset / f"{codec}.json"


def replace_text(path: Path, text: str) -> Path:
    """Write a text, making its folder where that is missing, and return its path.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def replace_json(path: Path, content: dict[str, Any]) -> Path:
    """Write JSON as `replace_text` writes a text.

    Raises:
        ValueError: a number is not finite.
        OSError: it cannot be written; what was there before still is.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return replace_text(path, text + "\n")
