"""The claims: against the paper's own tables, true counts and our rows; each can turn out false."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.report.claims import facts, shown
from bench.report.claims.compare import at_least
from bench.report.claims.facts import Facts, of_ours, of_paper
from bench.report.claims.judge import CLAIMS, Judged, judge, judge_paper
from bench.report.claims.model import Check, Finding, Outcome, Source
from bench.report.paired import difference
from bench.report.results import Result
from bench.report.tables import paper, write
from bench.report.tables.model import Cell, Group, Table
from bench.stats import Interval
from bench.suites import SIGNAL, Score

RESULTS = Path(__file__).parents[4] / "results"
# What the paper's own tables say of its sentences; read off the tables by hand.
OF_PAPER = {
    "comparable-to-multi-quantizer": "fails (2 of 36)",
    "outperformed-encodec": "fails (7 of 60)",
    "comparable-to-dac": "fails (2 of 12)",
    "all-metrics-except-mel": "holds",
    "strong-on-most": "fails (3 of 6)",
    "especially-sdr": "holds",
    "mel-lags": "holds",
    "pesq-and-stoi-superior": "holds",
    "advanced-at-low-bitrates": "fails (1 of 12)",
    "excels-in-asr-and-er": "fails (2 of 12)",
    "average-in-asv-and-aec": "fails (1 of 6)",
    "order-of-magnitude": "fails (20 of 28)",
    "dac-parameters": "fails (8 of 8)",
    "dac-computation": "holds",
    "lower-overhead-and-parameters": "fails (2 of 28)",
    "lower-costs-than-wavtokenizer": "holds",
    "real-time": "-",
    "streamable": "-",
    "single-quantizer": "holds",
    "steady-decline": "fails (5 of 18)",
    "tconv-speech": "holds",
    "teconv-everywhere": "fails (1 of 6)",
    "perceptual-loss": "holds",
    "fewest-data-sets": "holds",
    "dac-widest-range": "holds",
}


def by_name(judged: list[Judged]) -> dict[str, dict[Source, Finding]]:
    return {one.claim.name: {found.source: found for found in one.findings} for one in judged}


def changed(change: Callable[[str, str, Cell], Cell]) -> Facts:
    """The paper's tables with every cell put through a change of (row key, column, cell)."""

    def table(old: Table) -> Table:
        groups = tuple(
            Group(
                group.name,
                tuple(
                    replace(
                        row,
                        cells=tuple(
                            change(row.key, column.key, cell)
                            for column, cell in zip(old.columns, row.cells, strict=True)
                        ),
                    )
                    for row in group.rows
                ),
            )
            for group in old.groups
        )
        return replace(old, groups=groups)

    return of_paper(tuple(map(table, paper.tables(RESULTS))))


def verdict(name: str, facts: Facts, source: Source = Source.PAPER) -> str:
    claim = next(claim for claim in CLAIMS if claim.name == name)
    return Finding(claim, source, tuple(claim.checks(facts))).verdict


def test_verdicts_of_the_papers_own_tables() -> None:
    found = by_name(judge_paper(RESULTS))
    assert {name: one[Source.PAPER].verdict for name, one in found.items()} == OF_PAPER


def test_the_first_fails_in_the_papers_own_audio_mel() -> None:
    finding = by_name(judge_paper(RESULTS))["outperformed-encodec"][Source.PAPER]
    failing = shown.failing(finding)
    assert "Audio MEL 1.5k: SQCodec 1.88, EnCodec† 1.51" in failing
    assert "EER(ASV) 12k: SQCodec 1.73, EnCodec† 1.73" in failing  # a tie outperforms nobody
    assert len([cell for cell in failing if cell.startswith("Audio MEL")]) == 4


def test_claims_are_short_and_named_once() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS) >= 10
    assert all(len(claim.quote.split()) <= 16 for claim in CLAIMS)
    assert all(claim.section[0] in "A2345B" for claim in CLAIMS)


def test_a_claim_holds_once_its_cells_say_so() -> None:
    def shift(row: str, column: str, cell: Cell) -> Cell:
        if row.startswith("sqcodec") and column == "audio_mel":
            return Cell("0.10", 0.1)
        if row.startswith("sqcodec") and column == "eer_asv_pct":
            return Cell("0.50", 0.5)
        return cell

    assert verdict("outperformed-encodec", changed(shift)) == "holds"
    assert verdict("outperformed-encodec", changed(lambda *given: given[2])) == "fails (7 of 60)"


@pytest.mark.parametrize(
    ("name", "row", "column", "value"),
    [
        ("all-metrics-except-mel", "wavtokenizer-900", "stoi", 0.81),
        ("especially-sdr", "dac-16k-1k", "sdr_db", 9.0),
        ("mel-lags", "sqcodec-3k", "mel", 0.5),
        ("pesq-and-stoi-superior", "encodec-3k", "pesq", 3.0),
        ("dac-computation", "sqcodec-6k", "macs_g", 900.0),
        ("lower-costs-than-wavtokenizer", "sqcodec-0.75k", "macs_g", 60.0),
        ("single-quantizer", "sqcodec-6k", "n_quantizers", 2.0),
        ("tconv-speech", "sqcodec-6k-no-tconv", "wer_asr_pct", -0.4),
        ("perceptual-loss", "sqcodec-6k-no-perceptual-loss", "sdr_db", -1.0),
    ],
)
def test_one_other_cell_makes_a_claim_fail(name: str, row: str, column: str, value: float) -> None:
    facts = changed(
        lambda key, at, cell: Cell(f"{value}", value) if (key, at) == (row, column) else cell
    )
    assert OF_PAPER[name] == "holds"
    assert verdict(name, facts).startswith("fails (")


