"""Word error rate, as the protocol takes it.

Both texts are normalised by Whisper's English normaliser (case, punctuation, contractions,
numbers, British spellings), then words are aligned with the fewest substitutions, deletions and
insertions. The rate of a corpus is the sum of edits over the sum of the transcripts' words.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022,
appendix C; the normaliser is the one of transformers, with the spellings that the package
whisper-normalizer carries.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

_SPELLINGS = ("whisper_normalizer", "normalizers/english.json")


@dataclass(frozen=True)
class Edits:
    """What it takes to turn a transcript into a hypothesis, in words.

    Attributes:
        words: of the transcript.
        substitutions, deletions, insertions: the fewest that do.
    """

    words: int
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions


def edits(transcript: str, hypothesis: str) -> Edits:
    """Align two texts, normalised already, word by word."""
    from rapidfuzz.distance import Levenshtein

    said, heard = transcript.split(), hypothesis.split()
    kinds = [step.tag for step in Levenshtein.editops(said, heard)]
    return Edits(len(said), kinds.count("replace"), kinds.count("delete"), kinds.count("insert"))


@cache
def normaliser() -> Callable[[str], str]:
    """Whisper's normaliser of English text."""
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    package, file = _SPELLINGS
    found = importlib.util.find_spec(package)
    assert found is not None  # an evaluator of this task lacks it otherwise
    assert found.origin is not None
    spellings = json.loads((Path(found.origin).parent / file).read_text(encoding="utf-8"))
    return EnglishTextNormalizer(spellings)


def scored_by() -> dict[str, str]:
    """What decides the rates: name -> version."""
    return {name: version(name) for name in ("rapidfuzz", "transformers", "whisper_normalizer")}
