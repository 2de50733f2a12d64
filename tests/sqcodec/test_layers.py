"""sqcodec.layers: each layer against its plain formula or PyTorch's own channels-first layer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from checks import assert_same, randomise
from sqcodec.layers import (
    EPS,
    GRN,
    ConvUnit,
    DownConv,
    DownLayer,
    LastUnit,
    Snake,
    UpLayer,
    conv_nlc,
    linear_1x1,
    upsample_linear,
    weight_normed,
)

# The global response normalisation's ratio is 1 up to its epsilon over the features' norm.
GRN_RATIO = 1e-6


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def channels_first(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer of [B, C, T] to [B, T, C]."""
    return layer(x.transpose(1, 2)).transpose(1, 2)


def plain_snake(x: Tensor, frequency: Tensor) -> Tensor:
    return x + torch.sin(frequency * x) ** 2 / (frequency + EPS)


def plain_norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    return centred / torch.sqrt(variance + 1.1920929e-07) * norm.weight + norm.bias


def test_weight_norm_starts_as_the_authors_do() -> None:
    linear = weight_normed(nn.Linear(400, 300))
    assert linear.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert not linear.bias.any()
    scale = linear.parametrizations.weight.original0  # one a row
    assert_same(linear.weight.norm(dim=1, keepdim=True), scale, 1e-6)


def test_snake_is_its_formula() -> None:
    snake = randomise(Snake(5))
    x = torch.randn(2, 7, 5, dtype=torch.float64)
    assert_same(snake(x), plain_snake(x, snake.frequency))


def test_snake_starts_with_frequency_one() -> None:
    x = torch.linspace(-3, 3, 31)[:, None]
    assert_same(Snake(1)(x), x + torch.sin(x) ** 2, 1e-6)


def test_snake_leaves_its_input_alone() -> None:
    x = torch.randn(3, 5)
    before = x.clone()
    Snake(5)(x)
    assert torch.equal(x, before)


def test_snake_gradient() -> None:
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    frequency = torch.tensor([0.4, 1.0, -1.7], dtype=torch.float64)
    snake = Snake(3).double()

    def apply(x: Tensor, frequency: Tensor) -> Tensor:
        return torch.func.functional_call(snake, {"frequency": frequency}, x)

    frequency.requires_grad_()
    assert torch.autograd.gradcheck(apply, (x, frequency))
    grad = torch.randn_like(x)
    actual = torch.autograd.grad(apply(x, frequency), (x, frequency), grad)
    expected = torch.autograd.grad(plain_snake(x, frequency), (x, frequency), grad)
    for one, other in zip(actual, expected, strict=True):
        assert_same(one, other)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # of its own use of TorchScript
def test_snake_is_the_same_when_compiled() -> None:
    snake = randomise(Snake(5))
    compiled = torch.compile(snake, backend="aot_eager", fullgraph=True)
    x = torch.randn(2, 7, 5, dtype=torch.float64, requires_grad=True)
    grad = torch.randn_like(x)
    assert_same(compiled(x), snake(x))
    inputs = (x, snake.frequency)
    expected = torch.autograd.grad(snake(x), inputs, grad)
    for one, other in zip(torch.autograd.grad(compiled(x), inputs, grad), expected, strict=True):
        assert_same(one, other)


def full_grn(x: Tensor, grn: GRN) -> Tensor:
    """The authors' global response normalisation: its norm runs over time and channels."""
    response = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
    ratio = response / (response.mean(-1, keepdim=True) + EPS)
    return grn.gamma * (x * ratio) + grn.beta + x


