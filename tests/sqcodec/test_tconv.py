"""sqcodec.tconv: TPooling against a loop over Eq. (1), the TConv unit and the TEConv gate."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

import naive
from checks import assert_same, randomise
from sqcodec.tconv import TCONV_KERNELS, TECONV_KERNELS, TConvUnit, TEConvGate, tpooling


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("kernel", sorted({*TCONV_KERNELS, *TECONV_KERNELS} - {1}))
@pytest.mark.parametrize("n_samples", [1, 10, 200])
def test_tpooling_is_equation_1(kernel: int, n_samples: int) -> None:
    x = torch.randn(n_samples, dtype=torch.float64)
    assert_same(tpooling(x[None], kernel)[0], naive.tpooling(x, kernel))


def test_tpooling_of_an_impulse() -> None:
    """The largest of 5 spreads an impulse over 5 samples, the mean of 5 makes that a triangle."""
    x = torch.zeros(1, 15)
    x[0, 7] = -1.0
    expected = torch.tensor([0, 0, 0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0, 0, 0]) / 5
    torch.testing.assert_close(tpooling(x, 5)[0], expected)


def test_tpooling_of_a_constant_falls_off_at_the_edges() -> None:
    """Zeros beyond the edges count in the mean, but not in the maximum."""
    expected = torch.tensor([3, 4, 5, 5, 5, 4, 3]) * 2 / 5
    torch.testing.assert_close(tpooling(torch.full((1, 7), -2.0), 5)[0], expected)


def convolve(x: Tensor, conv: nn.Conv1d, dilation: int = 1) -> Tensor:
    """Kernel 7, same length: [B, 1, T] -> [B, C, T]."""
    return nnf.conv1d(x, conv.weight, conv.bias, padding=3 * dilation, dilation=dilation)


def test_tconv_unit_branch_by_branch() -> None:
    unit = randomise(TConvUnit(8))
    audio = torch.randn(2, 120, dtype=torch.float64)
    branches = []
    weights, biases = unit.branches.weight.split(4), unit.branches.bias.split(4)
    for kernel, weight, bias in zip((1, 5, 11, 21, 45), weights, biases, strict=True):
        trend = audio if kernel == 1 else torch.stack([naive.tpooling(x, kernel) for x in audio])
        branches.append(nnf.conv1d(trend[:, None], weight, bias, padding=3))
    y = nnf.gelu(unit.expand(torch.cat(branches, 1)))  # [B, 80, T]
    expected = unit.merge(torch.cat([y, audio[:, None]], 1))
    assert_same(unit(audio), expected.transpose(1, 2))


def test_tconv_unit_passes_the_sign_of_its_samples() -> None:
    """Only the branch of kernel 1 and the raw input hear it."""
    unit = TConvUnit(8)
    audio = torch.randn(1, 100)
    assert not torch.allclose(unit(audio), unit(-audio))


def test_teconv_gate_branch_by_branch() -> None:
    gate = randomise(TEConvGate(6))
    x = torch.randn(2, 80, 6, dtype=torch.float64)
    branches = []
    for kernel, conv in zip((1, 3, 5, 9), gate.branches, strict=True):
        first = x[..., 0]
        trend = first if kernel == 1 else torch.stack([naive.tpooling(c, kernel) for c in first])
        branches.append(convolve(trend[:, None], conv, dilation=kernel // 2 + 1))
    y = torch.cat(branches, 1)  # [B, 4, T]
    centred = y - y.mean(-1, keepdim=True)
    y = centred / torch.sqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
    y = gate.merge(gate.norm.weight[:, None] * y + gate.norm.bias[:, None])
    assert_same(gate(x), x * (1 + y.transpose(1, 2)))


def test_teconv_gate_is_steered_by_the_first_channel_alone() -> None:
    gate = randomise(TEConvGate(6))
    x = torch.randn(1, 80, 6, dtype=torch.float64)
    assert_same(gate(torch.cat([x[..., :1], 2 * x[..., 1:]], -1))[..., 1:], 2 * gate(x)[..., 1:])


def test_teconv_gate_takes_a_single_frame() -> None:
    gate = randomise(TEConvGate(6))
    x = torch.randn(1, 1, 6, dtype=torch.float64)
    # The norm of one value is 0, so that only the biases are left.
    y = gate.merge(gate.norm.bias[None, :, None]).transpose(1, 2)
    assert_same(gate(x), x * (1 + y))
