"""The network, fed piece by piece: the same as all at once.

Encoder and decoder become chains of steps. A step takes the next frames and returns those of
its own that they settle:

- convolutions, poolings and interpolations look a few frames around. They run on each piece
  together with that much of its neighbours, and what is wrong at the cuts is cut off. At the
  true ends of a clip the module itself fills up, as it does with a whole clip;
- transformers look back only and keep keys and values (`sqcodec.transformer_state`);
- TEConv gates normalise by statistics of the whole clip, which are given, or estimated from
  what came so far.

How far a module looks is read off the network, so it follows from the configuration alone.

Letters: B batch, T samples, F frames, C channels. Pieces are [B, any number of frames, C];
None is a piece of no frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import torch
from torch import Tensor, nn

from sqcodec.layers import UpLayer, conv_nlc, upsample_linear
from sqcodec.model import SQCodecNetwork
from sqcodec.moments import Moments, running
from sqcodec.presets import SQCodecConfig
from sqcodec.tconv import TCONV_KERNELS, TECONV_KERNELS, TConvUnit, TEConvGate
from sqcodec.transformer_state import TransformerState

Step = Callable[[Tensor | None, bool], Tensor | None]
"""Takes the next piece, and whether it is the last one."""

# Linear interpolation looks at the frame before and the one after.
_UPSAMPLING_REACH = 1


def reach(module: nn.Module) -> int:
    """Return how many frames a module looks ahead, and as many back, at its input's rate."""
    if isinstance(module, TConvUnit):
        # Two poolings, one after the other, then a convolution.
        return 2 * (max(TCONV_KERNELS) // 2) + reach(module.branches)
    if isinstance(module, TEConvGate):
        branches = zip(TECONV_KERNELS, module.branches, strict=True)
        return max(2 * (kernel // 2) + reach(branch) for kernel, branch in branches)
    if isinstance(module, UpLayer):
        return _UPSAMPLING_REACH
    # Convolutions in a row, each with as much padding as it looks around.
    return sum(int(m.padding[0]) for m in module.modules() if isinstance(m, nn.Conv1d))


@lru_cache(maxsize=32)
def shape_of(config: SQCodecConfig) -> SQCodecNetwork:
    """Return the network of a configuration without values, to read its layers off."""
    with torch.device("meta"):
        return SQCodecNetwork(config)


class Local:
    """A module that looks `reach` frames around and changes the frame rate by up / down.

    Attributes:
        reach, up, down: as given.
    """

    def __init__(
        self, module: Callable[[Tensor], Tensor], reach: int = 0, *, up: int = 1, down: int = 1
    ) -> None:
        self.reach, self.up, self.down = reach, up, down
        self._module = module
        self._held: Tensor | None = None  # frames that are needed again
        self._settled = 0  # of these, the frames that are only looked back at

    def __call__(self, x: Tensor | None, last: bool) -> Tensor | None:
        """Take the next frames; return those that are settled."""
        pieces = [piece for piece in (self._held, x) if piece is not None]
        if not pieces:
            return None
        x = torch.cat(pieces, dim=1)
        n_frames = x.shape[1]
        ready = n_frames if last else (n_frames - self.reach) // self.down * self.down
        if ready <= self._settled:
            self._held = x
            return None
        y = self._module(x if last else x[:, : ready + self.reach])
        y = y[:, self._settled * self.up // self.down : ready * self.up // self.down]
        first = max(0, ready - self.reach)
        self._held = x[:, first:].clone()  # frees the rest
        self._settled = ready - first
        return y


class Gate:
    """A TEConv gate that normalises by given statistics, or by those of what came so far.

    Attributes:
        gate, reach: as given.
        moments: the given ones, or those of all frames so far; None before the first.
    """

    up = down = 1

    def __init__(self, gate: TEConvGate, reach: int, moments: Moments | None = None) -> None:
        self.gate, self.reach, self.moments = gate, reach, moments
        self._is_given = moments is not None
        self._local = Local(self._with_envelopes, reach)

    def __call__(self, x: Tensor | None, last: bool) -> Tensor | None:
        """Take the next frames; return those that are settled."""
        both = self._local(x, last)
        if both is None:
            return None
        n_envelopes = len(TECONV_KERNELS)
        y, x = both[..., :n_envelopes], both[..., n_envelopes:]
        if self._is_given and self.moments is not None:
            mean, variance = self.moments.mean[:, None], self.moments.variance[:, None]
        else:
            mean, variance, self.moments = running(y, self.moments)
        return self.gate.with_statistics(x, y, mean, variance)

    def _with_envelopes(self, x: Tensor) -> Tensor:
        return torch.cat([self.gate.envelopes(x).transpose(1, 2), x], dim=-1)  # [B, F, 4 + C]


class Collect:
    """Stands at the end of a chain for a gate, for its statistics alone.

    Attributes:
        moments: of all frames so far; None before the first.
    """

    def __init__(self, gate: Gate) -> None:
        self._local = Local(lambda x: gate.gate.envelopes(x).transpose(1, 2), gate.reach)
        self.moments: Moments | None = None

    def __call__(self, x: Tensor | None, last: bool) -> None:
        """Take the next frames; return nothing."""
        y = self._local(x, last)
        if y is not None:
            moments = Moments.of(y)
            self.moments = moments if self.moments is None else self.moments + moments


def run(steps: Sequence[Step], x: Tensor | None, last: bool) -> Tensor | None:
    """Send a piece through a chain."""
    for step in steps:
        x = step(x, last)
        if x is None and not last:
            return None
    return x


def look_ahead(steps: Sequence[Step], frame: int) -> int:
    """Return the samples beyond a frame's end that a chain waits for before it settles it.

    Args:
        steps: the chain.
        frame: samples of a frame that goes in.
    """
    samples = 0
    for step in steps:
        if isinstance(step, Local | Gate):
            samples += step.reach * frame
            frame = frame * step.down // step.up
    return samples


def encoder_steps(network: SQCodecNetwork) -> list[Step]:
    """Return the chain from audio [B, T] to codes, int64 [B, F]; T in all a multiple of the hop."""
    config, encoder = network.config, network.encoder
    shape = shape_of(config).encoder
    steps: list[Step] = [Local(encoder.first, reach(shape.first))]
    for stage, stage_shape, rate in zip(
        encoder.stages, shape.stages, config.encoder_rates, strict=True
    ):
        *units, down = zip(_modules(stage), _modules(stage_shape), strict=True)
        steps += [Local(unit, reach(unit_shape)) for unit, unit_shape in units]
        steps.append(Local(down[0], down=rate))
    for unit, unit_shape in zip(encoder.last_units, shape.last_units, strict=True):
        steps.append(Local(unit, reach(unit_shape)))
    steps.append(Local(partial(conv_nlc, encoder.project), reach(shape.project)))
    if encoder.outer is not None:
        steps.append(TransformerState(encoder.outer))
        steps.append(Local(encoder.down, down=config.extra_rate))
    steps.append(TransformerState(encoder.inner))
    steps.append(Local(network.quantizer.encode))
    return steps


def decoder_steps(network: SQCodecNetwork, given: Sequence[Moments] = ()) -> list[Step]:
    """Return the chain from codes, int64 [B, F], to audio [B, F * hop].

    Args:
        network: whose decoder it is.
        given: statistics of the first gates; the others use those of what came so far.
    """
    config, decoder = network.config, network.decoder
    shape = shape_of(config).decoder
    steps: list[Step] = [Local(network.quantizer.decode), TransformerState(decoder.inner)]
    if decoder.outer is not None:
        rate = config.extra_rate
        steps.append(Local(partial(upsample_linear, rate=rate), _UPSAMPLING_REACH, up=rate))
        steps.append(TransformerState(decoder.outer))
    steps.append(Local(partial(conv_nlc, decoder.project), reach(shape.project)))
    waiting = list(given)
    for stage, stage_shape, rate in zip(
        decoder.stages, shape.stages, config.decoder_rates, strict=True
    ):
        for module, module_shape in zip(_modules(stage), _modules(stage_shape), strict=True):
            around = reach(module_shape)
            if isinstance(module, TEConvGate):
                steps.append(Gate(module, around, waiting.pop(0) if waiting else None))
            else:
                up = rate if isinstance(module_shape, UpLayer) else 1
                steps.append(Local(module, around, up=up))
    steps.append(Local(decoder.last, reach(shape.last)))
    return steps


def _modules(stage: nn.Module) -> list[nn.Module]:
    return list(stage.children())
