"""The blocks of a network along the signal's path: names, shapes, parameters.

Read off the instantiated network, so that a drawing made of it cannot drift from the code:
blocks come from the modules, shapes from a pass of one second without numbers (PyTorch's
device "meta"). Shapes are [T, C], samples or frames and channels; the parameters sum to the
network's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from sqcodec.layers import ConvUnit, DilatedResidual, DownConv, DownLayer, LastUnit, UpLayer
from sqcodec.local_transformer import HEAD_WIDTH, N_HEADS, LocalTransformer
from sqcodec.model import PlainFirst, SQCodecNetwork
from sqcodec.presets import SQCodecConfig
from sqcodec.quantizer import FSQ
from sqcodec.tconv import TCONV_KERNELS, TECONV_KERNELS, TConvUnit, TEConvGate


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        part: encoder, quantizer or decoder.
        name: of the module, or of the modules' common parent.
        kind: as the paper calls it.
        detail: what sets it apart from others of its kind; "" where nothing does.
        repeats: how many of them follow each other.
        shape_in, shape_out: [T, C].
        n_parameters: of all repeats.
    """

    part: str
    name: str
    kind: str
    detail: str
    repeats: int
    shape_in: tuple[int, int]
    shape_out: tuple[int, int]
    n_parameters: int


@dataclass(frozen=True)
class Diagram:
    """A network, and the signal that the shapes are of."""

    preset: str
    sample_rate: int
    n_samples: int
    hop_length: int
    fsq_levels: tuple[int, ...]
    codebook_size: int
    bitrate_bps: float
    n_parameters: int
    blocks: tuple[Block, ...]


def diagram(config: SQCodecConfig) -> Diagram:
    """Describe the network of a configuration on one second, rounded up to whole codes."""
    with torch.device("meta"):
        network = SQCodecNetwork(config).eval()
    n_samples = math.ceil(config.sample_rate / config.hop_length) * config.hop_length
    modules = [*_encoder(network), ("quantizer", "quantizer", network.quantizer)]
    modules += _decoder(network)
    shapes = _shapes(network, n_samples)
    return Diagram(
        preset=config.name,
        sample_rate=config.sample_rate,
        n_samples=n_samples,
        hop_length=config.hop_length,
        fsq_levels=config.fsq_levels,
        codebook_size=config.codebook_size,
        bitrate_bps=config.bitrate_bps,
        n_parameters=network.n_parameters(),
        blocks=tuple(_merged(_blocks(modules, shapes, n_samples))),
    )


_Named = tuple[str, str, nn.Module]


def _encoder(network: SQCodecNetwork) -> list[_Named]:
    encoder = network.encoder
    found: list[tuple[str, nn.Module]] = [("first", encoder.first)]
    for i, stage in enumerate(encoder.stages):
        found += [(f"stages.{i}", module) for module in stage.children()]
    found += [("last_units", module) for module in encoder.last_units]
    found.append(("project", encoder.project))
    if encoder.outer is not None:
        found += [("outer", encoder.outer), ("down", encoder.down)]
    return [("encoder", *named) for named in [*found, ("inner", encoder.inner)]]


def _decoder(network: SQCodecNetwork) -> list[_Named]:
    decoder = network.decoder
    found: list[tuple[str, nn.Module]] = [("inner", decoder.inner)]
    if decoder.outer is not None:
        found.append(("outer", decoder.outer))
    found.append(("project", decoder.project))
    for i, stage in enumerate(decoder.stages):
        found += [(f"stages.{i}", module) for module in stage.children()]
    return [("decoder", *named) for named in [*found, ("last", decoder.last)]]


def _shapes(network: SQCodecNetwork, n_samples: int) -> dict[nn.Module, list[tuple[int, int]]]:
    """[T, C] before and after every module that is called as one."""
    shapes: dict[nn.Module, list[tuple[int, int]]] = {}

    def keep(module: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        if given and isinstance(given[0], torch.Tensor) and isinstance(result, torch.Tensor):
            shapes[module] = [_shape(given[0]), _shape(result)]

    hooks = [module.register_forward_hook(keep) for module in network.modules()]
    with torch.inference_mode():
        network(torch.empty(1, n_samples, device="meta"))
    for hook in hooks:
        hook.remove()
    return shapes


def _shape(x: torch.Tensor) -> tuple[int, int]:
    """[T, C] of [1, T] or [1, T, C]."""
    return x.shape[1], x.shape[2] if x.ndim == 3 else 1


def _blocks(
    modules: Iterable[_Named],
    shapes: dict[nn.Module, list[tuple[int, int]]],
    n_samples: int,
) -> list[Block]:
    """A block a module; one whose weights alone are used has the shapes of its neighbours."""
    blocks: list[Block] = []
    following = [module for _, _, module in modules][1:]
    before = (n_samples, 1)
    for (part, name, module), after in zip(modules, [*following, None], strict=True):
        if module in shapes:
            given, result = shapes[module]
        else:
            assert after is not None
            given, result = before, shapes[after][0]
        if given != before:  # between two transformers; it has no weights
            rate = given[0] // before[0]
            detail = f"linear, rate {rate}"
            blocks.append(Block(part, "upsample", "Upsampling", detail, 1, before, given, 0))
        kind, detail = _kind(module)
        n_parameters = sum(p.numel() for p in module.parameters())
        blocks.append(Block(part, name, kind, detail, 1, given, result, n_parameters))
        before = result
    return blocks


def _merged(blocks: list[Block]) -> list[Block]:
    """Blocks that repeat the one before them are one."""
    merged = blocks[:1]
    for previous, block in pairwise(blocks):
        if (block.name, block.kind, block.detail) != (
            previous.name,
            previous.kind,
            previous.detail,
        ):
            merged.append(block)
            continue
        last = merged[-1]
        merged[-1] = Block(
            last.part,
            last.name,
            last.kind,
            last.detail,
            last.repeats + 1,
            last.shape_in,
            block.shape_out,
            last.n_parameters + block.n_parameters,
        )
    return merged


def _kind(module: nn.Module) -> tuple[str, str]:
    match module:
        case TConvUnit():
            return "TConv unit", f"TPooling, K = {_listed(TCONV_KERNELS[1:])}"
        case TEConvGate():
            return "TEConv gate", f"TPooling, K = {_listed(TECONV_KERNELS[1:])}"
        case PlainFirst():
            return "Convolution", f"kernel {module.conv.kernel_size[0]}"
        case ConvUnit():
            return "Conv unit", ""
        case DownLayer():
            return "Down layer", f"stride {module.down.conv.stride[0]}"
        case DownConv():
            return "Down-sampling", f"stride {module.conv.stride[0]}"
        case UpLayer():
            return "Up layer", f"rate {module.rate}"
        case LocalTransformer():
            layers = f"{module.config.depth} layers, window {module.config.window}"
            return "Local transformer", f"{layers}, {N_HEADS} heads of {HEAD_WIDTH}"
        case FSQ():
            return "FSQ", f"{module.project_in.out_features} dimensions"
        case LastUnit():
            dilations = [
                r.dilated.dilation[0] for r in module.residuals if isinstance(r, DilatedResidual)
            ]
            return "Last unit", f"dilations {_listed(dilations)}"
        case nn.Conv1d():
            return "Convolution", f"kernel {module.kernel_size[0]}"
    raise TypeError(f"no kind of block for {type(module).__name__}")


def _listed(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)
