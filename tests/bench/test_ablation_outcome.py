"""What came of an ablation: known differences come out as such, of one seed and of several."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from ablation_stub import write_signal_result

from bench.ablation import outcome
from bench.ablation.evaluated import Evaluated
from bench.ablation.folder import Run
from bench.ablation.outcome import outcome_of, over_seeds, write
from bench.ablation.plan import Asked, Plan
from bench.ablation.training import Failed
from bench.datasets.manifest import Manifest
from bench.downstream.score import Estimate
from bench.report.stored import StoredResultError
from bench.trainable import BASELINE, CorpusFacts, Teacher, Trained, Variant

SETTINGS = {"waveform_weight": 100.0, "stft_weight": 1.0, "whisper": "/home/me/whisper"}
VARIANTS = [
    Variant(BASELINE, "sqcodec-6k", {}, 0.84375, 3.3721875),
    Variant("window-40", "sqcodec-6k-window-40", {}, 0.1125, 0.4471875),
]


def trained(name: str, seed: int) -> Trained:
    return Trained(f"{name}-{seed}", "w.safetensors", 5, 8.4, 60.0, "1 CPU thread")


def signal(folder: Path, codec: str, better_by_db: float) -> None:
    write_signal_result(folder, "small", codec, better_by_db)


def application(folder: Path, codec: str, right: list[bool]) -> None:
    """Events judged so, and no model of words."""
    clips = [{"clip": f"c{n}", "group": None, "right": one} for n, one in enumerate(right)]
    score = {"name": "acc_aec_pct", "value": 100 * sum(right) / len(right), "low": 0.0}
    task = {
        "task": "aec",
        "unavailable": "",
        "evaluator": {"name": "probe", "revision": "1", "weights": "of the package probe"},
        "of_paper": False,
        "dataset": "small",
        "dataset_revision": "r",
        "scored_by": {},
        "scores": [score | {"high": 100.0, "method": "Wilson"}],
        "clips": clips,
        "trials": {},
    }
    missing = {"task": "asr", "unavailable": "no weights of it", "evaluator": None, "scores": []}
    path = folder / "application" / "small" / f"{codec}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"tasks": [missing | {"of_paper": False}, task]}))


def made(tmp_path: Path, found: dict[tuple[str, int], Trained | Failed], seeds: int = 1) -> Any:
    corpus = CorpusFacts("mini-demo", "synthetic sounds", 0.01, "abc")
    names = tuple(variant.name for variant in VARIANTS)
    data = ("small", "r", None, "cpu")
    given = {"perceptual_weight": 0.2, "whisper": "/home/me/whisper"}
    asked = Asked("sqcodec-6k", names, seeds, 5, None, 1, given, corpus, *data)
    plan = Plan(asked, 5)
    runs = [
        Run(name, seed, f"{name}-{seed}", tmp_path / "runs" / f"{name}-{seed}", SETTINGS)
        for name, seed in plan.runs
    ]
    evaluated = Evaluated(tmp_path, Manifest("small", "r", ()))
    teacher = Teacher("perceptual", "whisper-tiny.en", "abc")
    content = outcome_of(plan, VARIANTS, runs, found, evaluated, teacher)
    return json.loads(write(content, tmp_path / "ablation.json").read_text())


def test_a_known_difference_is_found_clip_by_clip(tmp_path: Path) -> None:
    for name, better_by_db in ((BASELINE, 0.0), ("window-40", -1.5)):
        signal(tmp_path, f"{name}-0", better_by_db)
    application(tmp_path, "baseline-0", [True] * 20 + [False] * 20)
    application(tmp_path, "window-40-0", [False] * 40)
    content = made(tmp_path, {(name, 0): trained(name, 0) for name in (BASELINE, "window-40")})
    whole, narrow = (variant["scores"] for variant in content["variants"])
    stored = json.loads((tmp_path / "signal" / "small" / "baseline-0.json").read_text())
    sdr = next(score for score in stored["scores"] if score["name"] == "sdr_db")
    assert whole["sdr_db"]["value"] == pytest.approx(sdr["mean"])
    assert whole["sdr_db"]["low"] == pytest.approx(sdr["low"])
    for bound in ("value", "low", "high"):
        assert narrow["sdr_db"][bound] == pytest.approx(-1.5)
        assert narrow["pesq"][bound] == 0.0
    assert (whole["acc_aec_pct"]["value"], narrow["acc_aec_pct"]["value"]) == (50.0, -50.0)
    assert narrow["acc_aec_pct"]["high"] < 0
    for scores in (whole, narrow):
        assert scores["wer_asr_pct"] == {"reason": "no weights of it"}
        assert scores["eer_asv_pct"] == {"reason": "not judged"}
    clips = content["clips"]
    assert clips["window-40-0"]["acc_aec_pct"]["c0"] == 0.0
    assert len(clips["baseline-0"]["sdr_db"]) > 2
    for clip, value in clips["window-40-0"]["sdr_db"].items():
        assert value == pytest.approx(clips["baseline-0"]["sdr_db"][clip] - 1.5, abs=2e-4)
    assert "whisper" not in content["settings"]
    assert content["given"] == {"perceptual_weight": 0.2, "whisper": "whisper"}
    assert content["teacher"] == {
        "loss": "perceptual",
        "name": "whisper-tiny.en",
        "sha256": "abc",
    }
    assert content["judges"]["aec"]["weights"] == "of the package probe"
    assert {score["seeds"] for score in narrow.values() if "reason" not in score} == {1}


def test_of_too_few_speakers_a_difference_has_no_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "_LEAST_GROUPS", 100)
    for name, better_by_db in ((BASELINE, 0.0), ("window-40", -1.5)):
        signal(tmp_path, f"{name}-0", better_by_db)
        application(tmp_path, f"{name}-0", [True] * 20 + [False] * 20)
    content = made(tmp_path, {(name, 0): trained(name, 0) for name in (BASELINE, "window-40")})
    whole, narrow = (variant["scores"] for variant in content["variants"])
    assert whole["sdr_db"]["low"] is not None
    assert narrow["sdr_db"]["value"] == pytest.approx(-1.5)
    assert narrow["sdr_db"]["low"] is None
    assert narrow["sdr_db"]["method"].endswith("speakers or recordings: too few to tell")
    assert narrow["acc_aec_pct"]["low"] is not None  # Newcombe's holds for any number


def test_no_application_suite_leaves_the_signal_scores(tmp_path: Path) -> None:
    signal(tmp_path, "baseline-0", 0.0)
    signal(tmp_path, "window-40-0", 1.0)
    content = made(tmp_path, {(name, 0): trained(name, 0) for name in (BASELINE, "window-40")})
    narrow = content["variants"][1]["scores"]
    assert narrow["sdr_db"]["value"] == pytest.approx(1.0)
    assert narrow["acc_aec_pct"] == {"reason": "not judged"}
    assert content["judges"] == {}


def test_a_failed_training_has_reasons_and_no_curve(tmp_path: Path) -> None:
    signal(tmp_path, "baseline-0", 0.0)
    found: dict[tuple[str, int], Trained | Failed] = {
        (BASELINE, 0): trained(BASELINE, 0),
        ("window-40", 0): Failed("no finite gradient"),
    }
    content = made(tmp_path, found)
    narrow = content["variants"][1]
    assert narrow["runs"] == [{"seed": 0, "failed": "no finite gradient"}]
    assert set(narrow["scores"]["sdr_db"]) == {"reason"}
    assert [one["variant"] for one in content["curves"]] == [BASELINE]


def test_without_its_baseline_a_variant_has_no_difference(tmp_path: Path) -> None:
    signal(tmp_path, "window-40-0", 0.0)
    found: dict[tuple[str, int], Trained | Failed] = {
        (BASELINE, 0): Failed("killed"),
        ("window-40", 0): trained("window-40", 0),
    }
    content = made(tmp_path, found)
    scores = content["variants"][1]["scores"]
    assert scores["sdr_db"] == {"reason": "the baseline of its seed was not trained"}


def test_seeds_are_paired_and_their_spread_widens_the_interval(tmp_path: Path) -> None:
    better_by_db = {(BASELINE, 0): 0.0, (BASELINE, 1): 5.0}
    better_by_db |= {("window-40", 0): 1.0, ("window-40", 1): 8.0}
    for (name, seed), better in better_by_db.items():
        signal(tmp_path, f"{name}-{seed}", better)
    content = made(tmp_path, {key: trained(*key) for key in better_by_db}, seeds=2)
    sdr = content["variants"][1]["scores"]["sdr_db"]
    # Differences of 1 and 3 dB: the mean is 2, and t of one degree of freedom 12.7062.
    assert sdr["value"] == pytest.approx(2.0)
    assert sdr["low"] == pytest.approx(2 - 12.7062, abs=1e-3)
    assert sdr["high"] == pytest.approx(2 + 12.7062, abs=1e-3)
    assert content["variants"][0]["scores"]["sdr_db"]["method"].endswith("t over 2 seeds")


def test_a_score_says_of_how_many_seeds_it_is(tmp_path: Path) -> None:
    found: dict[tuple[str, int], Trained | Failed] = {}
    for name in (BASELINE, "window-40"):
        for seed in range(3):
            signal(tmp_path, f"{name}-{seed}", float(seed))
            found[name, seed] = trained(name, seed)
    found["window-40", 1] = found["window-40", 2] = Failed("killed")
    whole, narrow = (variant["scores"] for variant in made(tmp_path, found, 3)["variants"])
    assert (whole["sdr_db"]["seeds"], narrow["sdr_db"]["seeds"]) == (3, 1)
    assert "Student's t" not in narrow["sdr_db"]["method"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSONDecodeError"),
        ("null", "TypeError"),
        ('{"tasks": [{"task": "aec"}]}', "KeyError: 'evaluator'"),
        (
            '{"tasks": [{"task": "aec", "evaluator": null, "scores": [{"name": "acc_aec_pct"}]}]}',
            "KeyError: 'value'",
        ),
        (
            '{"tasks": [{"task": "aec", "evaluator": null, "scores": [{"name": "acc_aec_pct", '
            '"value": "1", "low": null, "high": null, "method": ""}]}]}',
            "TypeError",
        ),
    ],
)
def test_damaged_results_of_tasks_are_named(text: str, said: str, tmp_path: Path) -> None:
    signal(tmp_path, "baseline-0", 0.0)
    application(tmp_path, "baseline-0", [True])
    (tmp_path / "application" / "small" / "baseline-0.json").write_text(text)
    found: dict[tuple[str, int], Trained | Failed] = {
        (BASELINE, 0): trained(BASELINE, 0),
        ("window-40", 0): Failed("killed"),
    }
    with pytest.raises(StoredResultError, match=r"baseline-0\.json: no result that can") as told:
        made(tmp_path, found)
    assert said in str(told.value)


def test_clips_and_seeds_add_as_independent_parts() -> None:
    of_clips = Estimate(1.0, -2.0, 5.0, "bootstrap")
    alone = over_seeds([of_clips, of_clips])
    assert (alone.value, alone.low, alone.high) == pytest.approx((1.0, -2.0, 5.0))
    both = over_seeds([Estimate(0.0, -3.0, 4.0, "b"), Estimate(2.0, -1.0, 6.0, "b")])
    assert both.low == pytest.approx(1 - math.hypot(3, 12.7062), abs=1e-3)
    assert both.high == pytest.approx(1 + math.hypot(4, 12.7062), abs=1e-3)
    assert over_seeds([of_clips]) == of_clips
    assert over_seeds([Estimate(None, method="why"), of_clips]) == of_clips
    assert over_seeds([Estimate(None, method="why")] * 2).method == "why"
    without = over_seeds([Estimate(1.0, method="one clip"), Estimate(2.0, method="one clip")])
    assert (without.value, without.low) == (1.5, None)
    assert "one clip" in without.method


def test_a_curve_is_of_the_losses_that_all_have(tmp_path: Path) -> None:
    signal(tmp_path, "baseline-0", 0.0)
    folder = tmp_path / "runs" / "baseline-0"
    folder.mkdir(parents=True)
    rows = "".join(f"{n},0.02,{n % 2},{'7.5' if n == 300 else ''}\n" for n in range(1, 301))
    (folder / "log.csv").write_text(f"step,waveform,stft,validation\n{rows}")
    found: dict[tuple[str, int], Trained | Failed] = {
        (BASELINE, 0): trained(BASELINE, 0),
        ("window-40", 0): Failed("killed"),
    }
    (curve,) = made(tmp_path, found)["curves"]
    assert len(curve["step"]) == 100
    assert (curve["step"][0], curve["step"][-1]) == (3, 300)
    assert curve["loss"][:2] == pytest.approx([2 + 2 / 3, 2 + 1 / 3], abs=1e-4)
    assert (curve["validated"], curve["validation"]) == ([300], [7.5])
