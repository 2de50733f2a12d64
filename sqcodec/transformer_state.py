"""The local transformer, fed piece by piece: the same as all at once, nothing computed twice.

A frame attends to its own window so far and to the previous one, so the keys and values of
these are all that a layer has to remember.

Letters: B batch, F frames of a piece, D latent width, H heads, E head width, W window.
"""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sqcodec.local_transformer import HEAD_WIDTH, N_HEADS, LocalTransformer


class TransformerState:
    """A local transformer and what it remembers of one batch of clips."""

    def __init__(self, transformer: LocalTransformer) -> None:
        window = transformer.config.window
        self._bias = transformer.position_bias(window)  # [H, W, 2W]
        self._layers: list[tuple[_AttentionState, nn.Module]] = []
        for layer in transformer.layers:
            attend = _AttentionState(layer.get_submodule("attention"), window)
            self._layers.append((attend, layer.get_submodule("feed_forward")))

    def __call__(self, x: Tensor | None, last: bool) -> Tensor | None:
        """Take the next frames, [B, F, D] -> [B, F, D]; None is no frames."""
        if x is None:
            return None
        for attend, feed_forward in self._layers:
            x = x + attend(x, self._bias)
            x = x + feed_forward(x)
        return x


class _AttentionState:
    """A layer's attention, with the keys and values of the previous window and of this one."""

    def __init__(self, attention: nn.Module, window: int) -> None:
        self._norm = attention.get_submodule("norm")
        self._to_qkv = attention.get_submodule("to_qkv")
        self._to_out = attention.get_submodule("to_out")
        self._window = window
        self._next = 0  # number of the next frame, from the start of the clip
        self._first = 0  # number of the first frame whose key is kept
        self._kept: Tensor | None = None  # [2, B, H, frames, E], keys and values

    def __call__(self, x: Tensor, bias: Tensor) -> Tensor:
        """[B, F, D], bias [H, W, 2W] -> [B, F, D]."""
        n_clips, n_frames, _ = x.shape
        window, start = self._window, self._next
        end = start + n_frames
        qkv = self._to_qkv(self._norm(x)).view(n_clips, n_frames, 3, N_HEADS, HEAD_WIDTH)
        q, *keys_values = qkv.permute(2, 0, 3, 1, 4)  # each [B, H, F, E]
        kept = torch.stack(keys_values)
        if self._kept is not None:
            kept = torch.cat([self._kept, kept], dim=-2)
        keys, values = kept
        bias = bias.to(q.dtype)
        pieces = []
        while start < end:
            # The queries of one window, which begins at `begin`, see keys from `oldest` on.
            begin = start // window * window
            stop = min(begin + window, end)
            oldest = max(0, begin - window)
            seen = slice(oldest - self._first, stop - self._first)
            distances = slice(oldest - begin + window, stop - begin + window)
            pieces.append(
                nnf.scaled_dot_product_attention(
                    q[..., start - self._next : stop - self._next, :],
                    keys[..., seen, :],
                    values[..., seen, :],
                    bias[:, start - begin : stop - begin, distances],
                )
            )
            start = stop
        self._next = end
        oldest = max(0, end // window * window - window)
        self._kept = kept[..., oldest - self._first :, :].clone()  # frees the rest
        self._first = oldest
        out = torch.cat(pieces, dim=-2).transpose(1, 2).flatten(2)  # [B, F, H * E]
        return self._to_out(out)
