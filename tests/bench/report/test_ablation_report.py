"""Table 3 of an ablation that was trained here: what is resolved, what is not, and at what cost."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench import cli, report_cli
from bench.report import ablation
from bench.report.ablation import Paper, read, stored, table_of
from bench.report.stored import StoredResultError
from bench.report.tables import csv_file, latex, markdown
from bench.report.tables.model import Cell, Table
from bench.report.tables.trained_ablation import NOT_RESOLVED, ONE_SEED, budget_text

RESULTS = Path(__file__).parents[3] / "results"
KEYS = ("sdr_db", "pesq", "wer_asr_pct", "eer_asv_pct", "audio_sdr_db", "acc_aec_pct")


def score(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "method": "bootstrap"}


def variant(name: str, scores: dict[str, Any], field_s: float = 0.84375) -> dict[str, Any]:
    run = {"seed": 0, "codec": f"{name}-abc", "steps": 100, "heard_s": 169.0, "seconds": 600.0}
    return {
        "name": name,
        "codec": "sqcodec-6k",
        "changes": {},
        "receptive_field_s": field_s,
        "look_back_s": 3.3721875,
        "runs": [run],
        "scores": scores,
    }


@pytest.fixture
def content() -> dict[str, Any]:
    """A baseline, a variant that is worse in SDR alone, and one whose training failed."""
    worse = {key: score(0.5, -1.0, 2.0) for key in KEYS}
    worse["sdr_db"] = score(-1.25, -1.5, -1.0)
    worse["pesq"] = score(0.0, 0.0, 0.0)
    worse["audio_sdr_db"] = {"value": 0.5, "low": None, "high": None, "method": "a single clip"}
    worse["eer_asv_pct"] = {"reason": "no evaluator of it"}
    failed = variant("no-teconv", {key: {"reason": "it was not trained"} for key in KEYS})
    failed["runs"] = [{"seed": 0, "failed": "no finite gradient"}]
    curve = {"seed": 0, "step": [50, 100], "loss": [9.0, 5.0]}
    validated = {"validated": [100], "validation": [6.0]}
    return {
        "schema": 1,
        "preset": "sqcodec-6k",
        "budget": {
            "steps": 100,
            "seeds": 1,
            "heard_s": 169.0,
            "heard_s_of_all": 507.0,  # as files had it before
            "seconds_of_all": 1800.0,
            "hardware": ["1 CPU thread, a processor"],
        },
        "settings": {
            "batch_size": 1,
            "crop_s": 1.6875,
            "growth_steps": 20,
            "waveform_weight": 100.0,
            "stft_weight": 1.0,
            "perceptual_weight": 1.0,
            "adversarial_weight": 0.0,
        },
        "corpus": {"name": "mini-demo", "origin": "synthetic", "hours": 0.01, "revision": "r"},
        "data": {"name": "mini", "revision": "r1", "n_clips": 123},
        "judges": {"asr": {"name": "whisper-tiny.en", "revision": "1", "of_paper": False}},
        "variants": [
            variant("baseline", {key: score(5.0, 4.5, 5.5) for key in KEYS}),
            variant("window-40", worse, 0.1125),
            failed,
        ],
        "curves": [{"variant": name, **curve, **validated} for name in ("baseline", "window-40")],
        "clips": {},
    }


@pytest.fixture
def table(content: dict[str, Any]) -> Table:
    return table_of(content, Paper.of(RESULTS))


def cells(table: Table, source: str, key: str) -> dict[str, Cell]:
    row = next(row for row in table.rows() if (row.source, row.key) == (source, key))
    return {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}


def test_the_baseline_is_absolute_and_variants_are_differences(table: Table) -> None:
    whole = cells(table, "trained here", "sqcodec-6k")
    narrow = cells(table, "trained here", "sqcodec-6k-window-40")
    assert (whole["sdr_db"].text, whole["sdr_db"].remark) == ("5.000", "")
    assert (narrow["sdr_db"].text, narrow["sdr_db"].low) == ("-1.250", -1.5)
    assert narrow["acc_aec_pct"].text == "+0.50"
    assert narrow["receptive_field_s"].text == "0.113s"
    assert whole["look_back_s"].text == "3.372s"


def test_where_zero_is_covered_nothing_is_resolved(table: Table) -> None:
    narrow = cells(table, "trained here", "sqcodec-6k-window-40")
    remarks = {key: cell.remark for key, cell in narrow.items() if not cell.reason}
    assert remarks["sdr_db"] == ""
    assert remarks["pesq"] == remarks["acc_aec_pct"] == NOT_RESOLVED  # [0, 0] covers it, too
    assert remarks["audio_sdr_db"] == "a single clip"
    assert narrow["eer_asv_pct"].reason == "no evaluator of it"


def test_the_papers_differences_stand_below(table: Table) -> None:
    paper = cells(table, "paper", "sqcodec-6k-window-40")
    assert (paper["sdr_db"].text, paper["wer_asr_pct"].text) == ("-0.111", "+0.53")
    assert paper["look_back_s"].reason == "the paper does not say"
    assert [row.source for row in table.rows()] == ["trained here", "paper"] * 3


def test_a_failed_training_says_so(table: Table) -> None:
    failed = cells(table, "trained here", "sqcodec-6k-no-teconv")
    assert {failed[key].reason for key in KEYS} == {"its training failed: no finite gradient"}
    assert failed["receptive_field_s"].text == "0.844s"


def test_the_budget_is_said_plainly(content: dict[str, Any], table: Table) -> None:
    said = " ".join(table.notes)
    assert "2 trainings of 100 steps each after 20 steps of growth a level" in said
    assert "each heard 169 s of audio, and all together took 0.50 h of compute" in said
    assert "1 CPU thread, a processor" in said
    # 7,375 h are 26,550,000 s.
    assert (
        "heard 7,375 h of audio, 157,101 times as much: weights of this budget are hardly" in said
    )
    assert "20 steps of growth a level, 1 crop of 1.69 s a step" in said
    assert "One seed: an interval without zero tells two trainings apart" in said
    assert "with their weights: waveform 100, STFT 1, perceptual 1." in said
    assert "Settings given" not in said
    assert "mini data set, revision r1, 123 clips: not the paper's data" in said
    assert "WER(ASR): judged by whisper-tiny.en, which is not the paper's" in said
    assert "169 s of audio heard by each (the paper's: 7,375 h)" in table.title
    as_the_paper = content | {"budget": content["budget"] | {"heard_s": 7375 * 3600.0}}
    assert "hardly trained" not in budget_text(as_the_paper, 7375.0)
    assert "times" not in budget_text(content, None)


def test_what_was_given_and_asked_for_is_told(content: dict[str, Any]) -> None:
    content["given"] = {"precision": "bf16", "perceptual_weight": 0.2}
    content["settings"]["perceptual_weight"] = 0.2
    content["budget"]["asked_hours"] = 1.05
    said = " ".join(table_of(content, Paper()).notes)
    assert 'Settings given, for all variants alike: precision = "bf16", ' in said
    assert '"bf16", perceptual_weight = 0.2.' in said
    assert "perceptual 0.2." in said
    assert "Budget of 1.05 h of compute, shared equally: 2 trainings of 100 steps each" in said


@pytest.mark.parametrize(
    ("teacher", "weights", "is_told"),
    [
        (None, "SHA-256 1a5afae06a4d", False),
        (("whisper-tiny.en", "f" * 64), "", True),
        (("model.bin", "1a5afae06a4d" + "0" * 52), "of a package, SHA-256 1a5afae06a4d", True),
        (("model.bin", "f" * 64), "of a package, SHA-256 1a5afae06a4d", False),
        (("model.bin", "f" * 64), "", False),
    ],
)
def test_a_judge_that_is_the_teacher_is_told(
    content: dict[str, Any], teacher: tuple[str, str] | None, weights: str, is_told: bool
) -> None:
    if teacher is not None:
        name, sha256 = teacher
        content["teacher"] = {"loss": "perceptual", "name": name, "sha256": sha256}
    content["judges"]["asr"]["weights"] = weights
    (note,) = (one for one in table_of(content, Paper()).notes if one.startswith("WER(ASR)"))
    said = "this judge of words is also the teacher of the perceptual loss"
    assert (said in note) == is_told


def test_lost_seeds_are_told_where_they_lack(content: dict[str, Any]) -> None:
    content["budget"]["seeds"] = 3
    for variant, n_seeds in zip(content["variants"][:2], (3, 2), strict=True):
        for one in variant["scores"].values():
            if "reason" not in one:
                one["seeds"] = n_seeds
    content["variants"][1]["scores"]["pesq"]["seeds"] = 1
    made = table_of(content, Paper())
    assert cells(made, "trained here", "sqcodec-6k")["pesq"].remark == ""
    narrow = cells(made, "trained here", "sqcodec-6k-window-40")
    assert narrow["sdr_db"].remark == "2 of 3 seeds"
    assert narrow["pesq"].remark == f"{NOT_RESOLVED}; {ONE_SEED}"
    said = " ".join(made.notes)
    assert "Student's t over 2 or 3 seeds" in said
    assert "Where a value is of one seed only: an interval without zero tells two" in said
    for variant in content["variants"][:2]:
        for one in variant["scores"].values():
            one |= {} if "reason" in one else {"seeds": 3}
    said = " ".join(table_of(content, Paper()).notes)
    assert "Student's t over 3 seeds" in said
    assert "an interval without zero" not in said


def test_older_files_say_by_the_method_of_how_many_seeds(content: dict[str, Any]) -> None:
    content["budget"]["seeds"] = 2
    scores = content["variants"][1]["scores"]
    scores["sdr_db"]["method"] = "bootstrap; Student's t over 2 seeds"
    narrow = cells(table_of(content, Paper()), "trained here", "sqcodec-6k-window-40")
    assert narrow["sdr_db"].remark == ""
    assert narrow["pesq"].remark == f"{NOT_RESOLVED}; {ONE_SEED}"


def test_files_have_the_remarks(table: Table) -> None:
    text = markdown.render(table)
    assert "| +0.50<br>\\[-1.00, 2.00\\]<br>*not resolved at this budget* |" in text
    assert r"{\scriptsize not resolved at this budget}" in latex.render(table, "trained-here")
    rows = list(csv.DictReader(io.StringIO(csv_file.render(table))))
    narrow = next(row for row in rows if row["source"] == "trained here" and "40" in row["key"])
    assert narrow["acc_aec_pct_remark"] == NOT_RESOLVED
    assert (narrow["sdr_db"], narrow["sdr_db_low"]) == ("-1.25", "-1.5")
    assert "sdr_db_remark" not in narrow  # no row has one


def test_other_presets_have_no_row_of_the_paper(content: dict[str, Any]) -> None:
    made = table_of(content | {"preset": "sqcodec-3k"}, Paper.of(RESULTS))
    assert {row.source for row in made.rows()} == {"trained here"}
    assert next(made.rows()).label == "sqcodec-3k"
    assert any("no such ablation" in note for note in made.notes)


def test_without_the_papers_numbers_ours_stand(content: dict[str, Any], tmp_path: Path) -> None:
    made = table_of(content, Paper.of(tmp_path))
    assert {row.source for row in made.rows()} == {"trained here"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda one: one.pop("variants"), "variants: Field required"),
        (lambda one: one.pop("curves"), "curves: Field required"),
        (lambda one: one.update(variants=[]), "expected a variant at least"),
        (lambda one: one["variants"][0].update(runs=[]), "expected a training at least"),
        (lambda one: one["variants"][0]["scores"]["pesq"].update(value=None), "expected a value"),
        (lambda one: one["variants"][0]["scores"]["pesq"].update(low=None), "both bounds or none"),
        (lambda one: one["variants"][0]["runs"][0].pop("codec"), "expected the name of its codec"),
        (lambda one: one["curves"][0]["loss"].pop(), "expected a loss for each step"),
        (lambda one: one["budget"].update(heard_s="x"), "budget.heard_s: Input should be a valid"),
        (lambda one: one["budget"].update(heard_s=math.nan), "not finite"),
        (lambda one: one.update(schema=9), "its schema is 9, this reads 1"),
        (lambda one: one["variants"][0]["scores"].pop("pesq"), "KeyError: 'pesq'"),
    ],
)
def test_a_damaged_file_is_named(
    content: dict[str, Any], tmp_path: Path, damage: Any, said: str
) -> None:
    damage(content)
    path = tmp_path / "one.json"
    path.write_text(json.dumps(content))
    with pytest.raises(StoredResultError, match=r"one\.json: no ablation that can be read") as told:
        read(path, Paper())
    assert said in str(told.value)


def test_the_report_has_it_apart_and_the_same_bytes_twice(
    content: dict[str, Any],
    small_results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report_cli, "_unavailable", dict)
    (small_results / "ablation").mkdir()
    (small_results / "ablation" / "small-run.json").write_text(json.dumps(content))
    assert list(stored(small_results)) == ["small-run"]
    out = tmp_path / "out"
    contents = []
    for _ in range(2):
        arguments = ["report", "--results", str(small_results), "--out", str(out), "--no-figures"]
        done = CliRunner().invoke(cli.app, arguments)
        assert done.exit_code == 0, done.output
        contents.append({p.name: p.read_bytes() for p in (out / "ablation").iterdir()})
        shutil.rmtree(out / "ablation")
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"small-run.md", "small-run.csv", "small-run.tex"}
    index = (out / "README.md").read_text()
    assert "[md](ablation/small-run.md)" in index
    assert b"trained here" not in (out / "tables" / "ours" / "table3-ablation.md").read_bytes()


def test_curves_are_overlaid_and_the_same_bytes(content: dict[str, Any], tmp_path: Path) -> None:
    _, files = ablation.write(content, tmp_path / "one")
    _, again = ablation.write(content, tmp_path / "two")
    assert {path.name for path in files} >= {"curves.png", "curves.svg", "table3-ablation.md"}
    for path, other in zip(files, again, strict=True):
        assert path.read_bytes() == other.read_bytes()
    content["curves"] = []
    _, files = ablation.write(content, tmp_path / "one")
    assert not (tmp_path / "one" / "curves.png").exists()


def test_the_screen_has_the_remarks(table: Table) -> None:
    from rich.console import Console

    screen = Console(width=300, record=True, file=io.StringIO())
    screen.print(ablation.terminal(table))
    text = screen.export_text()
    assert "[-1.500, -1.000]" in text
    assert NOT_RESOLVED in text
    assert "a: the paper does not say" in text
