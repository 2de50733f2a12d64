"""sqcodec.local_transformer: against dense masked attention, and looking where it may only."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

import naive
from checks import assert_same, randomise
from sqcodec.local_transformer import (
    DynamicPositionBias,
    FeedForward,
    LocalAttention,
    LocalTransformer,
)
from sqcodec.presets import TransformerConfig

WIDTH = 16
WINDOW = 5


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def features(n_frames: int, n_clips: int = 2) -> Tensor:
    return torch.randn(n_clips, n_frames, WIDTH, dtype=torch.float64)


def transformer(depth: int) -> nn.Module:
    return randomise(LocalTransformer(WIDTH, TransformerConfig(depth=depth, window=WINDOW)))


def test_position_bias_is_a_function_of_the_distance() -> None:
    module = randomise(DynamicPositionBias())
    bias = module(WINDOW)
    assert bias.shape == (6, WINDOW, 2 * WINDOW)
    for query in range(WINDOW):
        for key in range(2 * WINDOW):
            distance = query + WINDOW - key
            if distance < 0:
                assert torch.isneginf(bias[:, query, key]).all()
            else:
                x = torch.tensor([float(distance)], dtype=torch.float64)
                assert_same(bias[:, query, key], module.mlp(x))


# Fewer than a window, one, several, and several with a rest.
@pytest.mark.parametrize("n_frames", [1, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW, 23])
def test_attention_is_dense_attention_with_a_mask(n_frames: int) -> None:
    layer, bias = randomise(LocalAttention(WIDTH, WINDOW)), randomise(DynamicPositionBias())(WINDOW)
    x = features(n_frames)
    assert_same(layer(x, bias), naive.attention(layer, x, bias))


def test_the_grid_of_windows_starts_with_the_clip() -> None:
    layer, bias = randomise(LocalAttention(WIDTH, WINDOW)), randomise(DynamicPositionBias())(WINDOW)
    x = features(3 * WINDOW)
    for shift in range(1, WINDOW):
        assert not torch.allclose(layer(x, bias), naive.attention(layer, x, bias, shift))
    assert_same(layer(x, bias), naive.attention(layer, x, bias, shift=WINDOW))


def test_feed_forward_is_its_formula() -> None:
    layer = randomise(FeedForward(WIDTH))
    x = features(7)
    inner = WIDTH * 4 * 2 // 3
    assert layer.expand.weight.shape == (2 * inner, WIDTH)
    y = nnf.layer_norm(x, (WIDTH,), layer.norm.weight, layer.norm.bias, 1e-5)
    value, gate = y @ layer.expand.weight[:inner].T, y @ layer.expand.weight[inner:].T
    gelu = gate * 0.5 * (1 + torch.erf(gate / 2**0.5))
    assert_same(layer(x), (value * gelu) @ layer.reduce.weight.T)


def test_the_layers_share_one_bias_and_are_residual() -> None:
    module = transformer(depth=2)
    x = features(13)
    bias = module.position_bias(WINDOW)
    y = x
    for layer in module.layers:
        y = y + naive.attention(layer.attention, y, bias)
        y = y + layer.feed_forward(y)
    assert_same(module(x), y)


@pytest.mark.parametrize("n_prefix", [1, WINDOW - 1, WINDOW, WINDOW + 2, 3 * WINDOW])
def test_a_frame_does_not_depend_on_later_ones(n_prefix: int) -> None:
    module = transformer(depth=3)
    x = features(19)
    assert_same(module(x[:, :n_prefix]), module(x)[:, :n_prefix])


def test_a_layer_looks_back_to_the_start_of_the_previous_window() -> None:
    module = transformer(depth=1)
    x = features(4 * WINDOW, n_clips=1).requires_grad_()
    for frame in range(4 * WINDOW):
        (grad,) = torch.autograd.grad(module(x)[0, frame].sum(), x)
        seen = grad[0].abs().sum(-1).nonzero().flatten().tolist()
        start = max(frame // WINDOW - 1, 0) * WINDOW
        assert seen == list(range(start, frame + 1))


def test_depth_windows_of_context_on_the_grid_are_enough() -> None:
    """A chunk that starts `depth` windows early, on the grid, is as good as the whole clip."""
    module = transformer(depth=3)
    x = features(6 * WINDOW + 2)
    start = 4 * WINDOW
    context = 3 * WINDOW
    assert_same(module(x[:, start - context :])[:, context:], module(x)[:, start:])
    assert not torch.allclose(
        module(x[:, start - context + 1 :])[:, context - 1 :], module(x)[:, start:]
    )
