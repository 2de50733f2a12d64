"""bench.scoring: a clip's scores, and what is not computed twice."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics import BESIDE, METRICS
from bench.scoring import score

RATE = 16_000
SDR, ALIGNED, STOI = METRICS["sdr"], BESIDE["aligned_sdr"], METRICS["stoi"]


def clip(n_samples: int = RATE) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    reference = generator.normal(scale=0.1, size=n_samples).astype(np.float32)
    return reference, reference + generator.normal(scale=0.01, size=n_samples).astype(np.float32)


def test_without_a_delay_the_aligned_score_is_the_score() -> None:
    reference, estimate = clip()
    both = score([SDR, ALIGNED], reference, estimate, RATE, 0)
    assert both["aligned_sdr"].value == both["sdr"].value
    assert both["aligned_sdr"].seconds == 0
    alone = score([ALIGNED], reference, estimate, RATE, 0)
    assert alone["aligned_sdr"].value == both["sdr"].value
    assert alone["aligned_sdr"].seconds > 0


def test_a_delay_is_removed() -> None:
    reference, estimate = clip()
    early = np.append(estimate[5:], np.zeros(5, np.float32))
    both = score([SDR, ALIGNED], reference, early, RATE, -5)
    assert both["sdr"].value < 5
    assert both["aligned_sdr"].value == pytest.approx(20, abs=1)


def test_what_a_metric_raises_is_its_outcome_alone() -> None:
    reference, estimate = clip(n_samples=2_000)  # too short for STOI
    found = score([STOI, SDR], reference, estimate, RATE)
    assert found["sdr"].value is not None
    assert found["stoi"].value is None
    assert found["stoi"].error is not None
    assert "too short for STOI" in found["stoi"].error


def test_without_a_delay_the_aligned_score_fails_as_the_score_does() -> None:
    reference, estimate = clip()
    found = score([SDR, ALIGNED], reference, np.zeros_like(estimate), RATE, 0)
    assert found["sdr"].error == found["aligned_sdr"].error
    assert found["sdr"].error is not None
