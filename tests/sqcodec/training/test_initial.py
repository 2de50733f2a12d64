"""Initial weights: lively codes, a quiet output, gradients of a sane size."""

from __future__ import annotations

import torch

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS, SQCodecConfig
from sqcodec.training.initial import initialise


def test_the_same_seed_gives_the_same_weights(tiny: SQCodecConfig) -> None:
    first, second, other = (SQCodecNetwork(tiny) for _ in range(3))
    for network, seed in ((first, 3), (second, 3), (other, 4)):
        initialise(network, seed)
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key
    assert not torch.equal(
        first.encoder.project.weight.detach(), other.encoder.project.weight.detach()
    )


def test_sqcodec_3k_starts_with_many_codes_and_a_quiet_output() -> None:
    config = PRESETS["sqcodec-3k"]
    network = SQCodecNetwork(config).eval()
    initialise(network, 0)
    generator = torch.Generator().manual_seed(0)
    audio = 0.1 * torch.randn(1, config.window_length, generator=generator)
    with torch.no_grad():
        features = network.encoder.first(audio)
        codes = network.encode(audio)
        output = network.decode(codes)
    # The authors' initial values give 4e-4 here, from which the encoder does not learn.
    assert features.std() > 0.02
    assert len(codes.unique()) > 50
    assert output.abs().max() < 0.5


def test_attention_starts_nearby() -> None:
    config = PRESETS["sqcodec-3k"]
    network = SQCodecNetwork(config)
    initialise(network, 0)
    for transformer in (network.encoder.inner, network.decoder.inner):
        bias = transformer.position_bias(config.inner.window)[:, -1]  # [H, 2W], oldest first
        assert (bias[:, 0] < bias[:, config.inner.window]).all()
        assert (bias[:, config.inner.window] < bias[:, -1]).all()
        # The steepest slope is 2^(-4/3) a frame; as drawn it would be hundreds at the far end.
        assert bias.min() > -0.4 * 2 * config.inner.window
