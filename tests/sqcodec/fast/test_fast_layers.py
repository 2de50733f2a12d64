"""sqcodec.fast.layers: each computes what the plain layer computes, however it is cut."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import sqcodec.fast.layers as fast_layers
from checks import assert_same, randomise
from sqcodec.fast.layers import (
    FastConvUnit,
    FastLastUnit,
    FastTConvUnit,
    FastUpLayer,
    moving_sum,
    snake_,
    trend,
)
from sqcodec.inference import fold_weight_norm
from sqcodec.layers import ConvUnit, LastUnit, Snake, UpLayer
from sqcodec.tconv import TCONV_KERNELS, TConvUnit, tpooling

WIDTH = 6
# What is left out of Snake's folding is the rounding of float32, not that of float64.
SNAKE_ROUNDING = 1e-5
N_ROWS = (1, 2, 63, 64, 65, 200)


@pytest.fixture(autouse=True, params=[1, 1 << 20], ids=["tiles of 64 rows", "one tile"])
def tile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_layers, "_TILE", request.param)


def plain(module: nn.Module) -> nn.Module:
    """Randomise a layer and fold its weight normalisation."""
    torch.manual_seed(0)
    return fold_weight_norm(randomise(module)).requires_grad_(False)


def noise(n_rows: int, width: int = WIDTH) -> Tensor:
    """Features [2, T, C]."""
    torch.manual_seed(1)
    return torch.randn(2, n_rows, width, dtype=torch.float64)


@pytest.mark.parametrize("n_rows", N_ROWS)
def test_conv_unit(n_rows: int) -> None:
    unit = plain(ConvUnit(WIDTH))
    assert isinstance(unit, ConvUnit)
    x = noise(n_rows)
    before = x.clone()
    assert_same(FastConvUnit(unit)(x), unit(x), SNAKE_ROUNDING)
    assert torch.equal(x, before)


@pytest.mark.parametrize("rate", [1, 2, 5])
@pytest.mark.parametrize("n_rows", N_ROWS)
def test_up_layer(n_rows: int, rate: int) -> None:
    layer = plain(UpLayer(WIDTH, 4, rate))
    assert isinstance(layer, UpLayer)
    assert_same(FastUpLayer(layer)(noise(n_rows)), layer(noise(n_rows)))


@pytest.mark.parametrize("n_rows", N_ROWS)
def test_last_unit(n_rows: int) -> None:
    unit = plain(LastUnit(WIDTH))
    assert isinstance(unit, LastUnit)
    x = 0.1 * noise(n_rows)
    expected = unit(x)
    before = x.clone()
    assert expected.abs().mean() < 0.95
    assert_same(FastLastUnit(unit)(x), expected, SNAKE_ROUNDING)
    assert torch.equal(x, before)


@pytest.mark.parametrize("n_rows", N_ROWS)
def test_tconv_unit(n_rows: int) -> None:
    unit = plain(TConvUnit(WIDTH))
    assert isinstance(unit, TConvUnit)
    audio = noise(n_rows)[..., 0]
    assert_same(FastTConvUnit(unit)(audio), unit(audio))


@pytest.mark.parametrize("frequency", [1.7, 0.1, 1e-3, 1e-6, 0.0, -0.8])
def test_snake_of_any_frequency(frequency: float) -> None:
    snake = Snake(1).double().requires_grad_(False)
    snake.frequency.fill_(frequency)
    scale = fast_layers._scale(snake)
    x = torch.linspace(-4, 4, 101, dtype=torch.float64)[:, None]
    assert_same(snake_(x * scale) / scale, snake(x), SNAKE_ROUNDING)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7, 8, 21, 45])
def test_moving_sum(kernel: int) -> None:
    x = noise(60)[..., 0]
    assert_same(moving_sum(x, kernel), x.unfold(1, kernel, 1).sum(-1))


@pytest.mark.parametrize("kernel", TCONV_KERNELS[1:])
def test_trend_is_tpooling(kernel: int) -> None:
    x = noise(60)[..., 0]
    assert_same(trend(x, kernel), tpooling(x, kernel))
