"""Accuracies, their intervals and their paired differences, against independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from bench.downstream.accuracy import accuracy, agreement, paired_difference

EXACT = 1e-9
PRINTED_TO_4_DIGITS = 0.5e-4


def _clips(both: int, only_first: int, only_second: int, neither: int) -> tuple[list, list]:
    """Right and wrong of two classifiers, by how often each of the four cases occurs."""
    first = [True] * (both + only_first) + [False] * (only_second + neither)
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return first, second


@pytest.mark.parametrize(
    ("n_right", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (7, 40), (901, 2000)]
)
def test_wilson_interval_is_that_of_scipy(n_right: int, n: int) -> None:
    result = accuracy([True] * n_right + [False] * (n - n_right))
    expected = binomtest(n_right, n).proportion_ci(method="wilson")
    assert result.percent == pytest.approx(100 * n_right / n, abs=EXACT)
    assert result.low == pytest.approx(100 * expected.low, abs=EXACT)
    assert result.high == pytest.approx(100 * expected.high, abs=EXACT)
    assert (result.n_right, result.n_clips) == (n_right, n)


def test_paired_difference_is_the_published_one() -> None:
    # Complete response before and after therapy (Cavo et al., 2012), as the R package
    # contingencytables of Fagerland, Lydersen and Laake has its "square-and-add" interval.
    before, after = _clips(59, 6, 16, 80)
    result = paired_difference(after, before)
    assert result.points / 100 == pytest.approx(-0.0621, abs=PRINTED_TO_4_DIGITS)
    assert result.low / 100 == pytest.approx(-0.1186, abs=PRINTED_TO_4_DIGITS)
    assert result.high / 100 == pytest.approx(-0.0046, abs=PRINTED_TO_4_DIGITS)
    assert result.n_clips == 161


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.tuples(*[st.integers(0, 30)] * 4).filter(any))
def test_a_difference_lies_in_its_interval_and_turns_its_sign(
    table: tuple[int, int, int, int],
) -> None:
    first, second = _clips(*table)
    result, reverse = paired_difference(first, second), paired_difference(second, first)
    assert -100 - EXACT <= result.low <= result.points <= result.high <= 100 + EXACT
    assert (reverse.points, reverse.low, reverse.high) == pytest.approx(
        (-result.points, -result.high, -result.low), abs=EXACT
    )


def test_the_same_answers_differ_by_nothing_but_not_without_doubt() -> None:
    result = paired_difference([True] * 20 + [False] * 20, [True] * 20 + [False] * 20)
    assert result.points == 0
    assert result.low < 0 < result.high
    # Pairing pays: two independent samples of 40 would leave some 21 points on either side.
    assert result.high < 10


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    # 41 % and 59 % right, with the answers correlated as those of a codec and its reference.
    rng = np.random.default_rng(0)
    cells = rng.multinomial(60, [0.35, 0.24, 0.06, 0.35], size=400)
    covered = 0
    for table in cells:
        estimate, reference = _clips(*map(int, table))
        result = paired_difference(reference, estimate)
        covered += result.low <= 18 <= result.high
    assert 0.92 <= covered / len(cells) <= 0.985


def test_agreement_is_with_the_class_of_the_reference_whatever_is_right() -> None:
    result = agreement(["dog", "rain", "dog", "cat"], ["dog", "cat", "dog", "cat"])
    assert (result.n_right, result.n_clips, result.percent) == (3, 4, 75.0)


def test_no_clip_has_no_accuracy() -> None:
    with pytest.raises(ValueError, match="at least one clip"):
        accuracy([])
    with pytest.raises(ValueError, match="at least one pair"):
        paired_difference([], [])
    with pytest.raises(ValueError, match="argument 2 is longer"):
        paired_difference([True, False], [True])
