"""TPooling and the two modules built on it: the TConv unit and the TEConv gate.

TPooling follows the signal's envelope: absolute value, max pooling, average pooling, with
one kernel size. Side by side, several sizes show a convolution the slow trend of a waveform
beside its samples.

Layout: audio and feature maps are channels-last, [B, T, C]; pooling works on [B, K, T].

Source: SQCodec paper, Equation (1), sections 3.1.1 and 3.1.3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sqcodec.layers import linear_1x1, weight_normed

TCONV_KERNELS = (1, 5, 11, 21, 45)
TECONV_KERNELS = (1, 3, 5, 9)


def tpooling(x: Tensor, kernel: int) -> Tensor:
    """Eq. (1): AvgP(MaxP(|x|, K), K), stride 1, same length; x is [..., T], `kernel` odd."""
    # Max pooling pads with -inf, average pooling with zeros that count.
    peaks = nnf.max_pool1d(x.abs(), kernel, stride=1, padding=kernel // 2)
    return nnf.avg_pool1d(peaks, kernel, stride=1, padding=kernel // 2)


def _trends(x: Tensor, kernels: tuple[int, ...]) -> Tensor:
    """Stack x itself (kernel 1) and its TPoolings: [B, T] -> [B, K, T]."""
    return torch.stack([x if k == 1 else tpooling(x, k) for k in kernels], dim=1)


class TConvUnit(nn.Module):
    """The encoder's first layer: audio [B, T] -> features [B, T, C]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        n_branches, per_branch = len(TCONV_KERNELS), 4
        inner = n_branches * per_branch
        # One grouped convolution is the five branches' convolutions side by side.
        self.branches = weight_normed(
            nn.Conv1d(n_branches, inner, kernel_size=7, padding=3, groups=n_branches)
        )
        self.expand = weight_normed(nn.Conv1d(inner, 4 * inner, kernel_size=1))
        self.merge = weight_normed(nn.Conv1d(4 * inner + 1, width, kernel_size=1))

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> [B, T, C]."""
        x = self.branches(_trends(audio, TCONV_KERNELS)).transpose(1, 2)  # [B, T, 20]
        x = nnf.gelu(linear_1x1(self.expand, x))
        return linear_1x1(self.merge, torch.cat([x, audio[..., None]], dim=-1))


class TEConvGate(nn.Module):
    """Scale a decoder's features by what TPooling sees in their first channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            weight_normed(
                nn.Conv1d(1, 1, kernel_size=7, padding=3 * (k // 2 + 1), dilation=k // 2 + 1)
            )
            for k in TECONV_KERNELS
        )
        self.norm = nn.InstanceNorm1d(len(TECONV_KERNELS), affine=True)
        self.merge = nn.Conv1d(len(TECONV_KERNELS), width, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T, C]; the normalisation sees the whole of it."""
        # Instance normalisation, called so that a clip of one frame (T = 1) passes too.
        norm = self.norm
        y = torch.group_norm(self.envelopes(x), norm.num_features, norm.weight, norm.bias, norm.eps)
        return self._scale(x, y.transpose(1, 2))

    def envelopes(self, x: Tensor) -> Tensor:
        """Return what is normalised, [B, T, C] -> [B, 4, T]."""
        trends = _trends(x[..., 0], TECONV_KERNELS)  # [B, 4, T]
        branches = [conv(trends[:, i : i + 1]) for i, conv in enumerate(self.branches)]
        return torch.cat(branches, dim=1)

    def with_statistics(self, x: Tensor, y: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        """Scale a piece of a clip by statistics that are not the piece's own.

        Args:
            x: features [B, T, C].
            y: their envelopes, transposed to [B, T, 4].
            mean, variance: to normalise the envelopes by, float64, [B, T, 4] or broadcast to it.

        Returns:
            Features [B, T, C].
        """
        norm = self.norm
        normal = (y - mean) * torch.rsqrt(variance + norm.eps)  # [B, T, 4]
        return self._scale(x, (normal * norm.weight + norm.bias).to(y.dtype))

    def _scale(self, x: Tensor, y: Tensor) -> Tensor:
        """Features [B, T, C], normalised envelopes [B, T, 4] -> [B, T, C]."""
        return torch.addcmul(x, linear_1x1(self.merge, y), x)
