"""sqcodec.model: shapes, gradients, independence of clips, determinism."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from checks import assert_same, randomise
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import SQCodecConfig, TransformerConfig

# Gradients below this are rounding; all others were seen to be above 1e-4.
ZERO_GRADIENT = 1e-8

# Changes to the preset `tiny`; the second is of the shape of the two lowest bitrates.
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "two transformers": {"extra_rate": 3, "outer": TransformerConfig(depth=2, window=30)},
    "no tconv": {"tconv": False},
    "no teconv": {"teconv": False},
}


def audio(config: SQCodecConfig, n_clips: int, n_frames: int) -> Tensor:
    """Noise that swells: [B, T], float64."""
    n_samples = n_frames * config.hop_length
    noise = torch.randn(n_clips, n_samples, dtype=torch.float64)
    return torch.logspace(-3, 0, n_samples, dtype=torch.float64) * noise


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def network(request: pytest.FixtureRequest, tiny: SQCodecConfig) -> SQCodecNetwork:
    """A float64 network with nothing trivial in it, scaled so that many codes occur."""
    torch.manual_seed(0)
    network = randomise(SQCodecNetwork(replace(tiny, **request.param)))
    project_in = network.quantizer.project_in
    with torch.no_grad():
        z = project_in(network.encoder(audio(network.config, n_clips=2, n_frames=40)))
        gain = 1 / z.std((0, 1))
        project_in.weight *= gain[:, None]
        project_in.bias.copy_(gain * (project_in.bias - z.mean((0, 1))))
    return network


def test_shapes(network: SQCodecNetwork) -> None:
    config = network.config
    x = audio(config, n_clips=2, n_frames=40)
    codes = network.encode(x)
    assert codes.shape == (2, 40)
    assert codes.dtype == torch.int64
    assert codes.min() >= 0
    assert codes.max() < config.codebook_size
    assert network.encoder(x).shape == (2, 40, config.latent_width)
    assert network.decode(codes).shape == network(x).shape == x.shape
    assert network.decode(codes).abs().max() <= 1


def test_forward_is_decode_of_encode(network: SQCodecNetwork) -> None:
    x = audio(network.config, n_clips=2, n_frames=40)
    expected = network.decode(network.encode(x))
    assert_same(network(x), expected)


@pytest.mark.parametrize("n_frames", [1, 2])
def test_a_clip_of_a_frame_or_two(network: SQCodecNetwork, n_frames: int) -> None:
    x = audio(network.config, n_clips=1, n_frames=n_frames)
    decoded = network.decode(network.encode(x))
    assert decoded.shape == x.shape
    assert torch.isfinite(decoded).all()


def test_a_batch_is_its_clips_one_by_one(network: SQCodecNetwork) -> None:
    x = audio(network.config, n_clips=3, n_frames=40)
    codes = network.encode(x)
    decoded = network.decode(codes)
    assert len(codes.unique()) > 5
    for i in range(3):
        assert torch.equal(network.encode(x[i : i + 1])[0], codes[i])
        assert_same(network.decode(codes[i : i + 1])[0], decoded[i])


def test_evaluation_is_deterministic_and_training_is_not(network: SQCodecNetwork) -> None:
    x = audio(network.config, n_clips=1, n_frames=40)
    assert torch.equal(network(x), network(x))
    network.train()
    assert not torch.equal(network(x), network(x))


@pytest.mark.parametrize("training", [False, True])
def test_a_gradient_reaches_every_parameter(network: SQCodecNetwork, training: bool) -> None:
    """Except the biases that a softmax or an instance norm subtracts again."""
    network.train(training)
    # More than one window, for the bias of distant frames.
    x = audio(network.config, n_clips=2, n_frames=40)
    (network(x) * torch.linspace(-1, 1, x.shape[-1])).sum().backward()
    unreached = {
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > ZERO_GRADIENT
    }
    cancelled = re.compile(r"position_bias\.mlp\.4\.bias|decoder\.stages.*branches\.\d\.bias")
    names = dict(network.named_parameters())
    assert unreached == {name for name in names if cancelled.search(name)}


def test_parameters_are_counted(network: SQCodecNetwork) -> None:
    assert network.n_parameters() == sum(v.numel() for v in network.state_dict().values())
    wider = SQCodecNetwork(replace(network.config, latent_width=64))
    assert wider.n_parameters() > network.n_parameters()
