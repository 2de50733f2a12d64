"""The SEANet encoder with an LSTM: audio [B, 1, T] to frames [B, D, F].

Letters: B batch, T samples, C channels, D latent width, F frames. Convolutions are centred,
with reflected padding; a strided one is filled up at the end, so that F = ceil(T / hop).

Source: Défossez et al., High Fidelity Neural Audio Compression, arXiv:2210.13438, section 3.1.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Conv(nn.Conv1d):
    """A convolution [B, C, T] -> [B, C', ceil(T / stride)] that pads its input itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad and convolve."""
        (kernel,), (stride,) = self.kernel_size, self.stride
        around = kernel - stride
        right = around // 2
        unfinished = -x.shape[-1] % stride
        return super().forward(_reflect(x, around - right, right + unfinished))


def _reflect(x: torch.Tensor, left: int, right: int) -> torch.Tensor:
    """Pad by reflection; what is too short to be reflected is first filled up with zeros."""
    lacking = max(0, max(left, right) + 1 - x.shape[-1])
    padded = functional.pad(functional.pad(x, (0, lacking)), (left, right), mode="reflect")
    return padded[..., : padded.shape[-1] - lacking]


class Residual(nn.Module):
    """Two convolutions, the inner of half the width, beside a third as the shortcut."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.ELU(),
            Conv(n_channels, n_channels // 2, 3),
            nn.ELU(),
            Conv(n_channels // 2, n_channels, 1),
        )
        self.shortcut = Conv(n_channels, n_channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, T] -> [B, C, T]."""
        return self.shortcut(x) + self.block(x)


class Recurrent(nn.Module):
    """Two layers of LSTM over time, added to their input."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_channels, n_channels, num_layers=2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, F] -> [B, C, F]."""
        y, _ = self.lstm(x.transpose(1, 2))  # [B, F, C]
        return x + y.transpose(1, 2)


class Encoder(nn.Module):
    """SEANet.

    Args:
        n_filters: channels of the first layer; each stride doubles them.
        strides: from the audio on.
        width: D.
    """

    def __init__(self, n_filters: int, strides: tuple[int, ...], width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [Conv(1, n_filters, 7)]
        for stride in strides:
            down = Conv(n_filters, 2 * n_filters, 2 * stride, stride=stride)
            layers += [Residual(n_filters), nn.ELU(), down]
            n_filters *= 2
        layers += [Recurrent(n_filters), nn.ELU(), Conv(n_filters, width, 7)]
        self.layers = nn.Sequential(*layers)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio [B, 1, T] -> frames [B, D, F]."""
        return self.layers(audio)
