"""Weights of the neural baselines: `bench.weights`, with the errors that a codec promises."""

from __future__ import annotations

from bench.codec import CodecUnavailableError
from bench.weights import (
    FOLDER_VARIABLE,
    Finder,
    Weights,
    described,
    here,
    revision,
    weights_folder,
)

__all__ = [
    "FOLDER_VARIABLE",
    "Weights",
    "check_installed",
    "checked_sha256",
    "described",
    "find",
    "here",
    "missing",
    "revision",
    "ways",
    "weights_folder",
]

_FINDER = Finder(CodecUnavailableError, "baselines")

find = _FINDER.find
ways = _FINDER.ways
missing = _FINDER.missing
check_installed = _FINDER.check_installed
checked_sha256 = _FINDER.checked_sha256
