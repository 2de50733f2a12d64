"""Points of quality against cost."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.cells import Source
from bench.codec import CodecInfo
from bench.report.bubbles import bubbles, has_network
from bench.report.results import Result, result_of
from bench.report.stored import StoredResultError
from bench.report.summary import summarise
from bench.suites import SIGNAL

RESULTS = Path(__file__).parents[3] / "results"


@pytest.fixture
def result(info: CodecInfo, cells: pd.DataFrame) -> Result:
    source = Source("signal", "small", "r1", "sqcodec-3k", "abc", "libsndfile 1", "")
    return result_of(summarise(info, cells, SIGNAL), cells, source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "table1-signal.csv").write_text(
        (RESULTS / "paper" / "table1-signal.csv").read_text()
    )
    return tmp_path


def _count(folder: Path, codec: str, **fields: object) -> Path:
    path = folder / "complexity" / f"{codec}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"codec": codec} | fields))
    return path


def test_the_papers_points_are_those_of_its_table(folder: Path) -> None:
    found = bubbles(folder)
    assert len(found) == 21
    point = next(bubble for bubble in found if bubble.codec == "sqcodec-24k-24khz")
    assert (point.source, point.bitrate_bps, point.pesq) == ("paper", 24_000, 4.07)
    assert (point.low, point.high) == (None, None)
    assert point.cost.published_gmacs == 76.35
    assert (point.cost.full_gmacs, point.cost.real_time_factor) == (None, None)


def test_the_paper_and_what_was_measured_share_the_cost_and_no_more(
    folder: Path, result: Result
) -> None:
    speed = {"speed": {"encode": 4.0, "decode": 12.0}}
    _count(folder, "sqcodec-3k", macs_by_paper=11e9, macs=40.8e9, measured=speed)
    both = [bubble for bubble in bubbles(folder, [result]) if bubble.codec == "sqcodec-3k"]
    assert [bubble.source for bubble in both] == ["paper", "measured"]
    assert [bubble.pesq for bubble in both] == [2.36, 0.5]
    assert both[0].cost == both[1].cost
    assert both[0].cost.published_gmacs == 11.16  # the paper's own number, not our count of it
    assert both[0].cost.full_gmacs == 40.8
    # 10 s are encoded in 10/4 s and decoded in 10/12 s: in 10/3 s together.
    assert both[0].cost.real_time_factor == pytest.approx(3)


def test_a_codec_that_the_paper_lacks_has_our_count_by_its_protocol(
    folder: Path, result: Result
) -> None:
    mine = replace(result, codec=result.codec | {"name": "sqcodec-6k-no-tconv"})
    _count(folder, "sqcodec-6k-no-tconv", macs_by_paper=19e9, macs=70e9, measured=None)
    cost = bubbles(folder, [mine])[-1].cost
    assert (cost.published_gmacs, cost.full_gmacs, cost.real_time_factor) == (19, 70, None)


def test_files_that_cannot_be_used_are_named(folder: Path) -> None:
    _count(folder, "sqcodec-3k", macs=1)
    with pytest.raises(StoredResultError, match=r"sqcodec-3k\.json: no complexity"):
        bubbles(folder)


def test_a_classical_codec_has_no_network() -> None:
    assert has_network("dac-24k-6k")
    assert not has_network("opus-6k")
    assert not has_network("reference")
