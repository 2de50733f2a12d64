"""A preset small enough for tests, registered beside the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS, SQCodecConfig, TransformerConfig
from sqcodec.weights import WeightsCard, save_weights

TINY = SQCodecConfig(
    name="tiny",
    sample_rate=16000,
    encoder_rates=(8, 8),
    decoder_rates=(8, 8),
    fsq_levels=(5, 5, 5),
    inner=TransformerConfig(depth=1, window=25),
    encoder_widths=(8, 16, 24),
    encoder_depths=(1, 1, 1),
    decoder_widths=(24, 16, 8),
    decoder_depths=(1, 1),
    latent_width=32,
)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> SQCodecConfig:
    """The preset ``tiny``, known by name for the length of a test."""
    monkeypatch.setitem(PRESETS, TINY.name, TINY)
    return TINY


@pytest.fixture
def tiny_weights(tiny: SQCodecConfig, tmp_path: Path) -> Path:
    """A weights file of ``tiny`` with random values."""
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    network = SQCodecNetwork(tiny)
    with torch.no_grad():
        network.quantizer.project_in.weight.mul_(8)  # so that many codes occur
    save_weights(path, network, WeightsCard("tiny", "random values, for a test"))
    return path
