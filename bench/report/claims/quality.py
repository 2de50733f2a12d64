"""Claims on scores: the paper's Tables 1 and 2.

Source of the quotations: SQCodec paper, the sections that each names.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.report.claims.compare import (
    APPLICATION,
    HIGH,
    LOW,
    SIGNAL,
    ULTRA_LOW,
    ahead,
    at_least,
    first_of_group,
    most,
    not_last_of_group,
)
from bench.report.claims.facts import Facts
from bench.report.claims.model import Check, Claim, Outcome, Source

_BOTH = (Source.PAPER, Source.OURS)
_NOT_MEL = tuple(key for key in (*SIGNAL, *APPLICATION) if key not in ("mel", "audio_mel"))
_DAC = ("dac-16k", "dac-24k")


def _mel_lags(facts: Facts) -> Iterator[Check]:
    """Behind in MEL is what the sentence says, so that a lead refutes it."""
    swapped = {Outcome.HOLDS: Outcome.FAILS, Outcome.FAILS: Outcome.HOLDS}
    for check in first_of_group(facts, ("mel",), ("≤1k", "3k")):
        yield Check(check.where, swapped.get(check.outcome, check.outcome))


def _average(facts: Facts) -> Iterator[Check]:
    """Neither ahead of all nor behind all others of a bitrate."""
    columns = ("eer_asv_pct", "acc_aec_pct")
    firsts = list(first_of_group(facts, columns, HIGH))
    lasts = list(not_last_of_group(facts, columns, HIGH))
    for first, not_last in zip(firsts, lasts, strict=True):
        outcomes = {first.outcome, not_last.outcome}
        if not_last.outcome is Outcome.FAILS:
            yield Check(f"{not_last.where}: last", Outcome.FAILS)
        elif first.outcome is Outcome.HOLDS:
            yield Check(f"{first.where}: first", Outcome.FAILS)
        elif outcomes == {Outcome.FAILS, Outcome.HOLDS}:
            yield Check(first.where, Outcome.HOLDS)
        else:
            missing = Outcome.MISSING in outcomes
            yield Check(first.where, Outcome.MISSING if missing else Outcome.UNDECIDED)


CLAIMS = (
    Claim(
        "comparable-to-multi-quantizer",
        "Abstract",
        "audio quality comparable to multi-quantizer baselines",
        "in every score of Table 1 at every bitrate, no worse than the last of EnCodec and DAC",
        _BOTH,
        partial(not_last_of_group, columns=SIGNAL),
    ),
    Claim(
        "outperformed-encodec",
        "4.2 Results",
        "SQCodec outperformed EnCodec across all tested bitrates",
        "better than EnCodec in every score of Tables 1 and 2 at every bitrate of both",
        _BOTH,
        partial(ahead, columns=(*SIGNAL, *APPLICATION), rivals=("encodec",)),
    ),
    Claim(
        "comparable-to-dac",
        "4.2 Results",
        "Against DAC, SQCodec demonstrated comparable performance",
        "at each bitrate, in Table 1 and in Table 2, no worse than DAC in at least half of the "
        "comparisons",
        _BOTH,
        lambda facts: _half(facts, _DAC),
    ),
    Claim(
        "all-metrics-except-mel",
        "4.2 Results",
        "outperformed WavTokenizer on all metrics except MEL distance",
        "at 750 bit/s better than both WavTokenizers in every score of Tables 1 and 2 but MEL",
        _BOTH,
        partial(ahead, columns=_NOT_MEL, rivals=("wavtokenizer",), groups=ULTRA_LOW),
    ),
    Claim(
        "strong-on-most",
        "4.2 Signal level",
        "strong performance on most signal-level metrics",
        "the best in more than half of the scores of Table 1 at each bitrate",
        _BOTH,
        lambda facts: _best_in_most(facts),
    ),
    Claim(
        "especially-sdr",
        "4.2 Signal level",
        "on most signal-level metrics, especially on SDR",
        "the best SDR of speech and of audio at every bitrate",
        _BOTH,
        partial(first_of_group, columns=("sdr_db", "audio_sdr_db")),
    ),
    Claim(
        "mel-lags",
        "4.2 Signal level",
        "at bitrates of 0.75 kbps and 3 kbps, SQCodec's MEL distance lagged behind",
        "the MEL of speech of some other model is better at these two bitrates",
        _BOTH,
        _mel_lags,
    ),
    Claim(
        "pesq-and-stoi-superior",
        "4.2 Signal level",
        "other metrics, such as PESQ and STOI, were superior",
        "the best PESQ and STOI at 0.75 and 3 kbit/s",
        _BOTH,
        partial(first_of_group, columns=("pesq", "stoi"), groups=("≤1k", "3k")),
    ),
    Claim(
        "advanced-at-low-bitrates",
        "4.2 Application level",
        "advanced performance in application-level metrics at low bit rate settings",
        "the best of every score of Table 2 up to 3 kbit/s",
        _BOTH,
        partial(first_of_group, columns=APPLICATION, groups=LOW),
    ),
    Claim(
        "excels-in-asr-and-er",
        "4.2 Application level",
        "SQCodec excels in ASR and ER tasks",
        "the best WER and emotion accuracy at every bitrate",
        _BOTH,
        partial(first_of_group, columns=("wer_asr_pct", "acc_er_pct")),
    ),
    Claim(
        "average-in-asv-and-aec",
        "4.2 Application level",
        "performs averagely in ASV and AEC tasks at high bitrate settings",
        "from 6 kbit/s on neither first in EER and AEC nor behind both EnCodec and DAC",
        _BOTH,
        _average,
    ),
)


def _best_in_most(facts: Facts) -> Iterator[Check]:
    for group, _, _ in facts.groups(1):
        checks = list(first_of_group(facts, SIGNAL, (group,)))
        if checks:
            yield most(checks, f"Table 1, {group}: the best in")


def _half(facts: Facts, rivals: tuple[str, ...]) -> Iterator[Check]:
    """At each bitrate, whether at least half of all scores against a rival are no worse."""
    for table, columns in ((1, SIGNAL), (2, APPLICATION)):
        for group, _, _ in facts.groups(table):
            checks = list(ahead(facts, columns, rivals, (group,), tie=True))
            if not checks:
                continue
            where = f"Table {table}, {group}: as good or better in"
            yield at_least(-(-len(checks) // 2), checks, where)
