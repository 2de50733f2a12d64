"""An error as it is stored with a clip: one line, without the paths of this machine.

Reasons end up in results that are shared, so a file is named from the data set's folder on.
"""

from __future__ import annotations

import re
from pathlib import Path

# The folders before a file's name in an absolute path; no URL, ratio or date looks like it.
_FOLDERS = re.compile(r"(?<![\w./:-])/(?:[^\s/:'\"]+/)+")


def reason(error: BaseException, path: Path | None = None, shown: str = "") -> str:
    """Say an error in one line. A `ValueError` was written for the user, others need their name.

    Args:
        error: what was raised.
        path: of the clip at hand, which is written as `shown`.
        shown: that path from the data set's folder on.
    """
    message = " ".join(str(error).split())
    if path is not None:
        message = message.replace(str(path), shown)
    message = _FOLDERS.sub("", message)
    if isinstance(error, ValueError) and message:
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
