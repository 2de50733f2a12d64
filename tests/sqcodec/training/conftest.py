"""A small corpus and settings for training ``tiny`` in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqcodec.presets import SQCodecConfig
from sqcodec.training import discriminators
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from tones import save_whisper, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> PackedCorpus:
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def config(tiny: SQCodecConfig) -> TrainConfig:
    return TrainConfig(
        preset="tiny",
        steps=6,
        batch_size=2,
        learning_rate=1e-3,
        checkpoint_every=3,
        validate_every=3,
        validation_batches=1,
    )


@pytest.fixture
def narrow_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Discriminators of the real layout with few channels."""
    monkeypatch.setattr(discriminators, "_PERIOD_WIDTHS", (1, 4, 4, 4, 4))
    monkeypatch.setattr(discriminators, "_BAND_WIDTH", 2)


@pytest.fixture
def all_losses(config: TrainConfig, narrow_judges: None, tmp_path: Path) -> TrainConfig:
    """Settings with the perceptual and the adversarial loss, everything else on too."""
    return replace(
        config,
        crop_s=0.1,
        perceptual_weight=1.0,
        whisper=str(save_whisper(tmp_path)),
        adversarial_weight=1.0,
        discriminator_every=2,
        equalizer_share=0.5,
        mixing_share=0.5,
        polarity_share=0.5,
    )
