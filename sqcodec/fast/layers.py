"""The convolutional layers for inference.

On a CPU most of the time goes into memory traffic, so features are cut into tiles of time
that stay in a core's cache from the first operation of a module to the last, and affine maps
are folded into the matrix products beside them:

- weight normalisation, GRN and the affine part of channel norms before a product;
- Snake's frequencies: for u = a x, x + sin^2(a x) / (a + eps) is (u + sin^2(u)) / a, but for
  at most eps x^2 or eps / a^2, which is float32's rounding. a goes into the product before,
  1 / a into the one after, and u + sin^2(u) is left.

Layout: channels-last, [B, T, C]. On a GPU a tile is the whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from sqcodec.layers import (
    EPS,
    ConvUnit,
    DilatedResidual,
    LastUnit,
    Snake,
    UpLayer,
    upsampling_offsets,
)
from sqcodec.tconv import TCONV_KERNELS, TConvUnit

# Floats of a tile's widest feature map per thread: half a megabyte, about what a core's
# second-level cache holds. Half or twice as much is a little slower.
_TILE = 1 << 17
_MIN_ROWS = 64


def tiles(x: Tensor, n_rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the tiles (start, end) of `n_rows` rows of which each widens to B * `width` floats."""
    rows = n_rows
    if x.device.type == "cpu":
        rows = max(_MIN_ROWS, _TILE * torch.get_num_threads() // (x.shape[0] * width))
    for start in range(0, n_rows, rows):
        yield start, min(start + rows, n_rows)


def snake_(u: Tensor) -> Tensor:
    """u + sin^2(u), in place."""
    sine = torch.sin(u)
    return u.addcmul_(sine, sine)


def _double(value: Tensor | None) -> Tensor:
    """A weight or bias, all of which are there, in float64."""
    assert value is not None
    return value.double()


def _scale(snake: Snake) -> Tensor:
    """a, by which what goes into `snake_` is multiplied, and what comes out is divided."""
    frequency = snake.frequency.double()
    # One of nothing leaves x as it is, and so does a very small one.
    return torch.where(frequency.abs() < EPS, EPS, frequency)


def _conv(x: Tensor, weight: Tensor, bias: Tensor, dilation: int = 1, groups: int = 1) -> Tensor:
    """Convolve [B, T, C] without padding: -> [B, T - (K - 1) * dilation, C'].

    Args:
        weight: [C', C / groups, 1, K], channels-last.
    """
    x = x[:, None].permute(0, 3, 1, 2)  # [B, C, 1, T], channels-last in memory
    x = nnf.conv2d(x, weight, bias, dilation=(1, dilation), groups=groups)
    return x.permute(0, 2, 3, 1)[:, 0]  # [B, T', C']


def _slice(x: Tensor, start: int, end: int) -> Tensor:
    """Frames start .. end of [B, T, C], with zeros for those that lie beyond its ends."""
    inside = x[:, max(start, 0) : end]
    missing = (max(-start, 0), max(end - x.shape[1], 0))
    return nnf.pad(inside, (0, 0, *missing)) if any(missing) else inside


class Folded(nn.Module):
    """Keeps folded weights, which move between devices with the module."""

    def keep(
        self, name: str, value: Tensor, like: Tensor, dtype: torch.dtype | None = None
    ) -> None:
        """Register a weight, computed in float64, in the precision of another or the given one."""
        value = value.to(dtype or like.dtype)
        if value.ndim == 3:  # of a convolution, [C', C, K]
            value = value[:, :, None].contiguous(memory_format=torch.channels_last)
        else:
            value = value.contiguous()
        self.register_buffer(name, value, persistent=False)


class Tiled(Folded, ABC):
    """Does its work tile by tile.

    Attributes:
        run_tile: what is done to a tile, as it is or compiled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.run_tile: Callable[[Tensor], Tensor] = self.tile

    def compile_tile(self) -> None:
        """Compile what is done to a tile, for tiles of any length."""
        self.run_tile = torch.compile(self.tile, dynamic=True)

    @abstractmethod
    def tile(self, x: Tensor) -> Tensor:
        """What is done to a tile with its surroundings."""


class FastConvUnit(Tiled):
    """`ConvUnit`, tile by tile.

    Args:
        unit: whose weights are taken.
        dtype: of the two matrix products and what lies between; the unit's own if None.
    """

    depthwise: Tensor
    depthwise_bias: Tensor
    expand: Tensor
    expand_bias: Tensor
    reduce: Tensor
    reduce_bias: Tensor

    def __init__(self, unit: ConvUnit, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        like = unit.expand.weight
        self.reach = int(unit.depthwise.padding[0])
        self.keep("depthwise", unit.depthwise.weight, like)
        self.keep("depthwise_bias", _double(unit.depthwise.bias), like)
        scale = _scale(unit.snake)
        weight, bias = with_norm(unit.expand, unit.norm)
        self.keep("expand", scale[:, None] * weight, like, dtype)
        self.keep("expand_bias", scale * bias, like, dtype)
        weight = unit.reduce.weight.double()
        self.keep("reduce", weight * ((1 + unit.grn.gamma.double()) / scale), like, dtype)
        bias = _double(unit.reduce.bias) + weight @ unit.grn.beta.double()
        self.keep("reduce_bias", bias, like, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T, C]."""
        out = torch.empty_like(x)
        for start, end in tiles(x, x.shape[1], len(self.expand)):
            around = _slice(x, start - self.reach, end + self.reach)
            torch.add(x[:, start:end], self.run_tile(around), out=out[:, start:end])
        return out

    def tile(self, x: Tensor) -> Tensor:
        """What is added to the residual, of a tile with its surroundings."""
        width = x.shape[-1]
        x = _conv(x, self.depthwise, self.depthwise_bias, groups=width)
        x = nnf.layer_norm(x, (width,), eps=EPS)
        x = x.to(self.expand.dtype)
        x = snake_(nnf.linear(x, self.expand, self.expand_bias))  # [B, tile, 4C]
        return nnf.linear(x, self.reduce, self.reduce_bias)


def with_norm(linear: nn.Linear, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
    """Fold a norm's affine part into the linear layer after it: weight and bias, float64."""
    weight = linear.weight.double()
    bias = weight @ norm.bias.double()
    if linear.bias is not None:
        bias = bias + linear.bias
    return weight * norm.weight.double(), bias


class FastUpLayer(nn.Module):
    """`UpLayer`, tile by tile."""

    def __init__(self, up: UpLayer) -> None:
        super().__init__()
        self.rate, self.conv, self.norm = up.rate, up.conv, up.norm

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> [B, T * rate, C']."""
        n_clips, n_frames, _ = x.shape
        rate, width = self.rate, self.conv.out_channels
        x = nnf.linear(x, self.conv.weight[..., 0], self.conv.bias)
        # Beyond the edges the first and the last frame go on.
        around = torch.cat([x[:, :1], x, x[:, -1:]], dim=1)
        out = x.new_empty(n_clips, n_frames * rate, width)
        for start, end in tiles(x, n_frames, rate * width):
            here = x[:, start:end]
            before, after = around[:, start:end], around[:, start + 2 : end + 2]
            up = x.new_empty(n_clips, end - start, rate, width)
            for phase, offset in enumerate(upsampling_offsets(rate)):
                other = before if offset < 0 else after
                torch.lerp(here, other, abs(offset), out=up[:, :, phase])
            out[:, start * rate : end * rate] = self.norm(up).flatten(1, 2)
        return out


class FastLastUnit(Tiled):
    """`LastUnit`, tile by tile."""

    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, unit: LastUnit) -> None:
        super().__init__()
        residuals = [r for r in unit.residuals if isinstance(r, DilatedResidual)]
        fast = [FastDilatedResidual(residual) for residual in residuals]
        self.residuals = nn.ModuleList(fast)
        like = unit.conv.weight
        scale = _scale(unit.snake)
        self.keep("scale", scale, like)
        self.keep("weight", like / scale[:, None], like)
        self.keep("bias", _double(unit.conv.bias), like)
        self.padding = int(unit.conv.padding[0])
        self.reach = self.padding + sum(residual.reach for residual in fast)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] -> audio [B, T]."""
        n_clips, n_samples, width = x.shape
        out = x.new_empty(n_clips, n_samples)
        for start, end in tiles(x, n_samples, width):
            # Convolutions fill up with zeros at the true ends; at other cuts that is cut off.
            first = max(start - self.reach, 0)
            audio = self.run_tile(x[:, first : end + self.reach])
            out[:, start:end] = audio[:, start - first : end - first]
        return out

    def tile(self, x: Tensor) -> Tensor:
        """[B, T, C] -> audio [B, T]."""
        for residual in self.residuals:
            x = residual(x)
        x = snake_(x * self.scale)
        x = _slice(x, -self.padding, x.shape[1] + self.padding)
        return torch.tanh(_conv(x, self.weight, self.bias)[..., 0])


class FastDilatedResidual(Folded):
    """`DilatedResidual`, [B, T, C] -> [B, T, C]."""

    scale: Tensor
    dilated: Tensor
    dilated_bias: Tensor
    pointwise: Tensor
    pointwise_bias: Tensor

    def __init__(self, residual: DilatedResidual) -> None:
        super().__init__()
        conv = residual.dilated
        like = conv.weight
        self.dilation, self.reach = int(conv.dilation[0]), int(conv.padding[0])
        before, between = _scale(residual.snake1), _scale(residual.snake2)
        self.keep("scale", before, like)
        self.keep("dilated", conv.weight * between[:, None, None] / before[:, None], like)
        self.keep("dilated_bias", _double(conv.bias) * between, like)
        self.keep("pointwise", residual.pointwise.weight[..., 0] / between, like)
        self.keep("pointwise_bias", _double(residual.pointwise.bias), like)

    def forward(self, x: Tensor) -> Tensor:
        y = snake_(x * self.scale)
        y = _slice(y, -self.reach, y.shape[1] + self.reach)
        y = snake_(_conv(y, self.dilated, self.dilated_bias, dilation=self.dilation))
        return nnf.linear(y, self.pointwise, self.pointwise_bias).add_(x)


class FastTConvUnit(Folded):
    """`TConvUnit`, tile by tile, the branches' convolutions and the layer after them being one."""

    branches: Tensor
    branches_bias: Tensor
    merge: Tensor
    merge_bias: Tensor
    merge_audio: Tensor

    def __init__(self, unit: TConvUnit) -> None:
        super().__init__()
        like = unit.expand.weight
        n_branches = len(TCONV_KERNELS)
        self.reach = int(unit.branches.padding[0])
        expand = unit.expand.weight[..., 0].double()  # [80, 20]
        kernels = unit.branches.weight[:, 0].double()  # [20, 7]
        pairs = zip(expand.chunk(n_branches, 1), kernels.chunk(n_branches), strict=True)
        per_branch = [pointwise @ kernel for pointwise, kernel in pairs]  # each [80, 7]
        self.keep("branches", torch.cat(per_branch, 1).T, like)  # [35, 80]
        bias = _double(unit.expand.bias) + expand @ _double(unit.branches.bias)
        self.keep("branches_bias", bias, like)
        merge = unit.merge.weight[..., 0]
        self.keep("merge", merge[:, :-1], like)
        self.keep("merge_audio", merge[:, -1], like)
        self.keep("merge_bias", _double(unit.merge.bias), like)

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> [B, T, C]."""
        n_clips, n_samples = audio.shape
        n_taps, inner = self.branches.shape
        kernel = 2 * self.reach + 1
        trends = torch.stack([trend(audio, k) for k in TCONV_KERNELS], dim=1)  # [B, 5, T]
        trends = nnf.pad(trends, (self.reach, self.reach))
        out = audio.new_empty(n_clips, n_samples, len(self.merge))
        for start, end in tiles(audio, n_samples, inner + n_taps):
            taps = [trends[:, :, start + k : end + k] for k in range(kernel)]
            x = torch.stack(taps, dim=2).flatten(1, 2).transpose(1, 2)  # [B, tile, 5 * 7]
            x = nnf.gelu(x @ self.branches + self.branches_bias)
            x = nnf.linear(x, self.merge, self.merge_bias)
            here = audio[:, start:end, None]
            torch.addcmul(x, here, self.merge_audio, out=out[:, start:end])
        return out


def trend(audio: Tensor, kernel: int) -> Tensor:
    """`sqcodec.tconv.tpooling`, and the audio itself for a kernel of 1: [B, T] -> [B, T]."""
    if kernel == 1:
        return audio
    reach = kernel // 2
    peaks = nnf.max_pool1d(audio.abs(), kernel, stride=1, padding=reach)
    return moving_sum(nnf.pad(peaks, (reach, reach)), kernel) / kernel


def moving_sum(x: Tensor, kernel: int) -> Tensor:
    """Sums of `kernel` neighbours, [B, T] -> [B, T - kernel + 1], from sums of 1, 2, 4, 8 ..."""
    n_sums = x.shape[1] - kernel + 1
    total = x.new_zeros(x.shape[0], n_sums)
    done, size = 0, 1
    while True:
        if kernel & size:
            total += x[:, done : done + n_sums]
            done += size
        if done == kernel:
            return total
        x = x[:, :-size] + x[:, size:]  # sums of twice as many
        size *= 2
