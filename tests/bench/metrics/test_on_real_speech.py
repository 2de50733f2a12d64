"""Pinned scores on a real sentence: a library that starts to score otherwise is noticed here."""

import numpy as np
import pytest

from bench import audio
from bench.datasets.mini import mini
from bench.metrics import METRICS

SENTENCE = "librivox-austen-0870"
PINNED = {"sdr": 22.4755, "mel": 1.5406, "stoi": 0.9839, "pesq": 1.4573}


@pytest.mark.parametrize("name", PINNED)
def test_pinned(name: str) -> None:
    (clip,) = (clip for clip in mini().clips if clip.id == SENTENCE)
    reference, sample_rate = audio.read(clip.path)
    estimate = np.round(reference * 64) / 64  # 7 bits a sample
    assert METRICS[name](reference, estimate, sample_rate) == pytest.approx(PINNED[name], abs=1e-3)
