"""Ours: what is measured, what is not and why, and which row may be called the best."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.names import UnknownNameError
from bench.report.stored import StoredResultError, read_results
from bench.report.tables import write
from bench.report.tables.best import best_of
from bench.report.tables.model import Cell, Row, Table
from bench.suites import SIGNAL

SDR, STOI = SIGNAL.scores[0], SIGNAL.scores[2]


def made(results: Path, unavailable: dict[str, str] | None = None) -> dict[str, Table]:
    views, _ = write.of_all(results, unavailable or {}, None)
    return {table.name: table for table in views["ours"]}


def row_of(table: Table, key: str) -> dict[str, Cell]:
    row = next(row for row in table.rows() if row.key == key)
    return {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}


def edited(path: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_measured_row_has_intervals_clips_failures_and_certification(small_results: Path) -> None:
    row = row_of(made(small_results)["table1-signal"], "encodec-3k")
    assert (row["n_clips"].text, row["n_failed"].text) == ("13", "1")
    assert row["certified"].text == "no: a check failed"
    assert row["macs_g"].text == "55.95"
    assert row["full_macs_g"].text == "31.00"
    sdr = row["sdr_db"]
    assert sdr.low is not None
    assert sdr.high is not None
    assert sdr.value is not None
    assert sdr.low < sdr.value < sdr.high


def test_the_papers_rows_and_groups_stay_whatever_is_measured(small_results: Path) -> None:
    views, _ = write.of_all(small_results, {}, None)
    for paper, ours in zip(views["paper"], views["ours"], strict=True):
        keys = {row.key for row in paper.rows()}
        kept = [[row.key for row in group.rows if row.key in keys] for group in ours.groups]
        assert [group for group in kept if group] == [
            [row.key for row in group.rows] for group in paper.groups
        ]


@pytest.mark.parametrize("folder", ["signal", "application", "complexity", "certificates", "all"])
def test_whatever_is_missing_the_tables_stay_with_reasons(small_results: Path, folder: str) -> None:
    whole = made(small_results)
    for path in sorted(small_results.iterdir()):
        if path.name == folder or (folder == "all" and path.name != "paper"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, table in made(small_results).items():
        assert table.columns == whole[name].columns
        labels = [row.label for row in table.rows()]
        assert set(labels) <= {row.label for row in whole[name].rows()}
        assert all(cell.text or cell.reason for row in table.rows() for cell in row.cells)


def test_why_a_codec_cannot_run_is_said(small_results: Path) -> None:
    table = made(small_results, {"dac-16k-3k": "no weights of it"})["table1-signal"]
    assert row_of(table, "dac-16k-3k")["pesq"].reason == "no weights of it"
    assert row_of(table, "dac-16k-6k")["pesq"].reason == "not run: bench run --codec NAME"


def test_a_certificate_of_another_revision_is_none(small_results: Path) -> None:
    row = row_of(made(small_results)["table1-signal"], "opus-6k")
    assert row["certified"].reason.startswith("verified as another revision")


def test_the_best_is_bold_where_the_paired_interval_says_so(small_results: Path) -> None:
    table = made(small_results)["table1-signal"]
    assert row_of(table, "sqcodec-3k")["sdr_db"].bold
    assert not row_of(table, "encodec-3k")["sdr_db"].bold


def test_codecs_of_no_bitrate_of_the_papers_have_no_best_one(small_results: Path) -> None:
    # 5 and 7 kbit/s: far enough apart for their intervals, and no rivals.
    folder = small_results / "signal" / "small"
    (folder / "reference.json").unlink()
    for old, new, bitrate_bps in (("opus-6k", "opus-5k", 5000), ("sqcodec-6k", "opus-7k", 7000)):
        edited(
            folder / f"{old}.json",
            lambda content, of=(new, bitrate_bps): content["codec"].update(
                name=of[0], bitrate_bps=of[1]
            ),
        )
        (folder / f"{old}.json").rename(folder / f"{new}.json")
    stored = {str(r.codec["name"]): r for r in read_results(small_results, "signal")}
    assert best_of([stored["opus-5k"], stored["opus-7k"]], STOI) == "opus-7k"
    table = made(small_results)["table1-signal"]
    for name in ("opus-5k", "opus-7k"):
        assert not any(cell.bold for cell in row_of(table, name).values())


def test_no_best_where_the_interval_holds_zero_or_there_is_one_codec(small_results: Path) -> None:
    stored = {str(r.codec["name"]): r for r in read_results(small_results, "signal")}
    close = [stored["sqcodec-6k"], stored["sqcodec-6k-window-150"]]
    assert best_of(close, SDR) is None
    assert best_of([stored["sqcodec-6k"], stored["opus-6k"]], STOI) == "sqcodec-6k"
    assert best_of([stored["sqcodec-6k"]], SDR) is None


def test_a_lower_mel_is_the_better_one(small_results: Path) -> None:
    stored = {str(r.codec["name"]): r for r in read_results(small_results, "signal")}
    pair = [stored["opus-6k"], stored["sqcodec-6k"]]
    assert best_of(pair, SIGNAL.scores[1]) == "sqcodec-6k"


def test_ablations_are_paired_differences(small_results: Path) -> None:
    table = made(small_results)["table3-ablation"]
    whole = row_of(table, "sqcodec-6k")["sdr_db"]
    change = row_of(table, "sqcodec-6k-window-150")["sdr_db"]
    assert (whole.text, change.text) == ("10.603", "+0.008")
    assert change.low is not None
    assert change.high is not None
    assert whole.low is not None
    assert change.high - change.low < 0.5 < 2 * (whole.value or 0) - 2 * whole.low
    assert row_of(table, "sqcodec-6k-no-perceptual-loss")["pesq"].reason.startswith("no such codec")


def test_training_data_is_what_the_weights_say(small_results: Path) -> None:
    table = made(small_results)["table4-training-data"]
    assert row_of(table, "FSD50K")["sqcodec"].text == "✓"
    assert row_of(table, "AudioSet")["sqcodec"].text == "no"
    assert row_of(table, "tuxpaint-stamps-default")["sqcodec"].text == "✓"
    assert row_of(table, "AudioSet")["dac"].reason.startswith("no weights trained here")


def test_configurations_are_counted(small_results: Path) -> None:
    row = row_of(made(small_results)["table5-configurations"], "sqcodec-3k")
    assert (row["macs_g"].text, row["params_m"].text) == ("11.16", "11.26")
    assert (row["training_hours"].text, row["window_sizes"].text) == ("1.5", "400")


def test_both_has_three_lines_a_row_and_the_difference(small_results: Path) -> None:
    views, _ = write.of_all(small_results, {}, None)
    table = next(table for table in views["both"] if table.name == "table1-signal")
    lines = [row for row in table.rows() if row.key == "sqcodec-3k"]
    assert [row.source for row in lines] == ["paper", "ours", "ours - paper"]
    place = [column.key for column in table.columns].index("sdr_db")
    paper, ours, difference = (row.cells[place] for row in lines)
    assert paper.text == "7.14"
    assert ours.value is not None
    assert difference.value == pytest.approx(ours.value - 7.14)
    assert difference.text == "+0.07"
    unmeasured = [row for row in table.rows() if row.key == "dac-24k-24k"][2]
    assert unmeasured.cells[place].reason == "not run: bench run --codec NAME"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("signal/small/opus-6k.json", "{"),
        ("application/small/sqcodec-3k.json", '{"codec": {}}'),
        ("complexity/sqcodec-3k.json", "[]"),
        ("certificates/opus-6k.json", "null"),
        ("configurations.json", '{"configurations": [{"name": "a"}]}'),
    ],
)
def test_a_damaged_file_is_named(small_results: Path, name: str, text: str) -> None:
    (small_results / name).write_text(text)
    with pytest.raises(StoredResultError, match=name.rpartition("/")[2].replace(".", r"\.")):
        made(small_results)


def test_a_number_that_is_none_is_refused(small_results: Path) -> None:
    path = small_results / "application" / "small" / "sqcodec-3k.json"
    edited(path, lambda c: c["tasks"][0]["scores"][0].update(value="12.5"))
    with pytest.raises(StoredResultError, match=r"expected a finite number, got '12\.5'"):
        made(small_results)


def test_a_task_without_its_evaluator_says_so(small_results: Path) -> None:
    row = row_of(made(small_results)["table2-application"], "sqcodec-3k")
    assert row["acc_er_pct"].reason == "no evaluator of emotions is here"
    assert row["eer_asv_pct"].reason == "no word was spoken"
    assert (row["wer_asr_pct"].low, row["wer_asr_pct"].high) == (9.5, 15.5)


def test_an_unknown_data_set_is_suggested(small_results: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean small"):
        write.of_all(small_results, {}, "smal")


def test_results_on_other_data_are_named(small_results: Path) -> None:
    path = small_results / "signal" / "other" / "opus-6k.json"
    path.parent.mkdir()
    shutil.copy(small_results / "signal" / "small" / "opus-6k.json", path)
    edited(path, lambda content: content.update(dataset="other"))
    table = made(small_results)["table1-signal"]
    assert any("other (--data NAME)" in note for note in table.notes)


def test_rows_say_what_they_stand_for(small_results: Path) -> None:
    table = made(small_results)["table1-signal"]
    row: Row = next(row for row in table.rows() if row.key == "sqcodec-3k")
    assert row.remark == (
        "sqcodec-3k, revision rev-sqcodec-3k; 13 clips of small, 0 failed; certified; "
        "weights: made up for tests"
    )
    assert row.remark in table.remarks()


def test_a_certificate_in_the_results_themselves_counts(small_results: Path) -> None:
    path = small_results / "signal" / "small" / "sqcodec-6k.json"
    certificate = {"version": "1", "passed": True, "verified_at": "2026-01-01", "checks": []}
    edited(path, lambda content: content.update(certificate=certificate))
    table = made(small_results)["table1-signal"]
    assert row_of(table, "sqcodec-6k")["certified"].text == "yes"
    assert row_of(table, "sqcodec-6k-window-150")["certified"].reason.startswith("not verified")
