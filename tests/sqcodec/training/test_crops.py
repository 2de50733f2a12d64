"""Crops: what decides them, where they come from, and how loud they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.crops import GREATEST_GAIN_DB, CropSampler

SPEECH_ONLY = {"speech": 1.0}


def watch(corpus: PackedCorpus) -> list[int]:
    """Return a list that grows by the number of each clip that is read."""
    read: list[int] = []
    original = corpus.read

    def spy(clip_index: int, start: int = 0, n_samples: int | None = None) -> np.ndarray:
        read.append(clip_index)
        return original(clip_index, start, n_samples)

    corpus.read = spy
    return read


def test_crops_depend_on_seed_and_step_alone(corpus: PackedCorpus) -> None:
    crops = CropSampler(corpus, "train", 1600, SPEECH_ONLY)
    batch = crops.batch(3, seed=5, step=7)
    assert batch.shape == (3, 1600)
    assert torch.equal(batch, crops.batch(3, seed=5, step=7))
    assert not torch.equal(batch, crops.batch(3, seed=5, step=8))
    assert not torch.equal(batch, crops.batch(3, seed=6, step=7))


def test_short_clips_are_joined_with_their_own_group(corpus: PackedCorpus) -> None:
    crops = CropSampler(corpus, "train", 20_000, SPEECH_ONLY)
    assert crops.batch(2, 0, 0).abs().max() <= 1


def test_no_crop_comes_from_the_other_split(corpus: PackedCorpus) -> None:
    read = watch(corpus)
    CropSampler(corpus, "train", 6000, SPEECH_ONLY).batch(20, 0, 0)
    assert set(corpus.clips["split"].iloc[read]) == {"train"}


def test_levels_are_drawn_or_kept(config: TrainConfig, corpus: PackedCorpus) -> None:
    peak = max(float(np.abs(corpus.read(clip)).max()) for clip in range(len(corpus)))

    def peaks(gain_share: float) -> np.ndarray:
        settings = replace(config, gain_share=gain_share)
        crops = CropSampler(corpus, "train", 1600, SPEECH_ONLY, settings)
        return crops.batch(40, 0, 0).abs().amax(1).numpy()

    drawn = 20 * np.log10(peaks(1.0))
    assert -18 <= drawn.min() < -14
    assert -4 < drawn.max() <= -1
    np.testing.assert_allclose(peaks(0.0), peak, rtol=0.02)
    assert 5 < (np.abs(peaks(0.5) - peak) < 0.02 * peak).sum() < 35


def test_a_pause_stays_quiet(corpus: PackedCorpus) -> None:
    original = corpus.read
    corpus.read = lambda *place: original(*place) * np.float32(0.01)
    batch = CropSampler(corpus, "train", 1600, SPEECH_ONLY).batch(20, 0, 0)
    peak = 0.01 * 8000 / 32768
    assert batch.abs().max() == pytest.approx(peak * 10 ** (GREATEST_GAIN_DB / 20), rel=0.02)


def test_silent_audio_is_refused(corpus: PackedCorpus) -> None:
    corpus.read = lambda clip_index, start=0, n_samples=None: np.zeros(n_samples or 100, np.float32)
    with pytest.raises(ValueError, match="in a row were silent"):
        CropSampler(corpus, "train", 1600, SPEECH_ONLY).batch(1, 0, 0)


def test_kinds_take_turns_by_their_shares(corpus: PackedCorpus) -> None:
    corpus.clips["kind"] = ["speech"] * 3 + ["music"] * 3 + ["speech"] * 3
    read = watch(corpus)
    for shares, expected in (({"speech": 3.0, "music": 1.0}, 0.25), ({}, 0.5)):
        crops = CropSampler(corpus, "train", 100, shares)
        read.clear()
        for step in range(50):
            crops.batch(2, 0, step)
        n_music = sum(corpus.clips["kind"][clip] == "music" for clip in read)
        assert n_music == pytest.approx(expected * len(read), abs=3)


def test_parts_of_a_batch_are_the_batch(corpus: PackedCorpus, all_losses: TrainConfig) -> None:
    crops = CropSampler(corpus, "train", 1600, {}, all_losses)
    whole = crops.batch(4, seed=5, step=7)
    parts = [crops.batch(2, seed=5, step=7, first=first) for first in (0, 2)]
    assert torch.equal(torch.cat(parts), whole)
