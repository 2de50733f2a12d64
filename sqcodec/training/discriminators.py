"""The discriminators of the adversarial loss: multi-period and multi-resolution in bands.

Each judge returns the outputs of its layers, the last of which is its verdict (1: real).
Layouts: audio [B, T]; a waveform folded by a period is [B, 1, T / P, P]; a spectrum's band is
[B, 2, frames, bins], real and imaginary parts as channels.

Sources: SQCodec paper, section 3.1.4, which takes the discriminators of DAC (Kumar et al.,
2023, section 3.3); periods from HiFi-GAN (Kong et al., 2020); the four FFT sizes are those
of the authors' later code, DAC's own being 2048, 1024 and 512.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

PERIODS = (2, 3, 5, 7, 11)
FFT_SIZES = (126, 542, 1418, 2296)
BAND_EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
_PERIOD_WIDTHS = (1, 32, 128, 512, 1024)
_BAND_WIDTH = 32
_SLOPE = 0.1
_PEAK = 0.8


class PeriodDiscriminator(nn.Module):
    """Judge audio by samples that lie a period apart."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        layers = [
            _conv(width_in, width_out, (5, 1), (3, 1))
            for width_in, width_out in pairwise(_PERIOD_WIDTHS)
        ]
        layers.append(_conv(_PERIOD_WIDTHS[-1], _PERIOD_WIDTHS[-1], (5, 1)))
        self.layers = nn.ModuleList(layers)
        self.verdict = _conv(_PERIOD_WIDTHS[-1], 1, (3, 1))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """[B, T] -> the layers' outputs; the verdict is [B, 1, frames, period]."""
        missing = -audio.shape[-1] % self.period
        x = nnf.pad(audio[:, None], (0, missing), mode="reflect")
        x = x.unflatten(-1, (-1, self.period))  # [B, 1, T / P, P]
        return _through(self.layers, self.verdict, x)


class ResolutionDiscriminator(nn.Module):
    """Judge the complex spectrum of one FFT size, in bands with weights of their own."""

    def __init__(self, fft_size: int) -> None:
        super().__init__()
        self.fft_size = fft_size
        n_bins = fft_size // 2 + 1
        self.bands = [(int(low * n_bins), int(high * n_bins)) for low, high in pairwise(BAND_EDGES)]
        width = _BAND_WIDTH
        self.stacks = nn.ModuleList(
            nn.ModuleList(
                [
                    _conv(2, width, (3, 9)),
                    *(_conv(width, width, (3, 9), (1, 2)) for _ in range(3)),
                    _conv(width, width, (3, 3)),
                ]
            )
            for _ in self.bands
        )
        self.verdict = _conv(width, 1, (3, 3))

    def forward(self, audio: Tensor) -> list[Tensor]:
        """[B, T] -> the layers' outputs, band by band; the verdict is [B, 1, frames, bins]."""
        spectrum = torch.stft(
            audio,
            self.fft_size,
            self.fft_size // 4,
            window=torch.hann_window(self.fft_size, device=audio.device),
            pad_mode="reflect",
            return_complex=True,
        )
        x = torch.view_as_real(spectrum).permute(0, 3, 2, 1)  # [B, 2, frames, bins]
        outputs, last = [], []
        for (low, high), stack in zip(self.bands, self.stacks, strict=True):
            band = x[..., low:high]
            assert isinstance(stack, nn.ModuleList)
            for layer in stack:
                band = nnf.leaky_relu(layer(band), _SLOPE)
                outputs.append(band)
            last.append(band)
        return [*outputs, self.verdict(torch.cat(last, dim=-1))]


class Discriminators(nn.Module):
    """All judges side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [
                *(PeriodDiscriminator(period) for period in PERIODS),
                *(ResolutionDiscriminator(size) for size in FFT_SIZES),
            ]
        )

    def forward(self, audio: Tensor) -> list[list[Tensor]]:
        """Audio [B, T] -> what each judge's layers say; level and offset of a clip do not count."""
        audio = audio - audio.mean(dim=-1, keepdim=True)
        peak = audio.abs().amax(dim=-1, keepdim=True)
        audio = _PEAK * audio / (peak + 1e-9)
        return [judge(audio) for judge in self.judges]


def _conv(
    width_in: int, width_out: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> nn.Conv2d:
    """A weight-normalised convolution, padded so that stride 1 keeps the shape."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return weight_norm(nn.Conv2d(width_in, width_out, kernel, stride, padding))


def _through(layers: nn.ModuleList, verdict: nn.Module, x: Tensor) -> list[Tensor]:
    outputs = []
    for layer in layers:
        x = nnf.leaky_relu(layer(x), _SLOPE)
        outputs.append(x)
    return [*outputs, verdict(x)]
