"""bench.errors: one line, without this machine's paths."""

from pathlib import Path

import pytest

from bench.errors import reason


def test_a_clip_is_named_from_the_data_sets_folder_on() -> None:
    path = Path("/data/my sets/speech/a.wav")
    error = ValueError(f"{path}: no such file")
    assert reason(error, path, "speech/a.wav") == "speech/a.wav: no such file"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("too\n  short"), "too short"),
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (ValueError(), "ValueError"),
        (
            OSError("cannot open /home/me/models/net.bin: gone"),
            "OSError: cannot open net.bin: gone",
        ),
        (ValueError("'/opt/x/y.so' (in /tmp/z-1/f)"), "'y.so' (in f)"),
        (ValueError("3/4 at 16 kbit/s, see https://a.org/b/c"), None),
    ],
)
def test_one_line_without_folders(error: Exception, told: str | None) -> None:
    assert reason(error) == (str(error) if told is None else told)
