"""bench.report.summary: the protocol's means, measured bit/s, and failures with their reasons."""

import numpy as np
import pandas as pd
import pytest

from bench.codec import CodecInfo
from bench.delay import Delay
from bench.metrics.codes import CodeUsage
from bench.report.summary import Failure, FailureCount, summarise
from bench.suites import SIGNAL


def _failed(cells: pd.DataFrame, clip: str, metrics: set[str], reason: str) -> pd.DataFrame:
    failed = (cells["clip"] == clip) & cells["metric"].isin(metrics)
    assert failed.sum() == len(metrics)
    return cells.assign(
        value=cells["value"].mask(failed), error=cells["error"].where(~failed, reason)
    )


def test_scores_are_means_of_means_speech_and_audio_apart(
    info: CodecInfo, cells: pd.DataFrame
) -> None:
    summary = summarise(info, cells, SIGNAL)
    scores = {score.name: interval for score, interval in summary.scores}
    assert list(scores) == [score.name for score in SIGNAL.scores]
    assert scores["sdr_db"].mean == pytest.approx((3.0 + 5.0) / 2)
    assert scores["audio_sdr_db"].mean == pytest.approx(-3.0)
    assert scores["sdr_db"].low < scores["sdr_db"].mean < scores["sdr_db"].high
    assert (summary.n_clips, summary.n_failed, summary.failures) == (6, 0, ())


def test_bit_rate_is_all_bits_over_all_seconds(info: CodecInfo, cells: pd.DataFrame) -> None:
    long = (cells["clip"] == "b1") & (cells["metric"] == "duration")
    cells.loc[long, "value"] = 5.0
    assert summarise(info, cells, SIGNAL).bitrate_bps == pytest.approx(6 * 3000 / 10)


def test_a_failed_clip_is_counted_named_and_in_no_mean(
    info: CodecInfo, cells: pd.DataFrame
) -> None:
    cells = _failed(cells, "b3", {"pesq", "stoi"}, "too short")
    cells = _failed(cells, "s1", {"sdr", "mel", "bits", "duration", "sample_rate"}, "corrupt")
    cells = _failed(cells, "s2", {"sdr"}, "silent")
    summary = summarise(info, cells, SIGNAL)
    assert summary.n_failed == 3
    assert summary.failures == (
        Failure("books", "b3", ("stoi", "pesq"), "too short"),
        Failure("songs", "s1", ("bits", "duration", "sample_rate", "sdr", "mel"), "corrupt"),
        Failure("songs", "s2", ("sdr",), "silent"),
    )
    scores = {score.name: interval for score, interval in summary.scores}
    assert (scores["pesq"].n_failed, scores["sdr_db"].n_failed) == (1, 0)
    assert scores["audio_sdr_db"].n_failed == 2
    assert scores["audio_mel"].mean == 0.5
    assert summary.bitrate_bps == pytest.approx(3000)


def test_a_run_of_failures_has_no_bit_rate(info: CodecInfo, cells: pd.DataFrame) -> None:
    cells = cells.assign(value=float("nan"), error="the codec raised")
    summary = summarise(info, cells, SIGNAL)
    assert summary.bitrate_bps is None
    assert summary.n_failed == 6


def test_a_score_without_clips_is_left_out(info: CodecInfo, cells: pd.DataFrame) -> None:
    summary = summarise(info, cells[cells["kind"] == "speech"], SIGNAL)
    assert [score.name for score, _ in summary.scores] == ["sdr_db", "mel", "stoi", "pesq"]


def test_failures_are_counted_by_reason(info: CodecInfo, cells: pd.DataFrame) -> None:
    cells = _failed(cells, "b1", {"pesq", "stoi"}, "too short: expected 1025 samples, got 800")
    cells = _failed(cells, "b2", {"pesq"}, "too short: expected 1025 samples, got 33")
    cells = _failed(cells, "b3", {"sdr", "mel", "stoi"}, "sub folder/b3.wav: no such file")
    cells = _failed(cells, "p1", {"sdr"}, "p1.flac: no such file")
    assert summarise(info, cells, SIGNAL).failure_counts == (
        FailureCount("no such file", n_clips=2, n_cells=4),
        FailureCount("too short: expected ... samples, got ...", n_clips=2, n_cells=3),
    )


def test_a_reason_of_one_kind_keeps_its_numbers(info: CodecInfo, cells: pd.DataFrame) -> None:
    cells = _failed(cells, "b1", {"pesq"}, "PESQ takes 0.25 to 60.0 s, got 0.0500 s")
    (count,) = summarise(info, cells, SIGNAL).failure_counts
    assert count == FailureCount("PESQ takes 0.25 to 60.0 s, got 0.0500 s", 1, 1)


def test_without_a_delay_the_aligned_sdr_is_the_sdr_or_none(
    info: CodecInfo, cells: pd.DataFrame
) -> None:
    unknown = summarise(info, cells, SIGNAL).beside
    assert unknown.aligned_sdr_db == {"sdr_db": None, "audio_sdr_db": None}
    sharp = summarise(info, cells, SIGNAL, Delay(0, 16_000, 1.0)).beside
    assert sharp.aligned_sdr_db == {"sdr_db": 4.0, "audio_sdr_db": -3.0}
    none = summarise(info, cells, SIGNAL, Delay(None, 16_000, None, "unclear")).beside
    assert none.aligned_sdr_db == {"sdr_db": None, "audio_sdr_db": None}


def test_what_stands_beside_changes_no_score(info: CodecInfo, cells: pd.DataFrame) -> None:
    sdr = cells[cells["metric"] == "sdr"]
    aligned = sdr.assign(metric="aligned_sdr", value=sdr["value"] + 10)
    plain = summarise(info, cells, SIGNAL)
    codes = [np.array([[0, 0, 1, 1], [5, 5, 5, 5]]), np.array([[2, 2, 3, 3], [5, 5, 5, 5]])]
    both = summarise(info, pd.concat([cells, aligned]), SIGNAL, Delay(8, 16_000, 0.9), codes)
    assert both.scores == plain.scores
    assert both.beside.aligned_sdr_db == {"sdr_db": 14.0, "audio_sdr_db": 7.0}
    assert both.beside.codes == CodeUsage(used=(4, 1), entropy_bits=(2.0, 0.0))
    assert (both.beside.n_clipped_samples, both.beside.n_clipped_clips) == (2, 1)
