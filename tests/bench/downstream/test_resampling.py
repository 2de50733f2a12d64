"""bench.downstream.resampling: ratios of sums, drawn by group, differences in pairs."""

import numpy as np
import pytest

from bench.downstream.resampling import draws, ratio, ratio_difference


def test_the_ratio_is_of_sums() -> None:
    found = ratio([1, 0, 3], [10, 5, 10], ["a", "b", "c"])
    assert found.value == pytest.approx(100 * 4 / 25)
    assert found.method == "bootstrap over 3 speakers or recordings"
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < found.value < found.high <= 30


def test_the_interval_is_that_of_the_normal_limit() -> None:
    generator = np.random.default_rng(0)
    errors, n = generator.poisson(2.0, 2_000), 2_000
    found = ratio(errors, np.full(n, 20), [str(i) for i in range(n)])
    half = 1.96 * 100 * errors.std() / 20 / np.sqrt(n)
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)


def test_whole_groups_are_drawn() -> None:
    errors, words = [0] * 10 + [5] * 10, [10] * 20
    by_speaker = ratio(errors, words, ["a"] * 10 + ["b"] * 10)
    assert (by_speaker.low, by_speaker.high) == (0, 50)  # one of the two may be drawn alone
    by_clip = ratio(errors, words, [str(i) for i in range(20)])
    assert by_clip.low > 0
    assert by_clip.high < 50
    alone = ratio(errors, words, ["a"] * 20)
    assert alone.method == "bootstrap over 20 clips of one speaker or recording"
    assert (alone.low, alone.high) == (by_clip.low, by_clip.high)


def test_pairs_are_drawn_together() -> None:
    generator = np.random.default_rng(1)
    errors = generator.poisson(3.0, 50)
    words = np.full(50, 10)
    groups = [str(i) for i in range(50)]
    same = ratio_difference(errors, words, errors, words, groups)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    one_more = errors + 1
    one_more[0] += 1
    worse = ratio_difference(one_more, words, errors, words, groups)
    assert worse.value == pytest.approx(10.2)
    assert worse.low == pytest.approx(10)
    assert worse.high == pytest.approx(10.6)  # the first clip drawn three times


def test_what_is_the_same_however_it_is_drawn_is_not_certain() -> None:
    all_wrong = ratio([10, 5], [10, 5], ["a", "b"])
    assert (all_wrong.value, all_wrong.low, all_wrong.high) == (100, None, None)
    expected = "no interval: whatever is drawn of 2 speakers or recordings, it is the same"
    assert all_wrong.method == expected
    shifted = ratio_difference([3, 5, 2], [9, 9, 9], [2, 4, 1], [9, 9, 9], ["a", "b", "c"])
    assert shifted.value == pytest.approx(100 / 9)
    assert shifted.low is None


def test_what_there_is_nothing_to_draw_from() -> None:
    assert ratio([], [], []).value is None
    assert ratio([1], [0], ["a"]).value is None
    single = ratio([1], [4], ["a"])
    assert (single.value, single.low) == (25, None)
    assert "a single clip" in single.method


def test_draws_are_the_same_at_each_call() -> None:
    assert np.array_equal(draws(7), draws(7))
    assert (draws(7).sum(axis=1) == 7).all()
