"""Codebook usage: how many entries occur, and how many bits the codes really carry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from bench.report.figures.style import Drawn, absent, note, save
from bench.report.palette import family_of
from bench.report.results import Result

_NAME = "codebooks"
_CAPTION = (
    "Codebook usage: the share of entries that occur, out of those that so many codes could "
    "show, and the entropy of the codes beside the bits that are sent for them."
)


@dataclass(frozen=True)
class _Usage:
    codec: str
    codebook: int
    used: int
    size: int
    n_codes: int
    entropy_bits: float

    @property
    def possible(self) -> int:
        """Entries that so many codes could show; all of them where frames were not counted."""
        return min(self.size, self.n_codes) if self.n_codes else self.size

    @property
    def label(self) -> str:
        return f"{self.codec} #{self.codebook}" if self.codebook else self.codec


def draw(out: Path, measured: Sequence[Result], data: str) -> Drawn:
    """A bar a codebook."""
    usages = [usage for result in measured for usage in _usages(result)]
    if not usages:
        return absent(out, _NAME, _CAPTION, "no codec with tokens was measured: bench run")
    figure = Figure(figsize=(7.2, 1.5 + 0.3 * len(usages)))
    shares, entropies = figure.subplots(1, 2, sharey=True)
    rows = range(len(usages))
    colours = [family_of(usage.codec).colour for usage in usages]
    for row, usage in enumerate(usages):
        shares.text(
            1.5, row, f"{usage.used:,} of {usage.possible:,}", va="center", fontsize=7,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
        )  # fmt: skip
        entropies.text(
            0.4, row, f"{usage.entropy_bits:.1f} of {math.log2(usage.size):.1f} bits",
            va="center", fontsize=7,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
        )  # fmt: skip
    shares.barh(rows, [100 * u.used / u.possible for u in usages], color=colours)
    shares.set_xlim(0, 100)
    shares.set_xlabel("entries used (% of those that could show)")
    entropies.barh(
        rows, [math.log2(u.size) for u in usages], color="none", edgecolor="black", linewidth=0.8
    )
    entropies.barh(rows, [u.entropy_bits for u in usages], color=colours)
    entropies.set_xlabel("entropy of the codes, framed: bits sent (bits a code)")
    shares.set_yticks(rows, [usage.label for usage in usages])
    shares.set_ylim(len(usages) - 0.4, -0.6)
    note(figure, data)
    return save(figure, out, _NAME, _CAPTION)


def _usages(result: Result) -> list[_Usage]:
    used, entropy_bits = result.beside.codes_used, result.beside.code_entropy_bits
    if used is None or entropy_bits is None:
        return []
    n_codes = sum(clip.frames or 0 for clip in result.clips)
    return [
        _Usage(
            str(result.codec["name"]),
            i + 1 if len(used) > 1 else 0,
            used[i],
            int(result.codec["codebook_size"] or 0),
            n_codes,
            entropy_bits[i],
        )
        for i in range(len(used))
    ]
