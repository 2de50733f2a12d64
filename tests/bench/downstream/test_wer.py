"""bench.downstream.wer: edits as jiwer and an exhaustive search count them; Whisper's words."""

from functools import cache
from itertools import pairwise

import jiwer
import numpy as np
import pytest

from bench.downstream.wer import Edits, edits, normaliser


def fewest(said: tuple[str, ...], heard: tuple[str, ...]) -> int:
    """The fewest edits, by trying all of them."""

    @cache
    def from_(i: int, j: int) -> int:
        if i == len(said) or j == len(heard):
            return len(said) - i + len(heard) - j
        return min(
            from_(i + 1, j + 1) + (said[i] != heard[j]), from_(i + 1, j) + 1, from_(i, j + 1) + 1
        )

    return from_(0, 0)


@pytest.mark.parametrize(
    ("transcript", "hypothesis", "expected"),
    [
        ("a b c", "a b c", Edits(3, 0, 0, 0)),
        ("a b c", "a x c", Edits(3, 1, 0, 0)),
        ("a b c", "a c", Edits(3, 0, 1, 0)),
        ("a b c", "a b b c", Edits(3, 0, 0, 1)),
        ("a b c", "", Edits(3, 0, 3, 0)),
        ("", "a b", Edits(0, 0, 0, 2)),
        ("", "", Edits(0, 0, 0, 0)),
    ],
)
def test_known_answers(transcript: str, hypothesis: str, expected: Edits) -> None:
    assert edits(transcript, hypothesis) == expected


def test_a_corpus_has_jiwers_rate() -> None:
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(list("abcde"), generator.integers(1, 9))) for _ in range(61)]
    found = [edits(said, heard) for said, heard in pairwise(texts)]
    rate = sum(one.errors for one in found) / sum(one.words for one in found)
    assert rate == pytest.approx(jiwer.wer(texts[:-1], texts[1:]), abs=1e-12)
    for one, (said, heard) in zip(found, pairwise(texts), strict=True):
        assert one.errors == fewest(tuple(said.split()), tuple(heard.split()))


def test_texts_are_normalised_as_whisper_does() -> None:
    normalise = normaliser()
    assert normalise("Mr. Brown's COLOUR, um, isn't twenty-five!") == (
        "mister brown is color is not 25"
    )
    assert normalise("cold-hearted") == "cold hearted"
