"""Slow plain versions of layers, straight from their definitions, to test the fast ones with."""

from __future__ import annotations

import torch
from torch import Tensor

from sqcodec.local_transformer import HEAD_WIDTH, N_HEADS, LocalAttention


def attention(layer: LocalAttention, x: Tensor, bias: Tensor, shift: int = 0) -> Tensor:
    """Windowed causal attention as one dense product with a mask.

    Args:
        layer: whose weights and window are taken.
        x: [B, F, D].
        bias: the position bias [H, W, 2W] that `layer` is given.
        shift: frames by which the grid of windows starts before the clip.
    """
    n_clips, n_frames, _ = x.shape
    frame = torch.arange(n_frames)
    window = (frame + shift) // layer.window
    distance = frame[:, None] - frame
    allowed = (distance >= 0) & (window[:, None] - window <= 1)
    by_distance = bias[:, -1].flip(-1)  # a window's last query sees every distance
    scores_bias = by_distance[:, distance.clamp(0, 2 * layer.window - 1)]  # [H, F, F]
    qkv = layer.to_qkv(layer.norm(x)).unflatten(-1, (3, N_HEADS, HEAD_WIDTH))
    q, k, v = qkv.unbind(2)  # each [B, F, H, E]
    scores = torch.einsum("bihe,bjhe->bhij", q, k) / HEAD_WIDTH**0.5 + scores_bias
    weights = scores.masked_fill(~allowed, -torch.inf).softmax(-1)
    mixed = torch.einsum("bhij,bjhe->bihe", weights, v)
    return layer.to_out(mixed.reshape(n_clips, n_frames, -1))


def tpooling(x: Tensor, kernel: int) -> Tensor:
    """Eq. (1) of the paper, sample by sample: [T] -> [T].

    Beyond the edges lies nothing for the maximum, and zeros for the mean.
    """
    reach, n_samples = kernel // 2, len(x)
    peaks = [
        max(abs(float(x[j])) for j in range(max(i - reach, 0), min(i + reach + 1, n_samples)))
        for i in range(n_samples)
    ]
    means = [
        sum(peaks[max(i - reach, 0) : min(i + reach + 1, n_samples)]) / kernel
        for i in range(n_samples)
    ]
    return torch.tensor(means, dtype=x.dtype)
