"""bench.report.results: every number in the file leads back to its clip, and files are stable."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bench.cells import CheckOutcome, CodecCertificate, Source
from bench.codec import CodecInfo
from bench.report.results import ClipResult, Result, ScoreResult, result_of, write
from bench.report.stored import read_result
from bench.report.summary import summarise
from bench.suites import SIGNAL

SOURCE = Source("signal", "small", "r1", "sqcodec-3k", "abc", "libsndfile 1", "soxr 1.0 HQ")


def _result(info: CodecInfo, cells: pd.DataFrame) -> Result:
    return result_of(summarise(info, cells, SIGNAL), cells, SOURCE)


def test_the_means_are_those_of_the_files_own_clips(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path
) -> None:
    path = write(_result(info, cells), tmp_path)
    assert path == tmp_path / "signal" / "small" / "sqcodec-3k.json"
    assert list(path.parent.iterdir()) == [path]
    found = json.loads(path.read_text())
    clips = pd.DataFrame(found["clips"])
    sdr = clips["values"].map(lambda values: values["sdr"])
    speech = clips["kind"] == "speech"
    mean = sdr[speech].groupby(clips["dataset"]).mean().mean()
    scores = {score["name"]: score for score in found["scores"]}
    assert scores["sdr_db"]["mean"] == pytest.approx(mean)
    assert scores["audio_sdr_db"]["mean"] == pytest.approx(sdr[~speech].mean())
    assert found["measured_bitrate_bps"] == clips["bits"].sum() / clips["duration_s"].sum()
    assert found["clips"][-1] == {
        "dataset": "songs",
        "clip": "s2",
        "kind": "music",
        "group": None,
        "sha256": "sha of s2",
        "sample_rate": 16_000,
        "duration_s": 1.0,
        "bits": 3000.0,
        "frames": None,
        "clipped_samples": 0,
        "values": {"sdr": -4.0, "mel": 0.5},
        "errors": {},
    }


def test_the_file_says_with_what_it_was_measured(info: CodecInfo, cells: pd.DataFrame) -> None:
    other = cells["libraries"].where(cells["clip"] != "p1", '{"numpy": "2.1"}')
    result = _result(info, cells.assign(libraries=other))
    assert (result.suite, result.dataset, result.dataset_revision) == ("signal", "small", "r1")
    assert result.codec["weights"] == "trained on 3 hours"
    assert result.resampler == "soxr 1.0 HQ"
    assert result.libraries == {"numpy": ["2.0", "2.1"], "soxr": ["1.0"]}
    assert result.scores[0].metric_version == "sdr/1"
    assert (result.first_measured_at, result.last_measured_at) == (
        "2026-01-01T00:00:00+00:00",
        "2026-01-09T00:00:00+00:00",
    )


def test_the_certificate_stands_in_the_file(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path
) -> None:
    checks = (CheckOutcome("eval mode", "all 9 modules", True), CheckOutcome("known", "none", None))
    certificate = CodecCertificate("1", True, "2026-01-02T00:00:00+00:00", checks)
    summary = summarise(info, cells, SIGNAL)
    path = write(result_of(summary, cells, SOURCE, certificate), tmp_path)
    assert json.loads(path.read_text())["certificate"] == {
        "version": "1",
        "passed": True,
        "verified_at": "2026-01-02T00:00:00+00:00",
        "checks": [
            {"name": "eval mode", "value": "all 9 modules", "passed": True},
            {"name": "known", "value": "none", "passed": None},
        ],
    }
    bare = json.loads(write(result_of(summary, cells, SOURCE), tmp_path).read_text())
    assert bare["certificate"] is None


def test_a_failed_clip_has_its_reasons(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path
) -> None:
    failed = (cells["clip"] == "b3") & (cells["metric"] != "bits")
    cells = cells.assign(
        value=cells["value"].mask(failed),
        error=cells["error"].where(~failed, "broken"),
        unit=cells["unit"].mask(failed),
    )
    found = json.loads(write(_result(info, cells), tmp_path).read_text())
    assert found["n_clips_failed"] == 1
    clip = found["clips"][2]
    assert clip["values"] == {}
    assert clip["errors"]["pesq"] == "broken"
    assert (clip["duration_s"], clip["sample_rate"], clip["bits"]) == (None, None, 3000)


def test_the_same_cells_give_the_same_bytes(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path
) -> None:
    first = write(_result(info, cells), tmp_path / "a").read_bytes()
    assert write(_result(info, cells), tmp_path / "b").read_bytes() == first


def test_a_write_that_fails_leaves_the_old_file(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(_result(info, cells), tmp_path)
    before = path.read_bytes()

    def full_disk(*arguments: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write(_result(replace(info, licence="another"), cells), tmp_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_name_that_is_a_path_is_refused(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path
) -> None:
    result = _result(replace(info, name="../escaped"), cells)
    with pytest.raises(ValueError, match=r"expected a codec name .* got '\.\./escaped'"):
        write(result, tmp_path)


SCORE = ScoreResult("pesq", "pesq", "pesq/1", "", 2.0, 1.0, 3.0, "", 5, 1, (), (), ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": float("inf")},
        {"n_failed": 6},
        {"n_failed": 5},
        {"mean": None},
        {"low": None},
        {"no_interval_because": "few clips"},
    ],
)
def test_a_score_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="pesq: "):
        replace(SCORE, **wrong)


def test_a_clip_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match=r"d/c: value and error of \['sdr'\]"):
        ClipResult(
            "d", "c", "speech", None, "0", 16, 1.0, 1.0, None, 0, {"sdr": 1.0}, {"sdr": "failed"}
        )
    with pytest.raises(ValueError, match="d/c sdr: expected a finite number, got nan"):
        ClipResult("d", "c", "speech", None, "0", 16, 1.0, 1.0, None, 0, {"sdr": float("nan")}, {})


def test_counts_that_disagree_are_refused(info: CodecInfo, cells: pd.DataFrame) -> None:
    result = _result(info, cells)
    with pytest.raises(ValueError, match="expected 7 clips, got 6"):
        replace(result, n_clips=7)
    with pytest.raises(ValueError, match="expected 2 failed clips, got 0"):
        replace(result, n_clips_failed=2)


def test_a_clip_takes_a_line_of_the_file(
    info: CodecInfo, cells: pd.DataFrame, tmp_path: Path
) -> None:
    result = _result(info, cells)
    path = write(result, tmp_path)
    lines = path.read_text().splitlines()
    of_clips = [line for line in lines if line.startswith('  {"dataset": ')]
    assert [json.loads(line.removesuffix(","))["clip"] for line in of_clips] == [
        clip.clip for clip in result.clips
    ]
    assert lines[-len(of_clips) - 3] == ' "clips": ['
    assert read_result(path) == result
