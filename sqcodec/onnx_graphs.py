"""The network as two modules whose traced graphs hold for any length and batch.

They compute what `sqcodec.model` does, in a form that a graph can have: the attention pads to
whole windows by an amount computed in the graph and masks what the first one has no window
before, pooling is two-dimensional, and what depends on no input is a constant: weight
normalisation, GRN and position biases are folded in float64 and rounded to float32 once.

Letters: B batch, T samples, F frames, D latent width, H heads, E head width, N windows,
W window, C channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sqcodec.inference import fold_weight_norm
from sqcodec.layers import ConvUnit, linear_1x1
from sqcodec.local_transformer import HEAD_WIDTH, N_HEADS, LocalAttention, LocalTransformer
from sqcodec.model import SQCodecNetwork
from sqcodec.tconv import TCONV_KERNELS, TECONV_KERNELS, TConvUnit, TEConvGate


class EncoderGraph(nn.Module):
    """Audio [B, T], T a multiple of the hop -> codes, int64 [B, F]."""

    def __init__(self, network: SQCodecNetwork) -> None:
        super().__init__()
        self.encoder, self.quantizer = network.encoder, network.quantizer

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> int64 [B, F]."""
        return self.quantizer.encode(self.encoder(audio))


class DecoderGraph(nn.Module):
    """Codes, int64 [B, F] -> audio [B, F * hop]."""

    def __init__(self, network: SQCodecNetwork) -> None:
        super().__init__()
        self.quantizer, self.decoder = network.quantizer, network.decoder

    def forward(self, codes: Tensor) -> Tensor:
        """int64 [B, F] -> [B, T]."""
        return self.decoder(self.quantizer.decode(codes))


def graphs(network: SQCodecNetwork) -> tuple[EncoderGraph, DecoderGraph]:
    """Turn a network, which cannot be used otherwise afterwards, into the two graphs."""
    fold_weight_norm(network.double()).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, ConvUnit):
            _fold_grn(module)
        elif isinstance(module, LocalTransformer):
            bias = module.position_bias(module.config.window)
            module.add_module("position_bias", _Constant(bias))
    _swap(network, LocalAttention, _Attention)
    _swap(network, TConvUnit, _TConv)
    _swap(network, TEConvGate, _Gate)
    network.float()
    return EncoderGraph(network), DecoderGraph(network)


def _swap(network: nn.Module, kind: type, replacement: Callable[..., nn.Module]) -> None:
    """Put `replacement(module)` where a module of `kind` is."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kind):
                setattr(parent, name, replacement(child))


class _Constant(nn.Module):
    """A position bias [H, W, 2W] that has been computed."""

    bias: Tensor

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("bias", bias)

    def forward(self, window: int) -> Tensor:
        return self.bias


class _TakenIn(nn.Module):
    """Stands for a GRN that the linear layer after it has taken in."""

    def into(self, linear: nn.Linear, x: Tensor) -> Tensor:
        return linear(x)


def _fold_grn(unit: ConvUnit) -> None:
    """W ((1 + gamma) x + beta) + b = (W (1 + gamma)) x + (W beta + b)."""
    linear = unit.reduce
    linear.bias.add_(nnf.linear(unit.grn.beta, linear.weight))
    linear.weight.mul_(1 + unit.grn.gamma)
    unit.add_module("grn", _TakenIn())


class _Attention(nn.Module):
    """`LocalAttention` with a number of windows that the graph computes."""

    before_start: Tensor

    def __init__(self, layer: LocalAttention) -> None:
        super().__init__()
        self.window = layer.window
        self.norm, self.to_qkv, self.to_out = layer.norm, layer.to_qkv, layer.to_out
        mask = torch.zeros(2 * layer.window).masked_fill_(
            torch.arange(2 * layer.window) < layer.window, float("-inf")
        )
        self.register_buffer("before_start", mask)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """[B, F, D], bias [H, W, 2W] -> [B, F, D]."""
        n_clips, n_frames, _ = x.shape
        n_windows = (n_frames + self.window - 1) // self.window
        # A window of zeros in front, for the first one to look back to, and zeros behind, which
        # no real frame looks ahead to.
        qkv = self.to_qkv(self.norm(x))
        qkv = nnf.pad(qkv, (0, 0, self.window, n_windows * self.window - n_frames))
        qkv = qkv.reshape(n_clips, n_windows + 1, self.window, 3, N_HEADS, HEAD_WIDTH)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)  # each [B, 1 + N, H, W, E]
        keys = torch.cat([k[:, :-1], k[:, 1:]], dim=-2)  # [B, N, H, 2W, E]
        values = torch.cat([v[:, :-1], v[:, 1:]], dim=-2)
        scores = q[:, 1:] * HEAD_WIDTH**-0.5 @ keys.transpose(-1, -2) + bias  # [B, N, H, W, 2W]
        scores = torch.cat([scores[:, :1] + self.before_start, scores[:, 1:]], dim=1)
        out = torch.softmax(scores, dim=-1) @ values  # [B, N, H, W, E]
        out = out.transpose(2, 3).reshape(n_clips, n_windows * self.window, -1)
        return self.to_out(out[:, :n_frames])


def _trends(x: Tensor, kernels: tuple[int, ...]) -> Tensor:
    """x itself (kernel 1) and its TPoolings: [B, T] -> [B, K, T].

    Tracing takes one-dimensional max pooling for one of the length that it has seen.
    """
    x = x[:, None]  # [B, 1, T]
    pooled = [x]
    for kernel in kernels[1:]:
        padding = (0, kernel // 2)
        peaks = nnf.max_pool2d(x.abs()[:, None], (1, kernel), stride=1, padding=padding)
        pooled.append(nnf.avg_pool2d(peaks, (1, kernel), stride=1, padding=padding)[:, 0])
    return torch.cat(pooled, dim=1)


class _TConv(nn.Module):
    """`TConvUnit` over pooling that can be traced."""

    def __init__(self, unit: TConvUnit) -> None:
        super().__init__()
        self.branches, self.expand, self.merge = unit.branches, unit.expand, unit.merge

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> [B, T, C]."""
        x = self.branches(_trends(audio, TCONV_KERNELS)).transpose(1, 2)  # [B, T, 20]
        x = nnf.gelu(linear_1x1(self.expand, x))
        return linear_1x1(self.merge, torch.cat([x, audio[..., None]], dim=-1))


class _Gate(nn.Module):
    """`TEConvGate` over pooling that can be traced."""

    def __init__(self, gate: TEConvGate) -> None:
        super().__init__()
        self.branches, self.norm, self.merge = gate.branches, gate.norm, gate.merge

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T, C]."""
        trends = _trends(x[..., 0], TECONV_KERNELS)  # [B, 4, T]
        branches = [conv(trends[:, i : i + 1]) for i, conv in enumerate(self.branches)]
        y = torch.cat(branches, dim=1)  # [B, 4, T]
        norm = self.norm
        y = torch.group_norm(y, norm.num_features, norm.weight, norm.bias, norm.eps)
        return torch.addcmul(x, linear_1x1(self.merge, y.transpose(1, 2)), x)
