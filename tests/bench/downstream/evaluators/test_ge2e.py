"""The GE2E encoder: the package's embeddings, whole utterances and crops, clips it refuses."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorUnavailableError
from bench.downstream.evaluators import ge2e
from bench.downstream.evaluators.ge2e import GE2E

ROUNDING = 1e-6


@pytest.fixture(scope="module")
def encoder() -> GE2E:
    return ge2e.load()


# The numbers below are those of Resemblyzer 0.1.4 (`embed_utterance` of `normalize_volume`).
def clip(n_samples: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(n_samples)
    time_s = np.arange(n_samples) / 16_000
    voice = np.sin(2 * np.pi * 150 * time_s) * np.sin(2 * np.pi * 3 * time_s)
    return (0.01 * generator.standard_normal(n_samples) + 0.05 * voice).astype(np.float32)


@pytest.mark.parametrize(
    ("n_samples", "places", "values"),
    [
        (9_000, [0, 7, 9, 10], [0.171405, 0.025228, 0.207217, 0.035697]),
        (52_123, [1, 4, 5, 6], [0.052593, 0.001734, 0.019932, 0.055592]),
    ],
)
def test_embeddings_are_the_packages(
    encoder: GE2E, n_samples: int, places: list[int], values: list[float]
) -> None:
    (found,) = encoder.embed([clip(n_samples)])
    assert np.flatnonzero(found)[:4].tolist() == places
    np.testing.assert_allclose(found[places], values, atol=ROUNDING)
    assert np.linalg.norm(found) == pytest.approx(1, abs=ROUNDING)


def test_each_clip_is_judged_for_itself(encoder: GE2E) -> None:
    clips = [clip(52_123), clip(9_000)]
    together = encoder.judge(clips)
    for one, alone in zip(together, clips, strict=True):
        np.testing.assert_allclose(
            one["embedding"], encoder.judge([alone])[0]["embedding"], atol=ROUNDING
        )
        assert len(one["embedding"]) == 256
        assert [len(crop) for crop in one["crops"]] == [256] * 5
    # A short clip's crops are alike, a long one's are not.
    assert together[1]["crops"][0] == together[1]["crops"][4]
    assert together[0]["crops"][0] != together[0]["crops"][4]


def test_level_makes_no_difference_below_the_loudest(encoder: GE2E) -> None:
    quiet, quieter = encoder.embed([clip(52_123) / 4, clip(52_123) / 8])
    np.testing.assert_allclose(quiet, quieter, atol=1e-5)


def test_clips_that_nobody_speaks_in(encoder: GE2E) -> None:
    with pytest.raises(ValueError, match="silent"):
        encoder.judge([np.zeros(16_000, np.float32)])
    with pytest.raises(ValueError, match="no samples"):
        encoder.embed([np.zeros(0, np.float32)])


def test_a_pause_as_long_as_a_crop(encoder: GE2E) -> None:
    (found,) = encoder.judge([np.concatenate([np.zeros(64_000, np.float32), clip(64_000)])])
    first, *_, last = np.array(found["crops"])
    assert np.isfinite(found["crops"]).all()
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-3)
    assert not np.allclose(first, last, atol=0.01)


def test_weights_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    assert ge2e.missing() == ""
    monkeypatch.setattr(ge2e, "FILE", tmp_path / "ge2e.safetensors")
    with pytest.raises(EvaluatorUnavailableError, match=r"no ge2e.safetensors in the package"):
        ge2e.load()