@pytest.mark.parametrize(
    ("better", "verdict_then"), [(("acc_aec_pct",), "holds"), (("acc_aec_pct", "pesq"), "fails (")]
)
def test_most_is_more_than_half(better: tuple[str, ...], verdict_then: str) -> None:
    facts = changed(
        lambda key, at, cell: (
            Cell("1.0", 1.0) if key == "sqcodec-6k-no-perceptual-loss" and at in better else cell
        )
    )
    assert verdict("perceptual-loss", facts).startswith(verdict_then)


@pytest.mark.parametrize(
    ("sdr", "verdict_then"), [(0.0, "holds where measured (11 of 12)"), (90.0, "holds")]
)
def test_a_codec_that_was_not_measured_may_be_the_better_one(sdr: float, verdict_then: str) -> None:
    def change(row: str, column: str, cell: Cell) -> Cell:
        if column == "sdr_db" and row == "sqcodec-12k-24khz":
            return Cell(reason="not run")
        return Cell(f"{sdr}", sdr) if (row, column) == ("sqcodec-12k", "sdr_db") else cell

    assert verdict("especially-sdr", changed(change)) == verdict_then


def test_several_checks_as_one() -> None:
    def of(*outcomes: Outcome) -> Outcome:
        return at_least(2, [Check("", outcome) for outcome in outcomes], "").outcome

    holds, fails, missing, undecided = (
        Outcome.HOLDS,
        Outcome.FAILS,
        Outcome.MISSING,
        Outcome.UNDECIDED,
    )
    assert of(holds, holds, fails, missing) is holds
    assert of(holds, fails, fails) is fails
    assert of(holds, fails, missing) is missing  # it may turn out either way
    assert of(holds, fails, undecided) is undecided


def test_data_sets_are_counted() -> None:
    facts = changed(lambda row, column, cell: Cell("✓") if column == "sqcodec" else cell)
    assert verdict("fewest-data-sets", facts).startswith("fails (3")
    facts = changed(lambda row, column, cell: Cell("no") if column == "dac" else cell)
    assert verdict("dac-widest-range", facts) == "fails (1 of 3)"


def test_what_is_not_measured_is_said(small_results: Path) -> None:
    views, measured = write.of_all(small_results, {}, None)
    found = by_name(judge(views["paper"], views["ours"], measured))
    ours, counts = Source.OURS, Source.COUNTS
    assert found["all-metrics-except-mel"][ours].verdict == "not measured"
    # All six scores of Table 1 at 3 kbit/s hold; of Table 2 two intervals overlap.
    encodec = found["outperformed-encodec"][ours]
    assert encodec.verdict == "undecided (2 of 60; 52 not measured)"
    assert encodec.count(Outcome.HOLDS) == 6
    assert found["order-of-magnitude"][counts].verdict == "fails (4 of 28; 24 not measured)"
    assert "MACs 3k: EnCodec† / SQCodec = 0.8" in shown.failing(found["order-of-magnitude"][counts])
    assert found["streamable"][counts].verdict == "fails (1 of 7; 6 not measured)"
    assert found["real-time"][counts].verdict == "holds where measured (1 of 7)"
    assert found["steady-decline"][ours].verdict.startswith("undecided (")


def test_our_rows_are_compared_clip_by_clip(small_results: Path) -> None:
    views, measured = write.of_all(small_results, {}, None)
    facts = of_ours(views["paper"], views["ours"], measured.counted, measured.signal)
    mine, theirs = facts.row(1, "sqcodec-3k"), facts.row(1, "encodec-3k")
    found = facts.difference(1, mine, theirs, "sdr_db")
    score = next(score for score in SIGNAL.scores if score.name == "sdr_db")
    of_pairs = difference(measured.signal["sqcodec-3k"], measured.signal["encodec-3k"], score)
    assert (found.value, found.low, found.high) == (of_pairs.mean, of_pairs.low, of_pairs.high)
    # The two intervals added up, as where there are no clips, say less.
    apart = replace(facts, results={}).difference(1, mine, theirs, "sdr_db")
    assert apart.low < found.low < found.high < apart.high


def test_ours_has_the_papers_rows_alone(small_results: Path) -> None:
    views, measured = write.of_all(small_results, {}, None)
    facts = of_ours(views["paper"], views["ours"], measured.counted, measured.signal)
    keys = {row.key for row in facts.tables[1].rows()}
    assert len(keys) == 21
    assert "opus-6k" not in keys


def test_results_are_shown_in_three_ways(small_results: Path) -> None:
    views, measured = write.of_all(small_results, {}, None)
    judged = judge(views["paper"], views["ours"], measured)
    lines = shown.csv_text(judged).splitlines()
    assert lines[0] == "claim,section,quote,reading,source,cells,outcome"
    assert len(lines) == 1 + sum(len(f.checks) for one in judged for f in one.findings)
    page = shown.markdown(judged, measured)
    assert page.count("\n## ") == len(CLAIMS)
    assert f"- Our rows: the {measured.data}; not the paper's data or weights." in page
    trained = [name for name, one in measured.signal.items() if one.codec["weights"]]
    assert trained
    assert all(f"- {name}, revision " in page for name in trained)
    assert "Our rows: " not in shown.markdown(judged)


def test_clips_of_two_codecs_are_compared_once(
    small_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views, measured = write.of_all(small_results, {}, None)
    calls: list[tuple[str, str, str]] = []

    def counted(first: Result, second: Result, score: Score) -> Interval:
        calls.append((str(first.codec["name"]), str(second.codec["name"]), score.name))
        return difference(first, second, score)

    monkeypatch.setattr(facts, "difference", counted)
    judge(views["paper"], views["ours"], measured)
    assert calls
    assert len(calls) == len(set(calls))
