"""Training losses; each returns a scalar, lower is better.

Waveforms are [B, T]. What a discriminator says is a list of tensors, one a layer, of which
the last is its verdict; what several say is a list of those (see `discriminators`).

Source: SQCodec paper, section 3.2 and appendix A, Equations (2) to (6); `spread_loss` is this
project's. Equations (5) and (6) write norms; as in the codebases that the paper builds on
(DAC, and the authors' later code), these are means of squares and of absolute values here,
so that they do not grow with the length of a crop.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def clamp_loss(loss: Tensor, limit: float) -> Tensor:
    """Eq. (2): a loss above `limit` takes that value, and its gradient is scaled by as much."""
    return loss * (limit / loss.detach()).clamp(max=1)


def latent_loss(reference: Tensor, estimate: Tensor) -> Tensor:
    """Eq. (5): squared difference of latents [B, F, C], summed over channels, mean over frames."""
    return (reference - estimate).square().sum(-1).mean()


def adversarial_loss(judged_estimate: Sequence[Sequence[Tensor]]) -> Tensor:
    """Eq. (6), first part: mean square of 1 - D(estimate), summed over discriminators."""
    total = judged_estimate[0][-1].new_zeros((), dtype=torch.float32)
    for layers in judged_estimate:
        total = total + (1 - layers[-1].float()).square().mean()
    return total


def feature_loss(
    judged_reference: Sequence[Sequence[Tensor]], judged_estimate: Sequence[Sequence[Tensor]]
) -> Tensor:
    """Eq. (6), second part: mean difference of the features, summed over layers and judges."""
    total = judged_estimate[0][-1].new_zeros((), dtype=torch.float32)
    for reference, estimate in zip(judged_reference, judged_estimate, strict=True):
        for a, b in zip(reference[:-1], estimate[:-1], strict=True):
            total = total + (a.detach().float() - b.float()).abs().mean()
    return total


def discriminator_loss(
    judged_reference: Sequence[Sequence[Tensor]], judged_estimate: Sequence[Sequence[Tensor]]
) -> Tensor:
    """Least squares: references are to be judged 1 and estimates 0, summed over judges."""
    total = judged_estimate[0][-1].new_zeros((), dtype=torch.float32)
    for reference, estimate in zip(judged_reference, judged_estimate, strict=True):
        total = total + (1 - reference[-1].float()).square().mean()
        total = total + estimate[-1].float().square().mean()
    return total


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
