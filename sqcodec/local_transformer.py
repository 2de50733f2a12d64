"""Local transformer: causal attention over windows, with a learned position bias.

The sequence is cut into windows of W frames on a grid that starts with the clip. A frame
attends to itself, to the earlier frames of its own window and to the whole previous window.
All layers of a block share one dynamic position bias, a small network of the distance
between query and key.

Letters: B batch, F frames, D latent width, H heads, E head width, N windows, W window.

Source: SQCodec paper, section 3.1.1; layout as in the authors' published package.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sqcodec.layers import full_precision
from sqcodec.presets import TransformerConfig

N_HEADS = 6
HEAD_WIDTH = 64
_BIAS_WIDTH = 128


class DynamicPositionBias(nn.Module):
    """Attention bias as a learned function of the distance from key to query."""

    def __init__(self, n_heads: int = N_HEADS) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(1, _BIAS_WIDTH),
            nn.SiLU(),
            nn.Linear(_BIAS_WIDTH, _BIAS_WIDTH),
            nn.SiLU(),
            nn.Linear(_BIAS_WIDTH, n_heads),
        )

    def forward(self, window: int) -> Tensor:
        """Return the bias [H, W, 2W] of a window's queries on its look-back and itself.

        Keys later than the query get -inf, so that the bias is the causal mask as well.
        """
        like = next(self.parameters())
        distance = torch.arange(2 * window, dtype=like.dtype, device=like.device)
        # Half precision cannot tell neighbouring distances apart beyond 256.
        with full_precision(distance):
            by_distance = self.mlp(distance[:, None]).T  # [H, 2W]
        # Row i, column j of the bias belongs to distance i + W - j. Written backwards, with
        # the forbidden distances -(W - 1) .. -1 at the end, each row is a stretch of one vector.
        backwards = nnf.pad(by_distance.flip(-1), (0, window - 1), value=float("-inf"))
        return backwards.unfold(-1, 2 * window, 1).flip(1)  # [H, W, 2W]


class LocalAttention(nn.Module):
    """Causal attention of a frame to its own and the previous window (pre-norm)."""

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        inner = N_HEADS * HEAD_WIDTH
        self.window = window
        self.norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """[B, F, D], bias [H, W, 2W] -> [B, F, D]."""
        n_clips, n_frames, _ = x.shape
        window = self.window
        n_windows = -(-n_frames // window)
        qkv = self.to_qkv(self.norm(x))
        # Frames of padding come last, and no real frame looks ahead to them.
        qkv = nnf.pad(qkv, (0, 0, 0, n_windows * window - n_frames))
        qkv = qkv.view(n_clips, n_windows, window, 3, N_HEADS, HEAD_WIDTH)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)  # each [B, N, H, W, E]
        bias = bias.to(q.dtype)
        # The first window has nothing to look back to.
        out = nnf.scaled_dot_product_attention(q[:, 0], k[:, 0], v[:, 0], bias[..., window:])
        out = out[:, None]  # [B, 1, H, W, E]
        if n_windows > 1:
            keys = torch.cat([k[:, :-1], k[:, 1:]], dim=-2)  # [B, N - 1, H, 2W, E]
            values = torch.cat([v[:, :-1], v[:, 1:]], dim=-2)
            rest = nnf.scaled_dot_product_attention(q[:, 1:], keys, values, bias)
            out = torch.cat([out, rest], dim=1)  # [B, N, H, W, E]
        out = out.transpose(2, 3).reshape(n_clips, n_windows * window, -1)  # [B, N * W, H * E]
        return self.to_out(out[:, :n_frames])


class FeedForward(nn.Module):
    """Pre-norm feed-forward layer with a GEGLU: first half times GELU of the second."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = int(width * 4 * 2 / 3)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 2 * inner, bias=False)
        self.reduce = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        value, gate = self.expand(self.norm(x)).chunk(2, dim=-1)
        return self.reduce(value * nnf.gelu(gate))


class TransformerLayer(nn.Module):
    """Residual attention, then a residual feed-forward layer."""

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        self.attention = LocalAttention(width, window)
        self.feed_forward = FeedForward(width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """[B, F, D], bias [H, W, 2W] -> [B, F, D]."""
        x = x + self.attention(x, bias)
        return x + self.feed_forward(x)


class LocalTransformer(nn.Module):
    """A stack of residual attention and feed-forward layers sharing one position bias."""

    def __init__(self, width: int, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.position_bias = DynamicPositionBias()
        self.layers = nn.ModuleList(
            TransformerLayer(width, config.window) for _ in range(config.depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        bias = self.position_bias(self.config.window)
        for layer in self.layers:
            x = layer(x, bias)
        return x
