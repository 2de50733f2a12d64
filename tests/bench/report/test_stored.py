"""Results read back from their files."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.cells import CheckOutcome, CodecCertificate, Source
from bench.codec import CodecInfo
from bench.report import results
from bench.report.stored import StoredResultError, read_result, read_results, said
from bench.report.summary import summarise
from bench.suites import SIGNAL

SOURCE = Source("signal", "mini", "r1", "sqcodec-3k", "abc", "libsndfile 1.2", "soxr 1.1")


CERTIFICATE = CodecCertificate(
    "1", False, "2026-01-01T00:00:00+00:00", (CheckOutcome("in step", "by 0.1", False),)
)


@pytest.fixture
def written(tmp_path: Path, cells: pd.DataFrame, info: CodecInfo) -> Path:
    result = results.result_of(summarise(info, cells, SIGNAL), cells, SOURCE, CERTIFICATE)
    return results.write(result, tmp_path)


def test_what_is_read_is_what_was_written(
    written: Path, tmp_path: Path, cells: pd.DataFrame, info: CodecInfo
) -> None:
    expected = results.result_of(summarise(info, cells, SIGNAL), cells, SOURCE, CERTIFICATE)
    assert read_result(written) == expected
    assert read_results(tmp_path, "signal") == [expected]


def test_a_file_from_before_it_had_certificates_has_none(written: Path) -> None:
    content = json.loads(written.read_text())
    del content["certificate"]
    written.write_text(json.dumps(content))
    assert read_result(written).certificate is None


def test_a_certificate_that_contradicts_its_checks_is_refused(written: Path) -> None:
    content = json.loads(written.read_text())
    content["certificate"]["passed"] = True
    written.write_text(json.dumps(content))
    with pytest.raises(StoredResultError, match=r"passed, with failed checks \['in step'\]"):
        read_result(written)


def test_no_results_are_an_empty_list(tmp_path: Path) -> None:
    assert read_results(tmp_path, "signal") == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 2}', "null"])
def test_a_file_that_is_no_result_is_named(written: Path, text: str) -> None:
    written.write_text(text)
    with pytest.raises(StoredResultError, match=r"sqcodec-3k\.json: no result that can be read"):
        read_result(written)


def test_another_schema_is_refused(written: Path) -> None:
    content = json.loads(written.read_text()) | {"schema": 99}
    written.write_text(json.dumps(content))
    with pytest.raises(StoredResultError, match="schema is 99"):
        read_result(written)


def test_a_file_that_contradicts_itself_is_refused(written: Path) -> None:
    content = json.loads(written.read_text()) | {"n_clips": 99}
    written.write_text(json.dumps(content))
    with pytest.raises(StoredResultError, match="expected 99 clips"):
        read_result(written)


def test_data_of_several_revisions_is_not_said_to_be_of_one(written: Path) -> None:
    first = read_result(written)
    other = replace(first, dataset_revision="r2", codec={**first.codec, "name": "opus-6k"})
    assert said([first, first]) == f"mini data set, revision r1, {first.n_clips} clips"
    assert said([first, other]) == (
        "mini data set, in revisions that are not comparable: r1 (sqcodec-3k); r2 (opus-6k)"
    )
    assert said([]) == ""


def test_texts_that_results_repeat_are_held_once(written: Path) -> None:
    first, second = (read_result(written).clips for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for name in ("dataset", "clip", "kind", "group", "sha256"):
            assert getattr(one, name) is getattr(other, name)
