"""From quantized frames to audio: Vocos' backbone with attention ahead, and an ISTFT head.

Letters: B batch, T samples, D latent width, H model width, F frames, N FFT size.

Source: Siuzdak, Vocos, arXiv:2306.00814, section 3; Ji et al., arXiv:2408.16532, section 3.3.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_EPS = 1e-6
_GROUPS = 32
_N_BANDWIDTHS = 4
_LARGEST_MAGNITUDE = 100.0


def _group_norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, width, eps=_EPS)


class Residual(nn.Module):
    """Two convolutions over three frames, each behind group norm and swish."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = _group_norm(width)
        self.conv1 = nn.Conv1d(width, width, 3, padding=1)
        self.norm2 = _group_norm(width)
        self.conv2 = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, H, F] -> [B, H, F]."""
        y = self.conv1(functional.silu(self.norm1(x)))
        return x + self.conv2(functional.silu(self.norm2(y)))


class Attention(nn.Module):
    """One head of attention from every frame to every frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = _group_norm(width)
        self.q = nn.Conv1d(width, width, 1)
        self.k = nn.Conv1d(width, width, 1)
        self.v = nn.Conv1d(width, width, 1)
        self.proj_out = nn.Conv1d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, H, F] -> [B, H, F]."""
        y = self.norm(x)
        q, k, v = (layer(y).transpose(1, 2)[:, None] for layer in (self.q, self.k, self.v))
        y = functional.scaled_dot_product_attention(q, k, v)  # [B, 1, F, H]
        return x + self.proj_out(y[:, 0].transpose(1, 2))


class AdaptiveNorm(nn.Module):
    """Layer norm with a scale and a shift for each of four bandwidths.

    The bandwidth is always the first; the other rows are there because the weights have them.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(_N_BANDWIDTHS, width))
        self.shift = nn.Parameter(torch.zeros(_N_BANDWIDTHS, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, F, H] -> [B, F, H]."""
        return functional.layer_norm(x, x.shape[-1:], self.scale[0], self.shift[0], _EPS)


class ConvNeXt(nn.Module):
    """A depthwise convolution over seven frames, then a two-layer network on each frame."""

    def __init__(self, width: int, hidden_width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = AdaptiveNorm(width)
        self.pwconv1 = nn.Linear(width, hidden_width)
        self.pwconv2 = nn.Linear(hidden_width, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, H, F] -> [B, H, F]."""
        y = self.norm(self.dwconv(x).transpose(1, 2))  # [B, F, H]
        y = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(y)))
        return x + y.transpose(1, 2)


class Backbone(nn.Module):
    """Frames [B, D, F] to frames [B, F, H].

    Args:
        latent_width: D.
        width: H, a multiple of 32.
        hidden_width: inside the ConvNeXt layers.
        n_layers: how many of them.
    """

    def __init__(self, latent_width: int, width: int, hidden_width: int, n_layers: int) -> None:
        super().__init__()
        self.embed = nn.Conv1d(latent_width, width, 7, padding=3)
        self.pos_net = nn.Sequential(
            Residual(width),
            Residual(width),
            Attention(width),
            Residual(width),
            Residual(width),
            _group_norm(width),
        )
        self.norm = AdaptiveNorm(width)
        self.convnext = nn.Sequential(*(ConvNeXt(width, hidden_width) for _ in range(n_layers)))
        self.final_layer_norm = nn.LayerNorm(width, eps=_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, D, F] -> [B, F, H]."""
        x = self.pos_net(self.embed(x))  # [B, H, F]
        x = self.convnext(self.norm(x.transpose(1, 2)).transpose(1, 2))
        return self.final_layer_norm(x.transpose(1, 2))


class Head(nn.Module):
    """Magnitudes and phases of every frame, then the inverse short-time Fourier transform.

    Args:
        width: H.
        n_fft: N, also the length of the window.
        hop: samples a frame.
    """

    def __init__(self, width: int, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.hop = hop
        self.out = nn.Linear(width, n_fft + 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, F, H] -> audio [B, F hop]."""
        log_magnitude, phase = self.out(x).transpose(1, 2).chunk(2, dim=1)  # [B, N/2 + 1, F]
        magnitude = log_magnitude.exp().clamp(max=_LARGEST_MAGNITUDE)
        spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        # torch.istft refuses windows that do not cover the edges, even where these are cut off.
        window = torch.hann_window(self.n_fft, device=x.device)[:, None]  # [N, 1]
        frames = torch.fft.irfft(spectrum, dim=1) * window  # [B, N, F]
        weights = window.square().expand(1, -1, frames.shape[2])  # [1, N, F]
        return self._overlap_add(frames) / self._overlap_add(weights)

    def _overlap_add(self, frames: torch.Tensor) -> torch.Tensor:
        """[B, N, F] -> [B, F hop]: the sum, without the (N - hop) / 2 samples at either end."""
        length = (frames.shape[2] - 1) * self.hop + self.n_fft
        added = functional.fold(frames, (1, length), (1, self.n_fft), stride=(1, self.hop))
        edge = (self.n_fft - self.hop) // 2
        return added[:, 0, 0, edge : length - edge]
