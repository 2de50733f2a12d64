"""`bench compare`: differences with intervals, the clips behind them, names that are not known."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bench import cli


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["compare", *map(str, arguments)])


def test_differences_and_clips(small_results: Path) -> None:
    done = compare("sqcodec-3k", "encodec-3k", "--results", small_results, "--clips", 1)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    sdr = next(line for line in lines if line[:2] == ["SDR", "↑"])
    assert sdr[-2:] == ["sqcodec-3k", "7"]
    assert float(sdr[5]) < float(sdr[4]) < float(sdr[6])
    mel = next(line for line in lines if line[:2] == ["MEL", "↓"])
    assert float(mel[4]) < 0
    assert mel[-2] == "sqcodec-3k"
    assert sum(line[:1] == ["best"] for line in lines) == 6
    assert sum(line[:1] == ["worst"] for line in lines) == 6
    assert "SDR: 1 of 8 clips are left out" in done.stdout


def test_what_the_interval_does_not_tell_apart(small_results: Path) -> None:
    done = compare("sqcodec-6k", "sqcodec-6k-window-150", "--results", small_results)
    assert "neither: 0 is within" in done.stdout
    assert "no clip has a value" in done.stdout  # PESQ, which one of them has of no clip


def test_no_clips_are_shown_where_none_are_wanted(small_results: Path) -> None:
    done = compare("sqcodec-3k", "opus-6k", "--results", small_results, "--clips", 0)
    assert "clips of the largest differences" not in done.stdout


@pytest.mark.parametrize("wrong", ["opus6k", "opus-6", "opsu-6k"])
def test_a_misspelt_codec_is_suggested(small_results: Path, wrong: str) -> None:
    done = compare("sqcodec-3k", wrong, "--results", small_results)
    assert done.exit_code == 2
    assert "did you mean opus-6k" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_results(tmp_path: Path) -> None:
    done = compare("a", "b", "--results", tmp_path)
    assert done.exit_code == 2
    assert "bench run" in done.stderr


def test_an_unknown_data_set_is_suggested(small_results: Path) -> None:
    done = compare("sqcodec-3k", "opus-6k", "--results", small_results, "--data", "smol")
    assert done.exit_code == 2
    assert "did you mean small" in done.stderr


def test_other_data_is_not_compared(small_results: Path) -> None:
    path = small_results / "signal" / "small" / "opus-6k.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset_revision": "r2"}))
    done = compare("sqcodec-3k", "opus-6k", "--results", small_results)
    assert done.exit_code == 2
    assert "not comparable: dataset revision r1 and r2" in done.stderr


def test_tasks_are_compared_by_clip(small_results: Path) -> None:
    arguments = ("--results", small_results, "--suite", "application", "--clips", 1)
    done = compare("sqcodec-3k", "encodec-3k", *arguments)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    # 7 deletions and 3 substitutions more in 70 words; the clip that one lacks is in neither.
    words = next(line for line in lines if line[:2] == ["WER(ASR)", "↓"])
    assert float(words[4]) == pytest.approx(-100 * 10 / 70, abs=0.01)
    assert words[-2:] == ["sqcodec-3k", "7"]
    # 38 of 40 right against 20 of 40.
    events = next(line for line in lines if line[:2] == ["Acc(AEC)", "↑"])
    assert events[4] == "45.00"
    assert events[-2:] == ["sqcodec-3k", "40"]
    assert next(line for line in lines if line[:1] == ["EER(ASV)"])[-1] == "2"
    assert not [line for line in lines if line[:1] == ["Acc(ER)"]]


def trials_of(path: Path, shift: float) -> None:
    """Give results trials of eight speakers, whose own lie `shift` above those of two."""
    generator = np.random.default_rng(1)
    content = json.loads(path.read_text())
    (asv,) = (task for task in content["tasks"] if task["task"] == "asv")
    asv["clips"] = [
        {"clip": f"c{n}", "group": None, "speaker": f"s{n % 8}", "similarity": 0.5}
        for n in range(32)
    ]
    pairs = [(one, other) for one in range(32) for other in range(one)]
    scores = [generator.normal(shift * ((one - other) % 8 == 0)) for one, other in pairs]
    asv["trials"] = {
        "enrol": [one for one, _ in pairs],
        "test": [other for _, other in pairs],
        "same_language": [(one - other) % 8 < 6 for one, other in pairs],
        "score": [None, *scores[1:]],
    }
    asv["scores"][0]["value"] = 100 - 10 * shift
    path.write_text(json.dumps(content))


def test_speakers_are_drawn_for_the_difference_of_two_rates(small_results: Path) -> None:
    folder = small_results / "application" / "small"
    trials_of(folder / "sqcodec-3k.json", 3)
    trials_of(folder / "encodec-3k.json", 1)
    arguments = ("--results", small_results, "--suite", "application", "--clips", 0)
    done = compare("sqcodec-3k", "encodec-3k", *arguments)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    rates = next(line for line in lines if line[:1] == ["EER(ASV)"])
    assert rates[2:4] == ["70.00", "90.00"]
    assert float(rates[5]) < float(rates[4]) < float(rates[6]) < 0
    # Of speakers 2 apart, normal scores cross where a tail of 1.5 and of 0.5 deviations is left.
    assert float(rates[4]) == pytest.approx(6.7 - 30.9, abs=8)
    assert rates[7] == "sqcodec-3k"


def test_trials_that_do_not_fit_are_told(small_results: Path) -> None:
    folder = small_results / "application" / "small"
    trials_of(folder / "sqcodec-3k.json", 3)
    trials_of(folder / "encodec-3k.json", 1)
    content = json.loads((folder / "encodec-3k.json").read_text())
    (asv,) = (task for task in content["tasks"] if task["task"] == "asv")
    asv["trials"]["score"].pop()
    (folder / "encodec-3k.json").write_text(json.dumps(content))
    arguments = ("--results", small_results, "--suite", "application")
    done = compare("sqcodec-3k", "encodec-3k", *arguments)
    assert done.exit_code == 2
    assert "no clips that can be compared" in done.stderr


def test_a_codec_without_tasks_is_told(small_results: Path) -> None:
    done = compare("sqcodec-3k", "opus-6k", "--results", small_results, "--suite", "application")
    assert done.exit_code == 2
    assert "no codec with results is called 'opus-6k'" in done.stderr


def test_other_judges_are_not_compared(small_results: Path) -> None:
    path = small_results / "application" / "small" / "encodec-3k.json"
    content = json.loads(path.read_text())
    content["tasks"][0]["evaluator"] = {"name": "another"}
    path.write_text(json.dumps(content))
    arguments = ("--results", small_results, "--suite", "application")
    done = compare("sqcodec-3k", "encodec-3k", *arguments)
    assert done.exit_code == 2
    assert "of another evaluator" in done.stderr


def test_scores_of_other_versions_are_not_compared(small_results: Path) -> None:
    path = small_results / "application" / "small" / "encodec-3k.json"
    content = json.loads(path.read_text())
    content["tasks"][0]["scored_by"] = {"rapidfuzz": "0"}
    path.write_text(json.dumps(content))
    arguments = ("--results", small_results, "--suite", "application")
    done = compare("sqcodec-3k", "encodec-3k", *arguments)
    assert done.exit_code == 2
    assert "asr of the two is not comparable: scored by other versions" in done.stderr


def test_without_results_of_tasks(tmp_path: Path) -> None:
    done = compare("a", "b", "--results", tmp_path, "--suite", "application")
    assert done.exit_code == 2
    assert "bench run --suite application" in done.stderr


def test_an_unknown_suite_is_suggested(small_results: Path) -> None:
    done = compare("a", "b", "--results", small_results, "--suite", "signl")
    assert done.exit_code == 2
    assert "did you mean signal" in done.stderr
