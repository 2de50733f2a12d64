"""bench.downstream.eer: speechbrain's rate, an exhaustive one, the ends, intervals of speakers."""

import numpy as np
import pytest

from bench.downstream.eer import difference, eer, estimate
from bench.downstream.resampling import draws
from bench.downstream.trials import Trial
from bench.torchaudio_stub import make_importable


def exhaustive(scores: np.ndarray, target: np.ndarray) -> float:
    """Every threshold tried, in exact counts."""
    best = None
    n_one, n_two = int(target.sum()), int((~target).sum())
    for threshold in sorted(set(scores)):
        refused = int((target & (scores <= threshold)).sum())
        accepted = int((~target & (scores > threshold)).sum())
        gap = abs(accepted * n_one - refused * n_two)
        if best is None or gap < best[0]:
            best = gap, (accepted / n_two + refused / n_one) / 2
    assert best is not None
    return best[1]


def trial(number: int, target: bool, n_speakers: int = 6) -> Trial:
    one = f"s{number % n_speakers}"
    other = one if target else f"s{(number + 1 + number // n_speakers % 4) % n_speakers}"
    return Trial(f"{one}/{number}", f"{other}/{number}t", one, other)


@pytest.mark.parametrize("seed", range(8))
def test_as_speechbrain_and_an_exhaustive_search(seed: int) -> None:
    make_importable()
    import torch
    from speechbrain.utils.metric_stats import EER

    generator = np.random.default_rng(seed)
    target = generator.random(150) < 0.3
    # Few distinct scores in half of the cases, so that many trials tie.
    scores = np.round(generator.normal(target, 1.0), 1 if seed % 2 else 9).astype(np.float32)
    rate = eer(scores, target)
    assert rate == pytest.approx(exhaustive(scores, target), abs=1e-12)
    theirs, _ = EER(torch.from_numpy(scores[target]), torch.from_numpy(scores[~target]))
    assert rate == pytest.approx(theirs, abs=1e-6)


def test_the_ends() -> None:
    target = np.array([True] * 4 + [False] * 4)
    apart = np.array([3.0, 4, 5, 6, -1, 0, 1, 2])
    assert eer(apart, target) == 0
    assert eer(-apart, target) == 1
    assert eer(np.tile([1.0, 2, 3, 4], 2), target) == 0.5


def test_trials_of_one_kind_have_no_rate() -> None:
    with pytest.raises(ValueError, match="of one speaker and of two"):
        eer([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="a label a score"):
        eer([0.1, 0.2], [True])
    found = estimate([0.1], [trial(0, True)])
    assert found.value is None
    assert "of one speaker and of two" in found.method


def test_the_interval_draws_speakers() -> None:
    generator = np.random.default_rng(1)
    trials = [trial(number, number % 3 == 0) for number in range(300)]
    scores = generator.normal([2.0 * one.target for one in trials], 1.0)
    found = estimate(scores, trials)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < found.value < found.high <= 100
    assert found.method == "bootstrap over 6 speakers"
    assert found == estimate(scores, trials)
    # Twice the trials of the same speakers are no more speakers: the interval hardly narrows.
    twice = estimate(np.tile(scores, 2), [*trials, *trials])
    assert twice.high - twice.low == pytest.approx(found.high - found.low, rel=1e-9)


def test_the_interval_is_that_of_repeated_trials() -> None:
    generator = np.random.default_rng(3)
    names = "abcdef"
    trials = [
        Trial(f"{one}{n}", f"{other}{n + 1}", one, other)
        for one in names
        for other in names
        for n in range(3)
    ]
    scores = generator.normal([1.0 * one.target for one in trials], 1.0)
    rates = []
    for drawn in draws(len(names)):
        times = dict(zip(names, drawn, strict=True))
        # A speaker that is drawn twice has his own trials twice, and those with another's two
        # four times.
        counts = [
            times[one.enrol_speaker] * (1 if one.target else times[one.test_speaker])
            for one in trials
        ]
        target = np.repeat([one.target for one in trials], counts)
        if not target.all():  # a single speaker leaves no trial of two
            rates.append(100 * eer(np.repeat(scores, counts), target))
    found = estimate(scores, trials)
    assert [found.low, found.high] == pytest.approx(np.percentile(rates, [2.5, 97.5]))


def test_the_difference_is_taken_in_pairs() -> None:
    generator = np.random.default_rng(2)
    trials = [trial(number, number % 3 == 0) for number in range(300)]
    scores = generator.normal([2.0 * one.target for one in trials], 1.0)
    same = difference(scores, scores, trials)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    worse = scores + generator.normal(0, 2.0, len(scores))
    apart = difference(worse, scores, trials)
    assert apart.value is not None
    assert apart.low is not None
    assert apart.value > 0
    own, others = estimate(worse, trials), estimate(scores, trials)
    assert apart.value == pytest.approx(own.value - others.value)
    assert apart.high - apart.low < (own.high - own.low) + (others.high - others.low)
