"""bench.report.application: what the file says is what was judged, and nothing contradicts it."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.cells import Judgement
from bench.codec import CodecInfo
from bench.datasets.manifest import Clip
from bench.downstream.contract import EvaluatorInfo
from bench.downstream.score import Estimate, Score, Scored, ScoreKind, TaskData
from bench.report.application import TaskResult, bitrate_bps, result_of, task_result, write
from bench.report.application_table import application_table

INFO = CodecInfo("opus-6k", None, 6_000, 0, 0, 0, "r1", weights="none needed")
EVALUATOR = EvaluatorInfo("whisper-tiny.en", "asr", 16_000, "e1")
WER = ScoreKind("wer_asr_pct", "WER", "%", higher_is_better=False)
BESIDE = ScoreKind("wer_against_reference_pct", "WER against it", "%", False, beside=True)


def data() -> TaskData:
    clips = [Clip("s", name, "speech", Path(name), name * 64, group="x") for name in "abc"]
    return TaskData("asr", "some clips", "d1", tuple(clips))


def judgement(clip: str, bits: float | None = 600.0, error: str | None = None) -> Judgement:
    said = None if error else {"transcript": "so"}
    return Judgement(clip * 64, clip, said, error, bits, 0.1, 0.0, "host", f"2026-0{ord(clip) % 9}")


def scored() -> Scored:
    apart = Estimate(2.0, 1.0, 3.0, "bootstrap over 2 speakers")
    main = Score(WER, Estimate(4.1234567, 2, 9, "bootstrap over 2 speakers"), 20, "words", apart)
    beside = Score(BESIDE, Estimate(None, method="no clip has both"), 0, "words")
    return Scored((main, beside), {"a": {"hypothesis": "so", "words": 10}}, scored_by={"x": "1"})


def part() -> TaskResult:
    judged = {"a" * 64: judgement("a"), "b" * 64: judgement("b", None, "the codec died")}
    return task_result(data(), EVALUATOR, False, scored(), judged)


def test_a_task_says_what_became_of_each_clip() -> None:
    found = part()
    assert (found.n_clips, found.n_failed) == (3, 2)
    assert {count.reason: count.n_clips for count in found.failures} == {
        "the codec died": 1,
        "not judged": 1,
    }
    assert [clip.get("error") for clip in found.clips] == [None, "the codec died", "not judged"]
    assert found.clips[0]["hypothesis"] == "so"
    assert found.scores[0]["value"] == 4.123457
    assert found.scores[0]["difference"]["low"] == 1
    assert found.scores[1]["value"] is None
    assert found.measured_bitrate_bps == 6_000
    assert found.evaluator is not None
    assert found.evaluator["revision"] == "e1"


def test_a_file_counts_once() -> None:
    twice = [judgement("a"), judgement("a"), judgement("b", 1_200.0), judgement("c", None, "no")]
    assert bitrate_bps(twice) == 9_000
    assert bitrate_bps([judgement("c", None, "no")]) is None


def test_results_that_contradict_themselves() -> None:
    with pytest.raises(ValueError, match="expected scores, or the reason"):
        TaskResult("asr")
    with pytest.raises(ValueError, match="expected scores, or the reason"):
        replace(part(), unavailable="no weights")
    with pytest.raises(ValueError, match="4 of 3 clips failed"):
        replace(part(), n_failed=4)
    with pytest.raises(ValueError, match="must be finite"):
        Estimate(float("nan"))
    with pytest.raises(ValueError, match="both bounds or none"):
        Estimate(1.0, 0.5)


def test_the_file(tmp_path: Path) -> None:
    tasks = [part(), TaskResult("er", "it needs RAVDESS")]
    result = result_of(INFO, "mini", "reader 1", "soxr 1", 6_000.0, tasks)
    path = write(result, tmp_path)
    assert path == tmp_path / "application" / "mini" / "opus-6k.json"
    content = json.loads(path.read_text())
    assert content["suite"] == "application"
    assert content["tasks"][1]["unavailable"] == "it needs RAVDESS"
    before = path.read_bytes()
    assert write(result, tmp_path).read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["opus-6k.json"]
    odd = result_of(replace(INFO, name="../x"), "mini", "", "", None, tasks)
    with pytest.raises(ValueError, match="codec name of letters"):
        write(odd, tmp_path)


def test_the_table() -> None:
    tasks = [part(), TaskResult("er", "it needs RAVDESS")]
    results = [
        result_of(info, "mini", "", "", 6_000.0, tasks)
        for info in (replace(INFO, name="reference"), INFO)
    ]
    shown = StringIO()
    Console(file=shown, width=120).print(application_table(results))
    text = shown.getvalue()
    (row,) = (line for line in text.splitlines() if line.split()[:1] == ["opus-6k"])
    assert row.split()[1:4] == ["6,000", "4.12", "2.00"]
    (row,) = (line for line in text.splitlines() if line.split()[:1] == ["reference"])
    assert row.split()[1:4] == ["6,000", "4.12", "-"]
    assert "ER: not run: it needs RAVDESS" in text
    assert "not the paper's evaluator" in text
    assert "opus-6k: 1 clip: the codec died" in text
