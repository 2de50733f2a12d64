"""Each loss against a direct computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from sqcodec.training.losses import LOG_FLOOR, spread_loss, stft_loss, waveform_loss


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
