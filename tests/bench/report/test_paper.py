"""bench.report.paper: Table 1's row for the codec of that name and rate, and for no other."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.codec import CodecInfo
from bench.report.paper import paper_row
from bench.suites import SIGNAL

SCORES = [score.name for score in SIGNAL.scores]


def test_the_row_of_sqcodec_3k(info: CodecInfo) -> None:
    row = paper_row(info, SCORES)
    assert row is not None
    assert (row.model, row.bitrate_bps) == ("SQCodec", 3000)
    assert list(row.scores.values()) == [7.14, 0.92, 0.90, 2.36, 3.86, 1.79]


def test_rates_tell_two_codecs_of_one_bitrate_apart(info: CodecInfo) -> None:
    at_16 = paper_row(replace(info, name="sqcodec-12k"), SCORES)
    at_24 = paper_row(replace(info, name="sqcodec-12k-24khz", sample_rate=24_000), SCORES)
    assert at_16 is not None
    assert at_24 is not None
    assert (at_16.scores["sdr_db"], at_24.scores["sdr_db"]) == (14.66, 14.89)


def test_a_fraction_of_a_kilobit(info: CodecInfo) -> None:
    row = paper_row(replace(info, name="sqcodec-0.75k"), SCORES)
    assert row is not None
    assert row.scores["pesq"] == 1.64


@pytest.mark.parametrize(
    "name", ["reference", "resample-16k", "sqcodec-5k", "sqcodec-6k-window-150", "sqcodec-3k-1a2b"]
)
def test_what_is_not_in_the_table_has_no_row(info: CodecInfo, name: str) -> None:
    assert paper_row(replace(info, name=name), SCORES) is None


def test_without_the_table(info: CodecInfo, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"table1\.csv"):
        paper_row(info, SCORES, tmp_path / "table1.csv")
