"""Paired differences: by clip, in the protocol's means, of comparable results only."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.report.paired import (
    ClipDifference,
    NotComparableError,
    difference,
    extremes,
    paired,
)
from bench.report.results import Result
from bench.report.stored import read_results
from bench.suites import SIGNAL

SDR, PESQ = SIGNAL.scores[0], SIGNAL.scores[3]


@pytest.fixture
def stored(small_results: Path) -> dict[str, Result]:
    return {str(r.codec["name"]): r for r in read_results(small_results, "signal")}


def test_the_difference_is_that_of_the_means_and_narrower(stored: dict[str, Result]) -> None:
    one, other = stored["sqcodec-6k"], stored["sqcodec-6k-window-150"]
    found = paired(one, other, SDR)
    means = [
        next(score for score in result.scores if score.name == "sdr_db") for result in (one, other)
    ]
    first, second = (score.mean for score in means)
    assert first is not None
    assert second is not None
    # Every clip has both, so that the mean of differences is the difference of means.
    assert found.interval.mean == pytest.approx(first - second, abs=1e-5)
    assert found.interval.low is not None
    assert found.interval.high is not None
    assert means[0].low is not None
    assert means[0].high is not None
    assert found.interval.high - found.interval.low < means[0].high - means[0].low


def test_it_changes_its_sign_with_the_order(stored: dict[str, Result]) -> None:
    one = paired(stored["sqcodec-6k"], stored["opus-6k"], SDR).interval
    other = paired(stored["opus-6k"], stored["sqcodec-6k"], SDR).interval
    assert one.mean == pytest.approx(-other.mean)
    assert one.low == pytest.approx(-(other.high or 0), abs=0.05)


def test_a_clip_that_one_lacks_is_left_out_and_counted(stored: dict[str, Result]) -> None:
    found = paired(stored["sqcodec-3k"], stored["encodec-3k"], SDR)
    assert (found.interval.n_clips, found.interval.n_failed, len(found.clips)) == (8, 1, 7)
    assert "p3" not in {clip.clip for clip in found.clips}


def test_a_clip_that_one_was_never_asked_for_is_left_out_and_counted(
    stored: dict[str, Result],
) -> None:
    one, other = stored["sqcodec-6k"], stored["opus-6k"]
    fewer = replace(other, clips=other.clips[1:], n_clips=other.n_clips - 1)
    whole, partly = paired(one, other, SDR), paired(one, fewer, SDR)
    assert partly.clips == whole.clips[1:]
    assert partly.interval.n_clips == whole.interval.n_clips
    assert partly.interval.n_failed == whole.interval.n_failed + 1
    turned = paired(fewer, one, SDR)
    assert {clip.clip for clip in turned.clips} == {clip.clip for clip in partly.clips}
    assert turned.interval.n_clips == partly.interval.n_clips
    assert turned.interval.mean == pytest.approx(-partly.interval.mean)


def test_the_interval_alone_is_that_of_the_pair(stored: dict[str, Result]) -> None:
    for name, other in (("sqcodec-6k", "opus-6k"), ("sqcodec-3k", "encodec-3k")):
        expected = paired(stored[name], stored[other], SDR)
        assert expected.interval.low is not None
        assert difference(stored[name], stored[other], SDR) == expected.interval


def test_without_common_clips_there_is_a_reason(stored: dict[str, Result]) -> None:
    found = paired(stored["sqcodec-6k"], stored["opus-6k"], PESQ)
    assert found.clips == ()
    assert found.interval.reason == "no clip has a value"


def test_other_data_or_versions_are_not_compared(stored: dict[str, Result]) -> None:
    one, other = stored["sqcodec-6k"], stored["opus-6k"]
    with pytest.raises(NotComparableError, match="dataset revision r1 and r2"):
        paired(one, replace(other, dataset_revision="r2"), SDR)
    scores = tuple(replace(score, metric_version="sdr/2") for score in other.scores)
    with pytest.raises(NotComparableError, match=r"SDR of .* sdr/1 and sdr/2"):
        paired(one, replace(other, scores=scores), SDR)


@pytest.mark.parametrize(("higher", "best"), [(True, ["c", "a"]), (False, ["b", "d"])])
def test_the_furthest_clips(higher: bool, best: list[str]) -> None:
    values = {"a": 1.0, "b": -9.0, "c": 5.0, "d": -2.0}
    clips = [ClipDifference("set", name, "", value, 0.0) for name, value in values.items()]
    ahead, behind = extremes(clips, 2, higher_is_better=higher)
    assert [clip.clip for clip in ahead] == best
    assert {clip.clip for clip in behind} == set(values) - set(best)


def test_no_clip_is_at_both_ends() -> None:
    clips = [ClipDifference("set", name, "", 1.0, 0.0) for name in "abc"]
    ahead, behind = extremes(clips, 9, higher_is_better=True)
    assert len(ahead) == len(behind) == 1
    assert ahead != behind
