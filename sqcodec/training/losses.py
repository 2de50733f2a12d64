"""Training losses on waveforms [B, T]; each returns a scalar, lower is better.

Source: SQCodec paper, appendix A, Equations (3) and (4); `spread_loss` is this project's.
"""

from __future__ import annotations

import torch
from torch import Tensor

STFT_SIZES = tuple(2**i for i in range(5, 12))

# Magnitudes are clamped here before the logarithm. The rounding noise of 16-bit audio shows
# about this much in a frame of 2048 samples; below it the loss would teach digital silence.
LOG_FLOOR = 1e-4


def waveform_loss(reference: Tensor, estimate: Tensor) -> Tensor:
    """Eq. (3): mean absolute difference of the samples."""
    return (reference - estimate).abs().mean()


def stft_loss(reference: Tensor, estimate: Tensor) -> Tensor:
    """Eq. (4): L1 of magnitude plus L1 of log10 power, mean over the seven window sizes.

    Hann windows of 2^5 .. 2^11 samples, hop a quarter of the window, centred frames with
    reflected edges; T must exceed half the largest window.
    """
    total = reference.new_zeros(())
    for size in STFT_SIZES:
        a, b = _magnitude(reference, size), _magnitude(estimate, size)
        total = total + (a - b).abs().mean() + 2 * (a.log10() - b.log10()).abs().mean()
    return total / len(STFT_SIZES)


def spread_loss(projected: Tensor) -> Tensor:
    """Keep the quantizer's dimensions centred and spread over their levels.

    Mean over the dimensions of mean^2 + (deviation - 1)^2 of `projected` [B, F, L], what goes
    into the quantizer's tanh. Without it, the first steps push the dimensions' means so far
    that tanh saturates, one code remains and the encoder gets no gradient any more.
    """
    mean = projected.mean(dim=(0, 1))
    deviation = projected.std(dim=(0, 1))
    return (mean.square() + (deviation - 1).square()).mean()


def _magnitude(x: Tensor, size: int) -> Tensor:
    """[B, T] -> STFT magnitudes [B, bins, frames], not below `LOG_FLOOR`."""
    window = torch.hann_window(size, dtype=x.dtype, device=x.device)
    spectrum = torch.stft(x, size, size // 4, window=window, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    # Clamped as power: the square root of zero has no gradient.
    return power.clamp_min(LOG_FLOOR**2).sqrt()
