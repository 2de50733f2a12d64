"""sqcodec.quantizer: codes and digits, the bound, rounding and its gradient, training noise."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from sqcodec.quantizer import FSQ

SMALL = (5, 3, 7)
LEVELS_17_BIT = (7, 7, 7, 7, 7, 7)
LEVELS_18_BIT = (9, 9, 9, 7, 7, 7)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def transparent(levels: tuple[int, ...]) -> FSQ:
    """A quantizer whose projections change nothing."""
    fsq = FSQ(len(levels), levels).double().eval()
    with torch.no_grad():
        for linear in (fsq.project_in, fsq.project_out):
            nn.init.eye_(linear.weight)
            nn.init.zeros_(linear.bias)
    return fsq


def latent(shape: tuple[int, ...]) -> Tensor:
    """Values that reach all levels."""
    return 1.5 * torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize(
    ("levels", "codes"),
    [
        (SMALL, torch.arange(math.prod(SMALL))),
        (LEVELS_17_BIT, torch.randint(7**6, (2000,))),
        (LEVELS_18_BIT, torch.randint(9**3 * 7**3, (2000,))),
        (LEVELS_18_BIT, torch.tensor([0, 9**3 * 7**3 - 1])),
    ],
)
def test_codes_survive_a_round_trip(levels: tuple[int, ...], codes: Tensor) -> None:
    fsq = FSQ(8, levels)
    digits = fsq.codes_to_digits(codes)
    radius = torch.tensor(levels) // 2
    assert (digits.abs() <= radius).all()
    assert torch.equal(fsq.digits_to_codes(digits), codes)


def test_a_code_is_a_mixed_radix_number() -> None:
    """The first dimension counts fastest, and digits start at -(L // 2)."""
    fsq = FSQ(8, SMALL)
    expected = [(a, b, c) for c in range(-3, 4) for b in range(-1, 2) for a in range(-2, 3)]
    digits = fsq.codes_to_digits(torch.arange(math.prod(SMALL)))
    assert [tuple(row) for row in digits.tolist()] == expected


@pytest.mark.parametrize("levels", [SMALL, LEVELS_17_BIT, LEVELS_18_BIT])
def test_decoding_and_encoding_again_gives_the_code(levels: tuple[int, ...]) -> None:
    """With projections undone: what a code decodes to is of the same code."""
    fsq = transparent(levels)
    codes = torch.randint(math.prod(levels), (1, 500))
    values = fsq.decode(codes)
    assert values.aminmax() == (-1, 1)
    # The bound squeezes; its inverse, short of infinity at the outermost levels.
    inverse = torch.atanh(values.clamp(-0.999, 0.999))
    assert torch.equal(fsq.encode(inverse), codes)


def test_bound_is_its_formula_and_reaches_the_outermost_levels() -> None:
    fsq = transparent(LEVELS_18_BIT)
    z = latent((50, 6))
    half = torch.tensor([4.0, 4.0, 4.0, 3.0, 3.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(fsq.bound(z), torch.tanh(z) * half * 1.001, rtol=1e-6, atol=0)
    far = torch.full((1, 6), 50.0, dtype=torch.float64)
    assert torch.equal(fsq.bound(far).round()[0], half)
    assert torch.equal(fsq.bound(-far).round()[0], -half)
    codes = fsq.encode(torch.stack([-far, far], 1))
    assert codes.tolist() == [[0, 9**3 * 7**3 - 1]]


def test_encode_decode_and_forward_agree() -> None:
    fsq = FSQ(8, LEVELS_17_BIT).double().eval()
    with torch.no_grad():
        fsq.project_in.weight.mul_(4)
    x = latent((2, 100, 8))
    codes = fsq.encode(x)
    assert codes.dtype == torch.int64
    assert codes.shape == (2, 100)
    assert len(codes.unique()) > 100
    torch.testing.assert_close(fsq(x), fsq.decode(codes), rtol=1e-12, atol=1e-12)


def test_a_code_is_its_digits_rounded_value_by_value() -> None:
    fsq = transparent(SMALL)
    x = latent((1, 40, 3))
    for frame, code in zip(x[0].tolist(), fsq.encode(x)[0].tolist(), strict=True):
        digits = [
            round(math.tanh(z) * (n - 1) * 1.001 / 2) + n // 2
            for z, n in zip(frame, SMALL, strict=True)
        ]
        assert code == digits[0] + 5 * digits[1] + 15 * digits[2]


def test_rounding_lets_the_gradient_of_the_bound_through() -> None:
    fsq = transparent(LEVELS_18_BIT)
    x = latent((1, 20, 6)).requires_grad_()
    grad = torch.randn(1, 20, 6, dtype=torch.float64)
    radius = torch.tensor([4, 4, 4, 3, 3, 3])
    (actual,) = torch.autograd.grad(fsq(x), x, grad)
    (expected,) = torch.autograd.grad(fsq.bound(x) / radius, x, grad)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=0)
    assert (actual != 0).all()


def test_noise_in_training_mode_only() -> None:
    fsq = transparent(LEVELS_17_BIT)
    x = latent((2, 500, 6))
    rounded = fsq(x)
    assert torch.equal(fsq(x), rounded)
    fsq.train()
    assert not torch.equal(fsq(x), fsq(x))


def test_half_of_the_training_values_are_noisy_and_none_of_these_rounded() -> None:
    fsq = transparent(LEVELS_17_BIT).train()
    x = latent((2, 2000, 6))
    bounded = fsq.bound(x)
    quantized = fsq(x) * 3
    is_rounded = (quantized - bounded.round()).abs() < 1e-9
    noise = (quantized - bounded)[~is_rounded]
    share = is_rounded.double().mean().item()
    # Five standard deviations of a share of one half among 24,000.
    assert share == pytest.approx(0.5, abs=5 * 0.5 / 24_000**0.5)
    assert -0.5 <= noise.min() < -0.49
    assert 0.49 < noise.max() < 0.5
    assert noise.mean().item() == pytest.approx(0, abs=5 * 12**-0.5 / 12_000**0.5)
    assert noise.std().item() == pytest.approx(12**-0.5, rel=0.02)


def test_the_noise_lets_the_gradient_through() -> None:
    fsq = transparent(LEVELS_17_BIT).train()
    x = latent((1, 50, 6)).requires_grad_()
    (actual,) = torch.autograd.grad(fsq(x).sum(), x)
    (expected,) = torch.autograd.grad(fsq.bound(x).sum() / 3, x)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=0)
