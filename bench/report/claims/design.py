"""Claims on the design: one quantizer, what each part contributes, what it was trained on.

Source of the quotations: SQCodec paper, the sections that each names; Tables 1, 3 and 4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import pairwise

from bench.report.claims.compare import most
from bench.report.claims.facts import Facts
from bench.report.claims.model import Check, Claim, Outcome, Source
from bench.report.tables.frame import ABLATIONS, TABLE_3
from bench.report.tables.model import Cell, Column
from bench.report.tables.paper import YES

_BOTH = (Source.PAPER, Source.OURS)
_WINDOWS = ("w/ 150 window size", "w/ 75 window size", "w/ 40 window size")
_SCORES = tuple(column for column in TABLE_3 if column.better is not None)
_SDR = ("sdr_db", "audio_sdr_db")


def _one_quantizer(facts: Facts) -> Iterator[Check]:
    for group, own, _ in facts.groups(1):
        for row in own:
            cell = facts.cell(1, row, "n_quantizers")
            where = f"#Q {group}: {row.label} {cell.text or 'not measured'}"
            if cell.value is None:
                yield Check(where, Outcome.MISSING)
            else:
                yield Check(where, Outcome.HOLDS if cell.value == 1 else Outcome.FAILS)


def _steady_decline(facts: Facts) -> Iterator[Check]:
    """Each narrower window is worse than the one before, the first than the whole model."""
    for column in _SCORES:
        yield _loss(facts, column, _WINDOWS[0])
        for wider, narrower in pairwise(_WINDOWS):
            yield _loss(facts, column, narrower, wider)


def _worse_without(facts: Facts, variant: str, columns: Sequence[Column]) -> Iterator[Check]:
    """The variant's difference from the whole model is a loss."""
    for column in columns:
        yield _loss(facts, column, variant)


def _loss(facts: Facts, column: Column, variant: str, than: str | None = None) -> Check:
    """Whether a variant is worse than another one, or than the whole model."""
    change = _change(facts, variant, column)
    where = f"{column.label} {variant}: {change.text or 'not measured'}"
    if than is None:
        bounds = _bounds(change)
    else:
        before = _change(facts, than, column)
        where += f", {than}: {before.text or 'not measured'}"
        rows = [facts.row(3, ABLATIONS[name]) for name in (variant, than)]
        found = facts.difference(3, rows[0], rows[1], column.key)
        bounds = () if found.reason else (found.low, found.high)
    signed = [bound if column.better == "higher" else -bound for bound in bounds]
    if not signed:
        return Check(where, Outcome.MISSING)
    if max(signed) < 0:
        return Check(where, Outcome.HOLDS)
    return Check(where, Outcome.FAILS if min(signed) >= 0 else Outcome.UNDECIDED)


def _bounds(cell: Cell) -> tuple[float, ...]:
    if cell.value is None:
        return ()
    if cell.low is None or cell.high is None:
        return (cell.value,)
    return cell.low, cell.high


def _most_without_perceptual_loss(facts: Facts) -> Iterator[Check]:
    """SDR gains, most other scores lose."""
    variant = "w/o Perceptual Loss"
    swapped = {Outcome.HOLDS: Outcome.FAILS, Outcome.FAILS: Outcome.HOLDS}
    others = list(_worse_without(facts, variant, _columns(but=_SDR)))
    yield most(others, f"Table 3, {variant}: scores other than SDR worse in")
    for check in _worse_without(facts, variant, _columns(only=_SDR)):
        yield Check(check.where, swapped.get(check.outcome, check.outcome))


def _fewest_data_sets(facts: Facts) -> Iterator[Check]:
    counts = _data_sets(facts)
    own = counts["SQCodec"]
    for model, number in counts.items():
        if model != "SQCodec":
            yield _compared(f"SQCodec {own}, {model} {number}", own, number)


def _dac_most_data_sets(facts: Facts) -> Iterator[Check]:
    counts = _data_sets(facts)
    yield _compared(
        f"DAC {counts['DAC']}, WavTokenizer {counts['WavTokenizer']}",
        counts["WavTokenizer"],
        counts["DAC"],
    )
    for model in ("SQCodec", "Encodec"):
        yield _compared(
            f"WavTokenizer {counts['WavTokenizer']}, {model} {counts[model]}",
            counts[model],
            counts["WavTokenizer"],
        )


def _data_sets(facts: Facts) -> dict[str, int]:
    table = facts.tables[4]
    return {
        column.label: sum(row.cells[place].text == YES for row in table.rows())
        for place, column in enumerate(table.columns)
    }


def _compared(where: str, fewer: int, more: int) -> Check:
    return Check(where, Outcome.HOLDS if fewer < more else Outcome.FAILS)


def _change(facts: Facts, variant: str, column: Column) -> Cell:
    return facts.cell(3, facts.row(3, ABLATIONS[variant]), column.key)


def _columns(only: Collection[str] | None = None, but: Collection[str] = ()) -> tuple[Column, ...]:
    return tuple(
        column
        for column in _SCORES
        if column.key not in but and (only is None or column.key in only)
    )


CLAIMS = (
    Claim(
        "single-quantizer",
        "Abstract",
        "a lightweight neural audio codec that leverages a single quantizer",
        "one quantizer at every bitrate",
        _BOTH,
        _one_quantizer,
    ),
    Claim(
        "steady-decline",
        "4.3 Ablation study",
        "reducing the receptive field [...] led to a steady decline in performance",
        "every score of Table 3 gets worse with each narrower window",
        _BOTH,
        _steady_decline,
    ),
    Claim(
        "tconv-speech",
        "4.3 Ablation study",
        "exclusion of the TConv module had a negative impact on [...] speech-related tasks",
        "worse WER and EER without TConv, the two tasks on speech",
        _BOTH,
        partial(
            _worse_without,
            variant="w/o TConv",
            columns=_columns(only=("wer_asr_pct", "eer_asv_pct")),
        ),
    ),
    Claim(
        "teconv-everywhere",
        "4.3 Ablation study",
        "removing the TEConv module degraded performance across all audio types",
        "every score of Table 3 is worse without TEConv",
        _BOTH,
        partial(_worse_without, variant="w/o TEConv", columns=_columns()),
    ),
    Claim(
        "perceptual-loss",
        "4.3 Ablation study",
        "significantly impaired performance across most metrics, with the exception of SDR",
        "without the perceptual loss most scores of Table 3 are worse, but SDR, which is better",
        _BOTH,
        _most_without_perceptual_loss,
    ),
    Claim(
        "fewest-data-sets",
        "B Training details",
        "SQCodec employs the fewest datasets during training",
        "fewer ticks in Table 4 than any other model",
        (Source.PAPER,),
        _fewest_data_sets,
    ),
    Claim(
        "dac-widest-range",
        "B Training details",
        "DAC leverages the widest range of datasets, followed closely by WavTokenizer",
        "most ticks in Table 4, then WavTokenizer",
        (Source.PAPER,),
        _dac_most_data_sets,
    ),
)
