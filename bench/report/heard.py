"""What evaluators say of one clip: transcripts and edits, speaker similarity, classes.

A table an evaluator, a row a codec, the untouched clip first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.cells import Hearing, Judgement
from bench.downstream.wer import Edits

REFERENCE = "reference"
_MOST_CLASSES = 3

Said = Sequence[tuple[Hearing, Judgement]]
Compare = Callable[[str, str], Edits]


def heard_report(
    said: Said, transcript: str, compare: Compare | None, trials: Sequence[str] = ()
) -> RenderableType:
    """What evaluators say of a clip.

    Args:
        said: as `bench.store.Store.evidence_of_clip` has it, by evaluator.
        transcript: what is said in it; "" where it is not known.
        compare: counts the edits between two texts; None where its libraries are not here.
        trials: lines on its trials.
    """
    parts: list[RenderableType] = []
    for (name, revision), group in groupby(
        said, lambda one: (one[0].evaluator, one[0].evaluator_revision)
    ):
        rows = list(group)
        heading = Text(f"\n{name}", style="bold")
        heading.append(f"  evaluator, revision {revision}", style="dim")
        parts += [heading, _of_evaluator(rows, transcript, compare)]
    return Group(*parts, *map(Text, trials))


def _of_evaluator(rows: Said, transcript: str, compare: Compare | None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False)
    table.add_column("codec", no_wrap=True)
    table.add_column("what it says, or error", overflow="fold")
    table.add_column("score", overflow="fold")
    table.add_column("judged (UTC), host", overflow="fold")
    untouched = next(
        (one.evidence for by, one in rows if by.codec == REFERENCE and one.evidence), None
    )
    for hearing, judgement in rows:
        name = f"{hearing.codec}\n{hearing.codec_revision[:8]}"
        when = f"{judgement.judged_at.removesuffix('+00:00')}, {judgement.host}"
        if judgement.evidence is None:
            table.add_row(name, Text(judgement.error or "", style="red"), "", when)
            continue
        words, score = _said(judgement.evidence, untouched, transcript, compare)
        table.add_row(name, Text(words), Text(score), when)
    return table


def _said(
    evidence: dict[str, Any],
    untouched: dict[str, Any] | None,
    transcript: str,
    compare: Compare | None,
) -> tuple[str, str]:
    """Evidence in words, and the score that it makes."""
    if "transcript" in evidence:
        if not transcript or compare is None:
            return evidence["transcript"], ""
        found = compare(transcript, evidence["transcript"])
        score = (
            f"{found.errors} errors in {found.words} words (substituted {found.substitutions}, "
            f"deleted {found.deletions}, inserted {found.insertions})"
        )
        return evidence["transcript"], score
    if "embedding" in evidence:
        words = f"embedding of {len(evidence['embedding'])}, {len(evidence['crops'])} crops"
        if untouched is None:
            return words, ""
        from bench.downstream.asv import similarity

        return words, f"similarity to the reference {similarity(untouched, evidence):.4f}"
    if "probabilities" in evidence:
        best = sorted(evidence["probabilities"].items(), key=lambda one: -one[1])[:_MOST_CLASSES]
        return ", ".join(f"{name} {chance:.3f}" for name, chance in best), ""
    return f"{len(evidence.get('features', []))} features", ""