def test_grn_is_an_affine_map_folded_into_the_next_layer() -> None:
    grn, linear = randomise(GRN(6)), randomise(nn.Linear(6, 4))
    x = torch.randn(2, 50, 6, dtype=torch.float64)
    folded = grn.into(linear, x)
    assert_same(folded, linear((1 + grn.gamma) * x + grn.beta))
    assert_same(folded, linear(full_grn(x, grn)), GRN_RATIO)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv1d(6, 4, kernel_size=3, padding=1),
        nn.Conv1d(6, 6, kernel_size=7, padding=3, groups=6),
        nn.Conv1d(6, 4, kernel_size=7, padding=27, dilation=9),
        nn.Conv1d(6, 1, kernel_size=7, padding=3),
    ],
    ids=["plain", "depthwise", "dilated", "to one channel"],
)
def test_channels_last_convolution(conv: nn.Conv1d) -> None:
    conv = conv.double()
    x = torch.randn(2, 40, 6, dtype=torch.float64)
    assert_same(conv_nlc(conv, x), channels_first(conv, x))


def test_pointwise_convolution() -> None:
    conv = nn.Conv1d(6, 4, kernel_size=1).double()
    x = torch.randn(2, 9, 6, dtype=torch.float64)
    assert_same(linear_1x1(conv, x), channels_first(conv, x))


@pytest.mark.parametrize("rate", [2, 3, 4, 5])
@pytest.mark.parametrize("n_frames", [1, 2, 30])
def test_linear_upsampling(rate: int, n_frames: int) -> None:
    x = torch.randn(2, n_frames, 3, dtype=torch.float64)
    expected = nnf.interpolate(
        x.transpose(1, 2), scale_factor=rate, mode="linear", align_corners=False
    )
    assert_same(upsample_linear(x, rate), expected.transpose(1, 2))


@pytest.mark.parametrize("rate", [2, 3, 4, 5])
def test_linear_upsampling_is_exact_far_into_a_clip(rate: int) -> None:
    """In float32 the position of a late sample has few digits left for its fraction."""
    x = torch.randn(1, 40_000, 1)
    assert_same(upsample_linear(x, rate), upsample_linear(x.double(), rate).float(), 1e-6)


@pytest.mark.parametrize("rate", [2, 3, 5, 9])
def test_down_convolution_is_a_strided_one(rate: int) -> None:
    down = randomise(DownConv(4, 6, rate))
    x = torch.randn(2, 7 * rate, 4, dtype=torch.float64)
    expected = nnf.conv1d(x.transpose(1, 2), down.conv.weight, down.conv.bias, stride=rate)
    assert_same(down(x), expected.transpose(1, 2))


def test_down_layer() -> None:
    layer = randomise(DownLayer(4, 6, 3))
    x = 1e-3 * torch.randn(2, 21, 4, dtype=torch.float64)  # faint: the epsilon counts
    assert_same(layer(x), plain_norm(layer.norm, channels_first(layer.down.conv, x)))


def test_up_layer() -> None:
    layer = randomise(UpLayer(4, 6, 3))
    x = 1e-3 * torch.randn(2, 7, 4, dtype=torch.float64)
    up = nn.Upsample(scale_factor=3, mode="linear", align_corners=False)
    expected = plain_norm(layer.norm, channels_first(nn.Sequential(layer.conv, up), x))
    assert_same(layer(x), expected)


def test_conv_unit() -> None:
    unit = randomise(ConvUnit(4))
    x = torch.randn(2, 20, 4, dtype=torch.float64)
    y = unit.expand(plain_norm(unit.norm, channels_first(unit.depthwise, x)))
    y = full_grn(plain_snake(y, unit.snake.frequency), unit.grn)
    assert_same(unit(x), x + unit.reduce(y), GRN_RATIO)


def test_last_unit() -> None:
    unit = randomise(LastUnit(4))
    x = torch.randn(2, 60, 4, dtype=torch.float64)
    y = x
    for residual, dilation in zip(unit.residuals, (1, 3, 9), strict=True):
        z = plain_snake(y, residual.snake1.frequency).transpose(1, 2)
        weight, bias = residual.dilated.weight, residual.dilated.bias
        z = nnf.conv1d(z, weight, bias, padding=3 * dilation, dilation=dilation)
        z = plain_snake(z.transpose(1, 2), residual.snake2.frequency)
        y = y + channels_first(residual.pointwise, z)
    expected = torch.tanh(channels_first(unit.conv, plain_snake(y, unit.snake.frequency)))
    assert_same(unit(x), expected[..., 0])
