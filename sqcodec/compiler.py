"""Whether `torch.compile` has the C++ compiler that it needs."""

from __future__ import annotations

import os
import shutil


class CompilerNotFoundError(FileNotFoundError):
    """There is no compiler for `torch.compile`."""


def require_compiler() -> None:
    """Fail early where `torch.compile` would fail at the first clip.

    Raises:
        CompilerNotFoundError: there is no C++ compiler.
    """
    candidates = [os.environ["CXX"]] if "CXX" in os.environ else ["g++", "clang++"]
    if not any(shutil.which(candidate) for candidate in candidates):
        raise CompilerNotFoundError(
            f"compile=True needs a C++ compiler, and {' or '.join(candidates)} is not on the "
            "PATH: install one, or leave compile=False"
        )
