"""Means by hand, intervals by a direct bootstrap and by simulation, and every odd case."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from bench import stats
from bench.stats import bootstrap_interval, dataset_mean, suite_mean

NAN = float("nan")


def table(rows: list[tuple[str, str | None, str, float | None]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["dataset", "group", "clip", "value"])


def simulated(
    rng: np.random.Generator, n_datasets: int, n_speakers: int, n_clips: int
) -> pd.DataFrame:
    """Clips of true mean 0, half of their variance by speaker."""
    rows = []
    for dataset in range(n_datasets):
        for speaker in range(n_speakers):
            of_speaker = rng.standard_normal()
            for clip in range(n_clips):
                value = of_speaker + rng.standard_normal()
                rows.append((f"d{dataset}", f"s{speaker}", f"{speaker}-{clip}", value))
    return table(rows)


def width(cells: pd.DataFrame) -> float:
    interval = bootstrap_interval(cells)
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


UNEVEN = table(
    [
        ("b", "x", "1", 2.0),
        ("b", "y", "2", 4.0),
        ("a", "x", "1", 1.0),
        ("a", "x", "2", 2.0),
        ("a", "x", "3", 3.0),
        ("a", "y", "4", 8.0),
        ("a", "y", "5", NAN),
    ]
)


def test_every_dataset_weighs_the_same() -> None:
    assert dataset_mean(UNEVEN).to_dict() == {"a": 3.5, "b": 3.0}
    assert suite_mean(UNEVEN) == 3.25


def test_a_group_belongs_to_its_dataset() -> None:
    """Speaker x of dataset a is drawn apart from speaker x of dataset b."""
    means_of_a = {2.0, 3.5, 8.0}  # x twice, both, y twice
    means_of_b = {2.0, 3.0, 4.0}
    interval = bootstrap_interval(UNEVEN)
    assert interval.mean == 3.25
    assert interval.low == pytest.approx((min(means_of_a) + min(means_of_b)) / 2)
    assert interval.high == pytest.approx((max(means_of_a) + max(means_of_b)) / 2)
    assert (interval.n_clips, interval.n_failed, interval.reason) == (7, 1, "")


def test_equals_a_plain_loop_over_resamples() -> None:
    cells = simulated(np.random.default_rng(0), 3, 8, 4)
    datasets = [
        [clips["value"].to_numpy() for _, clips in rows.groupby("group")]
        for _, rows in cells.groupby("dataset")
    ]
    rng = np.random.default_rng(99)
    means = []
    for _ in range(4_000):
        of_datasets = []
        for speakers in datasets:
            drawn = [speakers[i] for i in rng.integers(len(speakers), size=len(speakers))]
            of_datasets.append(np.concatenate(drawn).mean())
        means.append(np.mean(of_datasets))
    interval = bootstrap_interval(cells)
    monte_carlo_error = 0.05 * np.std(means) * 2
    assert interval.mean == pytest.approx(cells["value"].mean())
    assert interval.low == pytest.approx(np.quantile(means, 0.025), abs=monte_carlo_error)
    assert interval.high == pytest.approx(np.quantile(means, 0.975), abs=monte_carlo_error)


def test_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    n_runs, held = 200, 0
    for _ in range(n_runs):
        interval = bootstrap_interval(simulated(rng, 3, 20, 3), n_resamples=500)
        assert interval.low is not None
        assert interval.high is not None
        held += interval.low <= 0.0 <= interval.high
    assert 0.91 <= held / n_runs <= 0.98


def test_clusters_widen_the_interval_when_speakers_differ() -> None:
    cells = simulated(np.random.default_rng(2), 3, 10, 8)
    assert width(cells) > 1.5 * width(cells.assign(group=None))


def test_same_cells_same_interval_in_any_order() -> None:
    cells = simulated(np.random.default_rng(3), 2, 5, 3)
    shuffled = cells.sample(frac=1, random_state=0)
    assert bootstrap_interval(cells) == bootstrap_interval(shuffled)
    assert bootstrap_interval(cells, seed=1) != bootstrap_interval(cells)


@pytest.mark.parametrize("nobody", [None, "", NAN])
def test_clips_without_a_group_are_clusters_of_their_own(nobody: object) -> None:
    cells = simulated(np.random.default_rng(4), 2, 6, 2)
    expected = bootstrap_interval(cells.assign(group=cells["clip"]))
    assert bootstrap_interval(cells.assign(group=nobody)) == expected
    assert expected.datasets_by_clip == ()


def test_some_clips_without_a_group() -> None:
    cells = table([("a", "x", "1", 0.0), ("a", "x", "2", 0.0), ("a", "", "3", 3.0)])
    interval = bootstrap_interval(cells)
    assert (interval.mean, interval.low, interval.high) == (1.0, 0.0, 3.0)


def test_a_single_speaker_is_drawn_by_clip_and_named() -> None:
    cells = simulated(np.random.default_rng(5), 2, 6, 4)
    cells.loc[cells["dataset"] == "d1", "group"] = "the only one"
    interval = bootstrap_interval(cells)
    assert interval.datasets_by_clip == ("d1",)
    by_clip = cells.assign(group=cells["group"].where(cells["dataset"] == "d0", None))
    assert interval.low == bootstrap_interval(by_clip).low


def test_a_single_clip_is_held_fixed_and_named() -> None:
    cells = table([("a", "x", "1", 0.0), ("a", "y", "2", 1.0), ("b", "z", "1", 10.0)])
    interval = bootstrap_interval(cells)
    assert interval.datasets_fixed == ("b",)
    assert (interval.mean, interval.low, interval.high) == (5.25, 5.0, 5.5)


def test_one_clip_only() -> None:
    interval = bootstrap_interval(table([("a", "x", "1", 2.0)]))
    assert (interval.mean, interval.low, interval.high) == (2.0, None, None)
    assert interval.reason == "no dataset has more than one clip with a value"


def test_a_dataset_that_failed_is_left_out_and_named() -> None:
    cells = table(
        [("a", "x", "1", 1.0), ("a", "y", "2", 3.0), ("b", "x", "1", NAN), ("b", "y", "2", None)]
    )
    interval = bootstrap_interval(cells)
    assert (interval.mean, interval.n_clips, interval.n_failed) == (2.0, 4, 2)
    assert interval.datasets_missing == ("b",)
    assert np.isnan(dataset_mean(cells)["b"])
    assert interval.low == bootstrap_interval(cells[:2]).low


@pytest.mark.parametrize("cells", [table([]), table([("a", "x", "1", NAN), ("a", "y", "2", None)])])
def test_no_value_at_all(cells: pd.DataFrame) -> None:
    interval = bootstrap_interval(cells)
    assert np.isnan(interval.mean)
    assert (interval.low, interval.high) == (None, None)
    assert interval.reason == "no clip has a value"
    assert interval.n_failed == interval.n_clips == len(cells)


def test_infinite_values_have_a_mean_but_no_interval() -> None:
    cells = table([("a", "x", "1", 1.0), ("a", "y", "2", float("inf")), ("b", "y", "1", 1.0)])
    interval = bootstrap_interval(cells)
    assert (interval.mean, interval.low, interval.high) == (float("inf"), None, None)
    assert interval.reason == "1 of 3 values are infinite"


def test_equal_values_have_no_width() -> None:
    assert width(table([("a", "x", "1", 1.5), ("a", "y", "2", 1.5)])) == 0.0


def test_a_sample_has_the_interval_of_each_of_its_scores() -> None:
    """Whichever clips have a value: groups, those of a clip alone, whole data sets that lack it."""
    rng = np.random.default_rng(7)
    cells = simulated(rng, 3, 5, 3).sample(frac=1, random_state=0)
    cells.loc[cells["clip"].str.endswith("-1"), "group"] = ""
    sample = stats.Sample(cells)
    missing = [
        np.zeros(len(cells), bool),
        rng.random(len(cells)) < 0.4,
        (cells["dataset"] == "d1").to_numpy(),
        (cells["group"] != "s2").to_numpy(),
    ]
    found = [sample.interval(np.where(gone, NAN, cells["value"])) for gone in missing]
    for gone, one in zip(missing, found, strict=True):
        assert one == bootstrap_interval(cells.assign(value=np.where(gone, NAN, cells["value"])))
        assert one.mean == pytest.approx(suite_mean(cells[~gone]), abs=1e-12)
        assert one.n_failed == gone.sum()
    assert found[2].datasets_missing == ("d1",)
    assert found[3].datasets_by_clip == ("d0", "d1", "d2")


def test_clips_of_a_group_count_as_many_times_as_it_is_drawn() -> None:
    """A group of three clips against one of one: drawn twice, once each, or not at all."""
    cells = table([("a", "x", str(n), 0.0) for n in range(3)] + [("a", "y", "3", 1.0)])
    interval = bootstrap_interval(cells)
    assert (interval.low, interval.mean, interval.high) == (0.0, 0.25, 1.0)


def test_missing_column() -> None:
    with pytest.raises(ValueError, match=r"expected columns dataset, group, .* missing: group"):
        suite_mean(UNEVEN.drop(columns="group"))


def test_a_clip_twice() -> None:
    with pytest.raises(ValueError, match="each clip once a dataset, got '1' of 'b' again"):
        bootstrap_interval(pd.concat([UNEVEN, UNEVEN[:1]]))


def test_equals_scipys_bootstrap() -> None:
    """Of two data sets with a speaker a clip: the same draws in the same order."""
    values = np.random.default_rng(0).standard_normal((2, 40))
    cells = table(
        [(f"d{of}", None, f"c{n:02}", values[of, n]) for of in range(2) for n in range(40)]
    )
    expected = scipy.stats.bootstrap(
        values,
        lambda *samples, axis: sum(sample.mean(axis=axis) for sample in samples) / 2,
        n_resamples=stats.N_RESAMPLES,
        batch=stats._RESAMPLES_AT_ONCE,
        confidence_level=stats.CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(stats.SEED),
    ).confidence_interval
    found = bootstrap_interval(cells)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_scores_of_as_many_clusters_share_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    n_draws = 0
    draws = stats._draws

    def counted(*arguments):
        nonlocal n_draws
        n_draws += 1
        return draws(*arguments)

    monkeypatch.setattr(stats, "_draws", counted)
    cells = simulated(np.random.default_rng(5), 2, 11, 2)
    kept = [bootstrap_interval(cells.assign(value=cells["value"] + more)) for more in range(4)]
    assert n_draws == 1
    assert kept[3].low == pytest.approx(kept[0].low + 3)
    monkeypatch.setattr(stats, "_MOST_KEPT", 0)  # too many to be kept: drawn anew, and the same
    assert [bootstrap_interval(cells) for _ in range(2)] == [kept[0]] * 2
    assert n_draws == 3
