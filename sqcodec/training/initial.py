"""Initial weights for training.

From the authors' initial values (truncated normal of deviation 0.02, biases 0) a short run
does not leave the ground: the first feature map has a deviation of 4e-4, which the next
channel norm magnifies two thousand times, so that gradients of the encoder start at 5e6 and
the quantizer saturates before it has carried anything (seen after 700 steps of sqcodec-3k:
one code in use, validation loss that of silence). Here every layer keeps the scale of its
input, the quantizer's dimensions start with a deviation of about one, so that most levels
are in use from the first step, and the waveform starts near zero.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sqcodec.layers import ConvUnit, DilatedResidual, LastUnit
from sqcodec.local_transformer import N_HEADS, LocalTransformer, TransformerLayer
from sqcodec.model import SQCodecNetwork
from sqcodec.tconv import TEConvGate

# Of the layer that ends a residual branch, so that a deep stack starts close to the identity.
_BRANCH_GAIN = 0.3
_OUTPUT_GAIN = 0.01
# Keeps channel norms away from dividing by the deviation of silence.
_BIAS_DEVIATION = 0.03


def initialise(network: SQCodecNetwork, seed: int) -> None:
    """Draw the network's initial weights, in place; the same ones for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Linear):
            _draw(module, generator)
    for module in network.modules():
        if isinstance(module, ConvUnit):
            _scale(module.reduce, _BRANCH_GAIN)
        elif isinstance(module, TransformerLayer):
            _scale(module.attention.to_out, _BRANCH_GAIN)
            _scale(module.feed_forward.reduce, _BRANCH_GAIN)
        elif isinstance(module, TEConvGate):
            _scale(module.merge, _BRANCH_GAIN)
        elif isinstance(module, DilatedResidual):
            _scale(module.pointwise, _BRANCH_GAIN)
        elif isinstance(module, LastUnit):
            _scale(module.conv, _OUTPUT_GAIN)
        elif isinstance(module, LocalTransformer):
            _attend_nearby(module)
    for start in (network.quantizer.project_in, network.decoder.last.conv):
        assert start.bias is not None
        nn.init.zeros_(start.bias)


@torch.no_grad()
def _draw(module: nn.Conv1d | nn.Linear, generator: torch.Generator) -> None:
    """Weights of variance 1 / fan-in, biases of a small deviation."""
    fan_in = math.prod(module.weight.shape[1:])
    drawn = torch.randn(module.weight.shape, generator=generator)
    _set_weight(module, drawn / math.sqrt(fan_in))
    if module.bias is not None:
        module.bias.normal_(std=_BIAS_DEVIATION, generator=generator)


@torch.no_grad()
def _attend_nearby(transformer: LocalTransformer) -> None:
    """Let each head's position bias fall with distance, by ALiBi's slopes (Press et al., 2022).

    The bias is a network of the plain distance, up to two windows. As drawn, it reaches several
    hundred there, with either sign: half the heads would see nothing but the oldest frame.
    """
    window = transformer.config.window
    last = transformer.position_bias.mlp[-1]
    assert isinstance(last, nn.Linear)
    last.bias.zero_()
    drawn = transformer.position_bias.mlp(torch.tensor([[float(window)]]))[0]  # [H]
    slopes = 2.0 ** -(8 / N_HEADS * torch.arange(1, N_HEADS + 1))
    last.weight.mul_((-slopes * window / drawn)[:, None])


@torch.no_grad()
def _scale(module: nn.Conv1d | nn.Linear, gain: float) -> None:
    _set_weight(module, gain * module.weight)


def _set_weight(module: nn.Conv1d | nn.Linear, value: Tensor) -> None:
    if parametrize.is_parametrized(module, "weight"):
        module.weight = value  # split into magnitude and direction
    else:
        module.weight.copy_(value)
