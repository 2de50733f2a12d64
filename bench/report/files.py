"""Files of results and reports, each written whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
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


def replace_json(
    path: Path,
    content: dict[str, Any],
    last: str | None = None,
    items: Iterable[dict[str, Any]] = (),
) -> Path:
    """Write JSON as `replace_text` writes a text.

    Args:
        path: of the file.
        content: of it.
        last: the last field of `content`, if its value is to be `items`, each on a line.
        items: of any number; JSON without indentation is many times faster to write and read.

    Raises:
        ValueError: a number is not finite.
        OSError: it cannot be written; what was there before still is.
    """
    first = {name: value for name, value in content.items() if name != last}
    text = json.dumps(first, indent=1, ensure_ascii=False, allow_nan=False)
    if last is not None:
        encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
        lines = ",\n".join(f"  {encode(item)}" for item in items)
        listed = f"[\n{lines}\n ]" if lines else "[]"
        opened = text.removesuffix("\n}")
        text = f"{opened},\n {json.dumps(last)}: {listed}\n}}"
    return replace_text(path, text + "\n")
