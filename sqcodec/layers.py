"""The convolutional layers of encoder and decoder.

Layout: channels-last, [B, T, C], from end to end, so that every pointwise or strided
convolution is one matrix product and every channel norm reads contiguous memory.
Parameters keep the shapes of the convolutions they belong to.

Sources: SQCodec paper, section 3.1; ConvNeXt (Liu et al., 2022) for the Conv unit, Snake
(Ziyin et al., 2020) for the activation; epsilons and initial values as in the authors'
published package, which parity depends on.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

# Machine epsilon of float32. With PyTorch's usual 1e-5 almost nine codes in ten differ.
EPS = torch.finfo(torch.float32).eps

Weighted = TypeVar("Weighted", nn.Conv1d, nn.Linear)


def weight_normed(module: Weighted) -> Weighted:
    """Initialise as the authors do (truncated normal, bias 0) and weight-normalise."""
    nn.init.trunc_normal_(module.weight, std=0.02)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return weight_norm(module)


def full_precision(like: Tensor) -> AbstractContextManager[Any]:
    """Switch mixed precision off; shapes alone, on the device "meta", have none."""
    if like.device.type == "meta":
        return nullcontext()
    return torch.autocast(like.device.type, enabled=False)


def linear_1x1(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Apply a convolution of kernel 1 to channels-last features [B, T, C]."""
    return nnf.linear(x, conv.weight[..., 0], conv.bias)


