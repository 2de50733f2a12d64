"""What `benchmarks.inference` measured: ratios, the figure that counts, and its tables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.inference_rows import FIGURES, REFERENCES

TARGETS = {"fp32": 3.5, "bf16": 7.0}


@dataclass(frozen=True)
class Case:
    """Seconds of one row on one clip with so many threads, turn by turn."""

    row: str
    duration_s: float
    threads: int
    encode_s: tuple[float, ...]
    decode_s: tuple[float, ...]

    @property
    def total_s(self) -> tuple[float, ...]:
        """Encoding and decoding."""
        return tuple(e + d for e, d in zip(self.encode_s, self.decode_s, strict=True))


@dataclass(frozen=True)
class Figure:
    """The smallest ratio of a precision, and the case it is of."""

    precision: str
    ratio: float
    row: str
    reference: str
    duration_s: float
    threads: int


@dataclass(frozen=True)
class Exactness:
    """How far a row is from float64 on a clip of one window.

    Attributes:
        n_codes: in all.
        n_other: codes that differ.
        n_ties: of these, the rounding ties (`sqcodec.export.TIE`).
        rms, largest: error of the waveform that is decoded from float64's codes.
    """

    row: str
    n_codes: int
    n_other: int
    n_ties: int
    rms: float
    largest: float


@dataclass(frozen=True)
class Quality:
    """What bf16 does to speech.

    Attributes:
        n_clips: of speech.
        fast, bf16: mean PESQ of the fast path in either precision.
        largest_difference: between the two, of a clip.
        other_codes: the part of the codes that bf16 changes.
    """

    n_clips: int
    fast: float
    bf16: float
    largest_difference: float
    other_codes: float


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times faster ours is: the median over the turns."""
    return statistics.median(t / o for o, t in zip(ours, theirs, strict=True))


def figure(precision: str, cases: list[Case]) -> Figure | None:
    """The smallest over clips, threads and references, of the precision's fastest row each."""
    found = []
    for clip in sorted({(case.duration_s, case.threads) for case in cases}):
        of_clip = {case.row: case for case in cases if (case.duration_s, case.threads) == clip}
        for reference in REFERENCES:
            ratios = [
                (ratio(of_clip[row].total_s, of_clip[reference].total_s), row)
                for row in FIGURES[precision]
                if row in of_clip and reference in of_clip
            ]
            if ratios:
                fastest, row = max(ratios)
                found.append(Figure(precision, fastest, row, reference, *clip))
    return min(found, key=lambda one: one.ratio, default=None)


def speed_table(cases: list[Case], memory: dict[str, int], title: str) -> Table:
    """A row per case: seconds, ratios to the package as published, memory."""
    shown = Table(title=title)
    for column in ("clip, s", "threads", "", "encode, s", "decode, s", "encode", "decode", "both"):
        shown.add_column(column, justify="left" if not column else "right")
    shown.add_column("peak, MB", justify="right")
    for case in cases:
        same = (case.duration_s, case.threads)
        against = next(
            (
                one
                for one in cases
                if one.row == REFERENCES[0] and (one.duration_s, one.threads) == same
            ),
            None,
        )
        ratios = ["", "", ""]
        if against is not None:
            pairs = (
                (case.encode_s, against.encode_s),
                (case.decode_s, against.decode_s),
                (case.total_s, against.total_s),
            )
            ratios = [f"{ratio(ours, theirs):.2f}" for ours, theirs in pairs]
        shown.add_row(
            f"{case.duration_s:g}",
            str(case.threads),
            case.row,
            f"{statistics.median(case.encode_s):.3f}",
            f"{statistics.median(case.decode_s):.3f}",
            *ratios,
            f"{memory[case.row] / 1e6:.0f}" if case.row in memory else "",
        )
    return shown


def exactness_table(found: list[Exactness], title: str) -> Table:
    """A row per way to compute."""
    shown = Table(title=title)
    for column in ("", "other codes", "of them ties", "error, rms", "largest"):
        shown.add_column(column, justify="right" if column else "left")
    for one in found:
        other = f"{one.n_other} of {one.n_codes}"
        shown.add_row(one.row, other, str(one.n_ties), f"{one.rms:.1e}", f"{one.largest:.1e}")
    return shown
