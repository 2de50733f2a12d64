"""bench.report.terminal: what a reader sees, rendered as plain text."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
from rich.console import Console

from bench.codec import CodecInfo
from bench.delay import Delay
from bench.report.paper import PaperRow, paper_row
from bench.report.summary import Failure, Summary, summarise
from bench.report.terminal import table
from bench.stats import Interval
from bench.suites import SIGNAL


def _text(*summaries: Summary, paper: tuple[PaperRow, ...] = ()) -> str:
    console = Console(file=StringIO(), width=80)
    console.print(table(summaries, paper, SIGNAL, "small"))
    return console.file.getvalue()


def _by_name(summary: Summary) -> dict[str, Interval]:
    return {score.name: interval for score, interval in summary.scores}


def _row(text: str, start: str) -> list[str]:
    shown = text[: text.index("from, to:")]
    (line,) = [line for line in shown.splitlines() if line.strip().startswith(start)]
    return line.split()


def test_a_codecs_row_with_its_intervals(info: CodecInfo, cells: pd.DataFrame) -> None:
    summary = summarise(info, cells, SIGNAL, certified=True)
    text = _text(summary)
    assert "signal suite on small" in text
    values = ["4.00", "0.50", "0.50", "0.50", "-3.00", "0.50"]
    assert _row(text, "sqcodec-3k ") == ["sqcodec-3k", "3,000", *values, "6"]
    sdr, audio_sdr = (_by_name(summary)[name] for name in ("sdr_db", "audio_sdr_db"))
    assert _row(text, "95% from") == (
        f"95% from {sdr.low:.2f} 0.50 0.50 0.50 {audio_sdr.low:.2f} 0.50 0 failed".split()
    )
    assert _row(text, "to ") == (
        f"to {sdr.high:.2f} 0.50 0.50 0.50 {audio_sdr.high:.2f} 0.50".split()
    )
    assert "95% bootstrap interval" in text
    assert "One clip only, held fixed: prompts." in text
    assert "sqcodec-3k: trained on 3 hours" in text
    assert "Failed" not in text
    assert "…" not in text


def test_a_row_without_a_certificate_is_marked(info: CodecInfo, cells: pd.DataFrame) -> None:
    text = _text(summarise(info, cells, SIGNAL))
    assert _row(text, "sqcodec-3k ")[:3] == ["sqcodec-3k", "†", "3,000"]
    assert "† not certified: bench verify --codec sqcodec-3k" in text
    assert "†" not in _text(summarise(info, cells, SIGNAL, certified=True))


def test_the_papers_row_is_set_apart_and_marked(info: CodecInfo, cells: pd.DataFrame) -> None:
    row = paper_row(info, [score.name for score in SIGNAL.scores])
    assert row is not None
    text = _text(summarise(info, cells, SIGNAL), paper=(row,))
    values = ["7.14", "0.92", "0.90", "2.36", "3.86", "1.79"]
    assert _row(text, "SQCodec ") == ["SQCodec", "3,000", *values, "-"]
    assert text.index("sqcodec-3k") < text.index("SQCodec ") < text.index("(paper)")
    assert (
        "on other data than the rows above (Codec-SUPERB's) and with their own weights"
        in " ".join(text.split())
    )


def test_failures_are_counted_and_listed_with_their_reasons(
    info: CodecInfo, cells: pd.DataFrame
) -> None:
    lost = cells["clip"] == "b3"
    too_short = (cells["clip"] == "p1") & cells["metric"].isin(["stoi", "pesq"])
    error = cells["error"].where(~lost, "it [broke]").where(~too_short, "too short")
    cells = cells.assign(value=cells["value"].mask(lost | too_short), error=error)
    text = _text(summarise(info, cells, SIGNAL))
    assert _row(text, "sqcodec-3k ")[-1] == "6"
    assert _row(text, "95% from")[-2:] == ["2", "failed"]
    assert "\n  books/b3 (sqcodec-3k): it [broke]\n" in text
    assert "\n  prompts/p1 stoi, pesq (sqcodec-3k): too short\n" in text


def test_many_failures_are_cut_short_and_say_so(info: CodecInfo, cells: pd.DataFrame) -> None:
    many = pd.concat(
        [cells.assign(clip=cells["clip"] + str(copy)) for copy in range(5)], ignore_index=True
    ).assign(value=float("nan"), error="broken")
    text = _text(summarise(info, many, SIGNAL, certified=True))
    assert "and 10 more" in text
    assert _row(text, "sqcodec-3k ") == ["sqcodec-3k", *"-------", "30"]
    assert _row(text, "95% from")[-2:] == ["30", "failed"]


def test_an_sdr_that_is_no_quantity_is_explained(info: CodecInfo, cells: pd.DataFrame) -> None:
    assert "exactly" not in _text(summarise(info, cells, SIGNAL))
    one = (cells["metric"] == "sdr") & (cells["clip"] == "s1")
    exact = cells.assign(value=cells["value"].mask(one, 250.0))
    text = " ".join(_text(summarise(replace(info, weights=""), exact, SIGNAL)).split())
    assert "sqcodec-3k: some clips came back exactly" in text
    assert "so the mean of Audio SDR is no quantity." in text
    assert "hours" not in text


def test_a_data_set_that_failed_whole_is_named(info: CodecInfo, cells: pd.DataFrame) -> None:
    failed = (cells["clip"] == "p1") & (cells["metric"] == "pesq")
    cells = cells.assign(
        value=cells["value"].mask(failed), error=cells["error"].where(~failed, "broken")
    )
    text = _text(summarise(info, cells, SIGNAL))
    assert "sqcodec-3k: PESQ is without prompts, where every clip failed." in text


def test_a_data_set_without_audio_leaves_its_columns_empty(
    info: CodecInfo, cells: pd.DataFrame
) -> None:
    text = _text(summarise(info, cells[cells["kind"] == "speech"], SIGNAL))
    assert _row(text, "sqcodec-3k ")[-3:] == ["-", "-", "4"]


def test_what_stands_beside_the_scores(info: CodecInfo, cells: pd.DataFrame) -> None:
    codes = [np.array([[0, 1, 2, 3]])]
    text = _text(summarise(info, cells, SIGNAL, Delay(0, 16_000, 1.0), codes))
    beside = text[text.index("Beside the protocol's scores") :]
    (row,) = [line for line in beside.splitlines() if line.strip().startswith("sqcodec-3k")]
    assert row.split() == ["sqcodec-3k", "0", "0.00", "4.00", "-3.00", "4", "2.00", "2"]
    assert "(117,649)" in beside
    assert "(16.84)" in beside


def test_a_codec_without_a_delay_says_why(info: CodecInfo, cells: pd.DataFrame) -> None:
    unclear = _text(summarise(info, cells, SIGNAL, Delay(None, 16_000, None, "no clear delay")))
    assert "\nsqcodec-3k: no clear delay." in unclear
    unknown = _text(summarise(info, cells, SIGNAL))
    assert "\nsqcodec-3k: its constant delay could not be measured." in unknown


def test_failures_are_counted_by_reason(info: CodecInfo, cells: pd.DataFrame) -> None:
    lost = cells["clip"].isin(["b1", "b2"]) & (cells["metric"] == "pesq")
    cells = cells.assign(
        value=cells["value"].mask(lost), error=cells["error"].where(~lost, "too short")
    )
    text = _text(summarise(info, cells, SIGNAL))
    assert "Failed, by reason:\n  2 clips (sqcodec-3k): too short\n" in text


def _failing(summary: Summary, codec: str, *failures: Failure) -> Summary:
    return replace(summary, info=replace(summary.info, name=codec), failures=failures)


def test_codecs_that_fail_alike_share_a_line(info: CodecInfo, cells: pd.DataFrame) -> None:
    summary = summarise(info, cells, SIGNAL)
    empty = Failure("one", "one/a.wav", ("bits", "sdr"), "one/a.wav: the file is empty (0 bytes)")
    silent = Failure("one", "one/b.wav", ("sdr",), "silent")
    moved = replace(silent, metrics=("sdr", "aligned_sdr"))
    hung = Failure("two", "c", ("bits",), "the codec took longer")
    unlike = Failure("two", "d", ("bits",), "d.wav: no such file")
    text = _text(
        _failing(summary, "first", empty, silent),
        _failing(summary, "second", empty, moved, hung),
        _failing(summary, "third", empty, silent, hung, unlike),
    )
    counted, listed = text.split("Failed, by reason:\n")[1].split("Failed:\n")
    assert counted.splitlines() == [
        "  1 clip (all codecs): the file is empty (0 bytes)",
        "  1 clip (all codecs): silent",
        "  1 clip (second, third): the codec took longer",
        "  1 clip (third): no such file",
    ]
    assert listed.splitlines() == [
        "  one/a.wav (all codecs): the file is empty (0 bytes)",
        "  one/b.wav sdr, aligned_sdr (all codecs): silent",
        "  two/c (second, third): the codec took longer",
        "  two/d (third): d.wav: no such file",
    ]
