"""The local transformers for inference.

A window's queries go block by block, each with the keys that it may see: those of the window
before and of its own up to the block's end. No window is padded, and most of what the causal
mask would throw away is not computed. The position bias is computed once, and the affine part
of a norm is folded into the linear layer after it.

Letters: B batch, F frames, D latent width, H heads, E head width, W window.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sqcodec.fast.layers import with_norm
from sqcodec.local_transformer import (
    HEAD_WIDTH,
    N_HEADS,
    DynamicPositionBias,
    FeedForward,
    LocalAttention,
    LocalTransformer,
    TransformerLayer,
)

# Queries of a block: fewer throw less away, more make larger products.
_BLOCK = 100


class FixedPositionBias(nn.Module):
    """The position bias of one window size, computed once."""

    bias: Tensor

    def __init__(self, position_bias: DynamicPositionBias, window: int) -> None:
        super().__init__()
        self.register_buffer("bias", position_bias(window).contiguous(), persistent=False)

    def forward(self, window: int) -> Tensor:
        """Return the bias [H, W, 2W] of the window that it was computed for."""
        if window != self.bias.shape[1]:
            raise ValueError(f"the bias is for a window of {self.bias.shape[1]}, got {window}")
        return self.bias


def _folded(norm: nn.LayerNorm, linear: nn.Linear) -> tuple[nn.LayerNorm, nn.Linear]:
    """Move a norm's affine part into the linear layer after it."""
    weight, bias = with_norm(linear, norm)
    like = linear.weight
    plain = nn.LayerNorm(norm.normalized_shape, eps=norm.eps, elementwise_affine=False)
    folded = nn.Linear(linear.in_features, linear.out_features, device="meta")
    folded.weight = nn.Parameter(weight.to(like.dtype), requires_grad=False)
    folded.bias = nn.Parameter(bias.to(like.dtype), requires_grad=False)
    return plain, folded


class LowPrecisionLinear(nn.Module):
    """A linear layer whose product alone is in another precision."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        bias = None if linear.bias is None else linear.bias.to(dtype)
        self.register_buffer("weight", linear.weight.to(dtype), persistent=False)
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., D] -> [..., D'], in the precision of x."""
        return nnf.linear(x.to(self.weight.dtype), self.weight, self.bias).to(x.dtype)


class FastAttention(nn.Module):
    """`LocalAttention` without padding."""

    def __init__(self, attention: LocalAttention) -> None:
        super().__init__()
        self.window = attention.window
        self.norm, self.to_qkv = _folded(attention.norm, attention.to_qkv)
        self.to_out = attention.to_out

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """[B, F, D], bias [H, W, 2W] -> [B, F, D]."""
        n_clips, n_frames, _ = x.shape
        qkv = self.to_qkv(self.norm(x)).view(n_clips, n_frames, 3, N_HEADS, HEAD_WIDTH)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, H, F, E]
        out = q.new_empty(n_clips, n_frames, N_HEADS, HEAD_WIDTH)
        for window in range(0, n_frames, self.window):
            oldest = max(0, window - self.window)
            for start in range(window, min(window + self.window, n_frames), _BLOCK):
                end = min(start + _BLOCK, window + self.window, n_frames)
                rows = slice(start - window, end - window)
                columns = slice(oldest - window + self.window, end - window + self.window)
                mixed = nnf.scaled_dot_product_attention(
                    q[:, :, start:end],
                    k[:, :, oldest:end],
                    v[:, :, oldest:end],
                    bias[None, :, rows, columns],
                )  # [B, H, block, E]
                out[:, start:end] = mixed.transpose(1, 2)
        return self.to_out(out.flatten(2))  # [B, F, H * E] -> [B, F, D]


class FastFeedForward(nn.Module):
    """`FeedForward`, the norm folded."""

    def __init__(self, feed_forward: FeedForward) -> None:
        super().__init__()
        self.norm, self.expand = _folded(feed_forward.norm, feed_forward.expand)
        self.reduce = feed_forward.reduce

    def forward(self, x: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        value, gate = self.expand(self.norm(x)).chunk(2, dim=-1)
        return self.reduce(nnf.gelu(gate).mul_(value))


class FastTransformerLayer(nn.Module):
    """`TransformerLayer` of fast parts."""

    def __init__(self, layer: TransformerLayer) -> None:
        super().__init__()
        self.attention = FastAttention(layer.attention)
        self.feed_forward = FastFeedForward(layer.feed_forward)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """[B, F, D], bias [H, W, 2W] -> [B, F, D]."""
        x = x + self.attention(x, bias)
        return x + self.feed_forward(x)


class FastTransformer(nn.Module):
    """`LocalTransformer`, with the same parts under the same names.

    Args:
        transformer: whose weights are taken.
        dtype: of the products with weights; the transformer's own if None. Attention, norms and
            the residual keep the transformer's.
    """

    def __init__(self, transformer: LocalTransformer, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.config = transformer.config
        self.position_bias = FixedPositionBias(transformer.position_bias, transformer.config.window)
        plain = [layer for layer in transformer.layers if isinstance(layer, TransformerLayer)]
        self.layers = nn.ModuleList(FastTransformerLayer(layer) for layer in plain)
        if dtype is not None:
            for part in list(self.layers.modules()):
                for name, child in list(part.named_children()):
                    if isinstance(child, nn.Linear):
                        setattr(part, name, LowPrecisionLinear(child, dtype))

    def forward(self, x: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        bias = self.position_bias(self.config.window)
        for layer in self.layers:
            x = layer(x, bias)
        return x
