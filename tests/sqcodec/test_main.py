"""The package and its program before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import sqcodec

_PROGRAM = """
import os, sys
import sqcodec
import sqcodec.__main__
assert "torch" not in sys.modules, "torch has read its environment too early"
sys.argv = ["sqcodec", "--help"]
try:
    sqcodec.__main__.main()
except SystemExit as end:
    print("status", end.code)
print("waits", os.environ["OMP_WAIT_POLICY"])
"""


def test_everything_exported_is_there() -> None:
    assert all(getattr(sqcodec, name).__name__ == name for name in sqcodec.__all__)


def test_what_is_not_exported_is_an_attribute_error() -> None:
    name = "nothing"
    with pytest.raises(AttributeError, match="module 'sqcodec' has no attribute 'nothing'"):
        getattr(sqcodec, name)


@pytest.mark.parametrize(
    ("given", "expected"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")]
)
def test_the_program_says_how_threads_wait_before_torch_is_loaded(
    given: dict[str, str], expected: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "encode" in run.stdout
    assert run.stdout.endswith(f"status 0\nwaits {expected}\n")
