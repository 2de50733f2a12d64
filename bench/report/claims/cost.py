"""Claims on what codecs cost: multiplications, parameters, speed.

Source of the quotations: SQCodec paper, the sections that each names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from bench.report.claims.compare import COST, ULTRA_LOW, ahead, times_less
from bench.report.claims.facts import MULTI_QUANTIZER, Facts
from bench.report.claims.model import Check, Claim, Outcome, Source
from bench.report.tables.measured import Counted

_COUNTED = (Source.PAPER, Source.COUNTS)
_DAC = ("dac-16k", "dac-24k")
ORDER_OF_MAGNITUDE = 10.0


def _real_time(facts: Facts) -> Iterator[Check]:
    """Encoding and decoding each faster than real time."""
    for codec, found in _own(facts):
        if found is None or found.real_time is None:
            yield Check(f"{codec}: times real time not measured", Outcome.MISSING)
            continue
        encode, decode = found.real_time
        holds = min(encode, decode) >= 1
        where = f"{codec}: encodes {encode:.1f} and decodes {decode:.1f} times as fast"
        yield Check(where, Outcome.HOLDS if holds else Outcome.FAILS)


def _streamable(facts: Facts) -> Iterator[Check]:
    """No frame waits for the end of the clip."""
    for codec, found in _own(facts):
        if found is None or found.look_ahead_s is None:
            yield Check(f"{codec}: look-ahead not measured", Outcome.MISSING)
        elif math.isinf(found.look_ahead_s):
            yield Check(f"{codec}: its output depends on the whole clip", Outcome.FAILS)
        else:
            yield Check(f"{codec}: looks {found.look_ahead_s:.3g} s ahead", Outcome.HOLDS)


def _own(facts: Facts) -> Iterator[tuple[str, Counted | None]]:
    for _, own, _ in facts.groups(1):
        for row in own:
            yield row.key, facts.counted.get(row.key)


CLAIMS = (
    Claim(
        "order-of-magnitude",
        "Abstract",
        "its lightweight architecture reduces resource consumption by an order of magnitude",
        "at most a tenth of the multiplications and parameters of EnCodec and of DAC at each "
        "bitrate",
        _COUNTED,
        partial(times_less, columns=COST, rivals=MULTI_QUANTIZER, times=ORDER_OF_MAGNITUDE),
    ),
    Claim(
        "dac-parameters",
        "4.2 Results",
        "using an order of magnitude fewer parameters",
        "at most a tenth of DAC's parameters at each bitrate",
        _COUNTED,
        partial(times_less, columns=("params_m",), rivals=_DAC, times=ORDER_OF_MAGNITUDE),
    ),
    Claim(
        "dac-computation",
        "4.2 Results",
        "an order of magnitude fewer parameters and reduced computational requirements",
        "fewer multiplications than DAC at each bitrate",
        _COUNTED,
        partial(ahead, columns=("macs_g",), rivals=_DAC),
    ),
    Claim(
        "lower-overhead-and-parameters",
        "4.2 Results",
        "significantly lower computational overhead and parameter counts",
        "fewer multiplications and parameters than EnCodec and DAC at each bitrate",
        _COUNTED,
        partial(ahead, columns=COST, rivals=MULTI_QUANTIZER),
    ),
    Claim(
        "lower-costs-than-wavtokenizer",
        "4.2 Results",
        "while maintaining significantly lower computational costs",
        "at 750 bit/s fewer multiplications and parameters than both WavTokenizers",
        _COUNTED,
        partial(ahead, columns=COST, rivals=("wavtokenizer",), groups=ULTRA_LOW),
    ),
    Claim(
        "real-time",
        "5 Conclusion",
        "tasks ranging from real-time streaming to high-fidelity audio processing",
        "every preset encodes and decodes faster than real time on the machine of the counts",
        (Source.COUNTS,),
        _real_time,
    ),
    Claim(
        "streamable",
        "2.3 Related works",
        "lightweight, streamable properties suitable for real-world applications",
        "no output sample of a preset depends on the whole clip",
        (Source.COUNTS,),
        _streamable,
    ),
)
