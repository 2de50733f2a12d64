"""Each loss against a direct computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from sqcodec.training.losses import (
    LOG_FLOOR,
    adversarial_loss,
    clamp_loss,
    discriminator_loss,
    feature_loss,
    latent_loss,
    spread_loss,
    stft_loss,
    waveform_loss,
)


def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    reference = torch.randn(2, 4000, dtype=torch.float64, generator=generator)
    noise = torch.randn(2, 4000, dtype=torch.float64, generator=generator)
    return reference, 0.7 * reference + 0.1 * noise


def test_waveform_loss() -> None:
    reference, estimate = _pair()
    expected = np.abs(reference.numpy() - estimate.numpy()).mean()
    assert waveform_loss(reference, estimate).item() == pytest.approx(expected)


def _numpy_magnitude(x: np.ndarray, size: int) -> np.ndarray:
    window = signal.get_window("hann", size)
    padded = np.pad(x, ((0, 0), (size // 2, size // 2)), mode="reflect")
    n_frames = 1 + (padded.shape[1] - size) // (size // 4)
    frames = np.stack(
        [padded[:, i * size // 4 : i * size // 4 + size] for i in range(n_frames)], axis=1
    )
    return np.maximum(np.abs(np.fft.rfft(frames * window)), LOG_FLOOR)


def test_stft_loss_is_equation_4() -> None:
    reference, estimate = _pair()
    total = 0.0
    for exponent in (5, 6, 7, 8, 9, 10, 11):
        a, b = (_numpy_magnitude(x.numpy(), 2**exponent) for x in (reference, estimate))
        total += np.abs(a - b).mean() + np.abs(np.log10(a**2) - np.log10(b**2)).mean()
    assert stft_loss(reference, estimate).item() == pytest.approx(total / 7, rel=1e-9)


def test_losses_vanish_for_equal_signals() -> None:
    reference, _ = _pair()
    assert waveform_loss(reference, reference).item() == 0
    assert stft_loss(reference, reference).item() == 0


def test_silence_has_finite_gradients() -> None:
    reference, _ = _pair()
    silence = torch.zeros_like(reference, requires_grad=True)
    stft_loss(reference, silence).backward()
    assert silence.grad is not None
    assert torch.isfinite(silence.grad).all()


def test_spread_loss_is_least_for_centred_unit_deviation() -> None:
    values = torch.randn(2, 500, 6, generator=torch.Generator().manual_seed(0))
    values = (values - values.mean((0, 1))) / values.std((0, 1))
    assert spread_loss(values).item() < 1e-10
    # One dimension of six shifted by 3, one of deviation 1 / 2: (9 + 1 / 4) / 6.
    values[..., 0] += 3
    values[..., 1] /= 2
    assert abs(spread_loss(values).item() - 9.25 / 6) < 1e-4


def test_clamp_keeps_a_gradient() -> None:
    for value, limit, clamped, gradient in (
        (3.0, 5.0, 3.0, 1.0),
        (20.0, 5.0, 5.0, 0.25),
        (0.0, 5.0, 0.0, 1.0),
    ):
        loss = torch.tensor(value, requires_grad=True)
        result = clamp_loss(loss, limit)
        result.backward()
        assert result.item() == pytest.approx(clamped)
        assert loss.grad.item() == pytest.approx(gradient)


def test_latent_loss_sums_channels_and_averages_frames() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 3, 7, 5))
    expected = ((a - b) ** 2).sum() / (3 * 7)
    actual = latent_loss(torch.from_numpy(a), torch.from_numpy(b))
    assert actual.item() == pytest.approx(expected)


def _judged(seed: int) -> list[list[torch.Tensor]]:
    """What two judges say: layers of different shapes."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [[(2, 4, 5), (2, 3, 7), (2, 1, 6)], [(2, 4, 2), (2, 1, 3)]]
    return [[torch.randn(shape, generator=generator) for shape in judge] for judge in shapes]


def test_adversarial_losses_are_least_squares() -> None:
    real, fake = _judged(0), _judged(1)
    verdicts = [(r[-1].numpy(), f[-1].numpy()) for r, f in zip(real, fake, strict=True)]
    expected = sum(((1 - f) ** 2).mean() for _, f in verdicts)
    assert adversarial_loss(fake).item() == pytest.approx(expected)
    expected = sum(((1 - r) ** 2).mean() + (f**2).mean() for r, f in verdicts)
    assert discriminator_loss(real, fake).item() == pytest.approx(expected)


def test_feature_loss_leaves_the_verdict_out() -> None:
    real, fake = _judged(0), _judged(1)
    expected = sum(
        np.abs(r.numpy() - f.numpy()).mean()
        for judged in zip(real, fake, strict=True)
        for r, f in zip(judged[0][:-1], judged[1][:-1], strict=True)
    )
    assert feature_loss(real, fake).item() == pytest.approx(expected, rel=1e-6)