def conv_nlc(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Apply a stride-1 convolution to channels-last features [B, T, C].

    As a 2-D convolution of height 1, because PyTorch has channels-last kernels for 2-D only.
    """
    x = x[:, None].permute(0, 3, 1, 2)  # [B, C, 1, T], channels-last in memory
    x = nnf.conv2d(
        x,
        conv.weight[:, :, None],
        conv.bias,
        padding=(0, int(conv.padding[0])),
        dilation=(1, conv.dilation[0]),
        groups=conv.groups,
    )
    return x.permute(0, 2, 3, 1)[:, 0]  # [B, T, C]


def upsampling_offsets(rate: int) -> list[float]:
    """Return where the samples of a frame lie, from its middle, in frames: in -1/2 .. 1/2."""
    return [(2 * phase + 1 - rate) / (2 * rate) for phase in range(rate)]


def upsample_linear(x: Tensor, rate: int) -> Tensor:
    """Linear interpolation in time by a whole factor: [B, T, C] -> [B, T * rate, C].

    Samples lie in the middle of their frames (align_corners false). Written out, because
    PyTorch computes each sample's position in float32, which is off far into a clip.
    """
    before = torch.cat([x[:, :1], x[:, :-1]], dim=1)
    after = torch.cat([x[:, 1:], x[:, -1:]], dim=1)
    phases = [
        torch.lerp(x, before if offset < 0 else after, abs(offset))
        for offset in upsampling_offsets(rate)
    ]
    return torch.stack(phases, dim=2).flatten(1, 2)  # [B, T, rate, C] -> [B, T * rate, C]


def _snake(x: Tensor, frequency: Tensor) -> Tensor:
    inverse = 1 / (frequency + EPS)
    return x + (x * frequency.to(x.dtype)).sin().square() * inverse.to(x.dtype)


class _SnakeFunction(torch.autograd.Function):
    """Snake that keeps only its input for the backward pass, which recomputes the sine.

    Most of a training step's time is memory traffic, and plain autograd would keep four
    tensors of the widest feature map. In mixed precision features are in half precision;
    frequencies and their gradients are not.
    """

    @staticmethod
    def forward(x: Tensor, frequency: Tensor) -> Tensor:
        inverse = 1 / (frequency + EPS)
        y = (x * frequency.to(x.dtype)).sin_().square_()
        return y.mul_(inverse.to(x.dtype)).add_(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor]:
        (grad,) = grad_outputs
        x, a = ctx.saved_tensors
        inverse = 1 / (a + EPS)
        phase = x * a.to(x.dtype)
        over = tuple(range(x.ndim - 1))
        # d/da sin^2(ax) / (a + eps) = x sin(2ax) / (a + eps) - sin^2(ax) / (a + eps)^2
        square_sum = (phase.sin().square_() * grad).sum(over, dtype=a.dtype)
        double = phase.mul_(2).sin_().mul_(grad)
        grad_a = (double * x).sum(over, dtype=a.dtype) * inverse - square_sum * inverse.square()
        # d/dx = 1 + a sin(2ax) / (a + eps)
        return double.mul_((a * inverse).to(x.dtype)).add_(grad), grad_a


class Snake(nn.Module):
    """x + sin^2(a x) / a, with one frequency a per channel: [..., C] -> [..., C]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[..., C] -> [..., C]."""
        if torch.compiler.is_compiling():
            return _snake(x, self.frequency)  # the compiler decides itself what to keep
        return _SnakeFunction.apply(x, self.frequency)


class GRN(nn.Module):
    """Scale and shift of each channel.

    The authors' global response normalisation takes its norm over time and channels alike,
    so its response ratio is 1 and what remains is this affine map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def into(self, linear: nn.Linear, x: Tensor) -> Tensor:
        """Return `linear` of ((1 + gamma) x + beta), folded into one matrix product."""
        weight = linear.weight * (1 + self.gamma)
        bias = nnf.linear(self.beta, linear.weight, linear.bias)
        return nnf.linear(x, weight, bias)


class ConvUnit(nn.Module):
    """Residual ConvNeXt block: depthwise convolution, norm, two pointwise layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = weight_normed(
            nn.Conv1d(width, width, kernel_size=7, padding=3, groups=width)
        )
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.expand = weight_normed(nn.Linear(width, 4 * width))
        self.snake = Snake(4 * width)
        self.grn = GRN(4 * width)
        self.reduce = weight_normed(nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T, C]."""
        y = self.snake(self.expand(self.norm(conv_nlc(self.depthwise, x))))
        return x + self.grn.into(self.reduce, y)


class DownConv(nn.Module):
    """Strided convolution whose kernel is its stride: [B, T, C] -> [B, T / rate, C']."""

    def __init__(self, width_in: int, width_out: int, rate: int) -> None:
        super().__init__()
        self.conv = weight_normed(nn.Conv1d(width_in, width_out, kernel_size=rate, stride=rate))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T / rate, C']; T is a multiple of the rate."""
        rate = self.conv.stride[0]
        weight = self.conv.weight.transpose(1, 2).flatten(1)  # [C', rate * C]
        x = x.reshape(x.shape[0], x.shape[1] // rate, -1)  # [B, T / rate, rate * C]
        return nnf.linear(x, weight, self.conv.bias)


class DownLayer(nn.Module):
    """Strided convolution, then a channel norm."""

    def __init__(self, width_in: int, width_out: int, rate: int) -> None:
        super().__init__()
        self.down = DownConv(width_in, width_out, rate)
        self.norm = nn.LayerNorm(width_out, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T / rate, C']."""
        return self.norm(self.down(x))


class UpLayer(nn.Module):
    """Pointwise convolution, linear upsampling, channel norm."""

    def __init__(self, width_in: int, width_out: int, rate: int) -> None:
        super().__init__()
        self.rate = rate
        self.conv = weight_normed(nn.Conv1d(width_in, width_out, kernel_size=1))
        self.norm = nn.LayerNorm(width_out, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T * rate, C']."""
        return self.norm(upsample_linear(linear_1x1(self.conv, x), self.rate))


class LastUnit(nn.Module):
    """Dilated residual convolutions and a last one to the waveform in [-1, 1]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.residuals = nn.ModuleList(DilatedResidual(width, d) for d in (1, 3, 9))
        self.snake = Snake(width)
        self.conv = weight_normed(nn.Conv1d(width, 1, kernel_size=7, padding=3))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> audio [B, T]."""
        for residual in self.residuals:
            x = residual(x)
        x = self.snake(x)
        # Half precision would put its rounding noise into the waveform, 50 dB below it.
        with full_precision(x):
            return torch.tanh(conv_nlc(self.conv, x.to(self.conv.weight.dtype))[..., 0])


class DilatedResidual(nn.Module):
    """x + conv_1x1(snake(dilated_conv(snake(x)))), [B, T, C] -> [B, T, C]."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.snake1 = Snake(width)
        self.dilated = weight_normed(
            nn.Conv1d(width, width, kernel_size=7, padding=3 * dilation, dilation=dilation)
        )
        self.snake2 = Snake(width)
        self.pointwise = weight_normed(nn.Conv1d(width, width, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.snake2(conv_nlc(self.dilated, self.snake1(x)))
        return x + linear_1x1(self.pointwise, y)
