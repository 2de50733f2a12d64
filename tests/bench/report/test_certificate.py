"""A certificate as a file: what is written is what reports read."""

from pathlib import Path

import pytest

from bench.report.certificate import certified, write
from bench.report.stored import StoredResultError
from bench.verify import Certificate, Check


def test_verdicts_by_codec_and_revision(tmp_path: Path) -> None:
    passed = Certificate("opus-6k", "r1", (Check("delay", "0 samples", True),))
    failed = Certificate("mine", "r2", (Check("delay", "0", True), Check("codes", "none", False)))
    path = write(passed, "1", tmp_path)
    write(failed, "1", tmp_path)
    assert path == tmp_path / "certificates" / "opus-6k.json"
    assert certified(tmp_path) == {("opus-6k", "r1"): True, ("mine", "r2"): False}


def test_no_certificates_are_no_error(tmp_path: Path) -> None:
    assert certified(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"codec": "a"}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "a.json").write_text(text)
    with pytest.raises(StoredResultError, match=r"a\.json: no certificate that can be read"):
        certified(tmp_path)
