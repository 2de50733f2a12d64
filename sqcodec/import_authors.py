"""Import of the checkpoints that the paper's authors publish.

Each of their presets is a folder of five state dicts, `encoder.pt`, `quantizer.pt`,
`decoder.pt`, `en_encoder.pt` and `en_decoder.pt`, whose keys name the modules of their
package. This module knows which key of theirs is which parameter of ours, for any
configuration, and copies; nothing is executed (`weights_only=True`).
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import SQCodecConfig
from sqcodec.tconv import TCONV_KERNELS, TECONV_KERNELS

AUTHORS_FILES = ("encoder", "quantizer", "decoder", "en_encoder", "en_decoder")

# In the state dicts of the presets with an extra down-sampling step; of shape [1, 0, 256].
_UNUSED = {"en_encoder.cache_token"}

_CONV_UNIT = {
    "depthwise": "dw_conv",
    "norm": "norm",
    "expand": "pw_conv1",
    "snake.frequency": "act.alpha",
    "grn": "grn",
    "reduce": "pw_conv2",
}
_RESIDUAL = {
    "snake1.frequency": "block.0.alpha",
    "dilated": "block.1",
    "snake2.frequency": "block.2.alpha",
    "pointwise": "block.3",
}


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or is not one of the network asked for."""


def _conv_units(ours: str, theirs: str, depth: int) -> Iterator[tuple[str, str]]:
    for j in range(depth):
        for our_part, their_part in _CONV_UNIT.items():
            yield f"{ours}.{j}.{our_part}", f"{theirs}.{j}.module.{their_part}"


def _transformer(ours: str, theirs: str, depth: int) -> Iterator[tuple[str, str]]:
    yield f"{ours}.position_bias", f"{theirs}.dynamic_pos_bias"
    for j in range(depth):
        yield f"{ours}.layers.{j}.attention", f"{theirs}.layers.{j}.0"
        yield f"{ours}.layers.{j}.feed_forward.norm", f"{theirs}.layers.{j}.1.0"
        yield f"{ours}.layers.{j}.feed_forward.expand", f"{theirs}.layers.{j}.1.1"
        yield f"{ours}.layers.{j}.feed_forward.reduce", f"{theirs}.layers.{j}.1.4"


def _prefixes(config: SQCodecConfig) -> Iterator[tuple[str, str]]:
    """Pair the name of each of our modules with theirs (file name first)."""
    yield "encoder.first.expand", "encoder.blocks.0.conv_1"
    yield "encoder.first.merge", "encoder.blocks.0.conv_2"
    n_stages = len(config.encoder_rates)
    for i in range(n_stages):
        depth = config.encoder_depths[i]
        yield from _conv_units(f"encoder.stages.{i}", f"encoder.blocks.{2 * i + 1}", depth)
        yield f"encoder.stages.{i}.{depth}.down.conv", f"encoder.blocks.{2 * i + 2}.0"
        yield f"encoder.stages.{i}.{depth}.norm", f"encoder.blocks.{2 * i + 2}.1"
    block = 2 * n_stages + 1
    yield from _conv_units(
        "encoder.last_units", f"encoder.blocks.{block}", config.encoder_depths[-1]
    )
    yield "encoder.project", f"encoder.blocks.{block + 1}"

    for ours in ("encoder", "decoder"):
        yield from _transformer(f"{ours}.inner", f"en_{ours}.local_trans", config.inner.depth)
    if config.outer is not None:
        depth = config.outer.depth
        yield from _transformer("encoder.outer", "en_encoder.down_trans.trans", depth)
        yield "encoder.down.conv", "en_encoder.down_trans.down_layer"
        yield from _transformer("decoder.outer", "en_decoder.up_trans.trans", depth)

    yield "quantizer", "quantizer"

    yield "decoder.project", "decoder.blocks.0"
    n_stages = len(config.decoder_rates)
    for i in range(n_stages):
        depth = config.decoder_depths[i]
        stage, block = f"decoder.stages.{i}", 3 * i + 1
        yield from _conv_units(stage, f"decoder.blocks.{block}", depth)
        gate, theirs = f"{stage}.{depth}", f"decoder.blocks.{block + 1}"
        for k in range(len(TECONV_KERNELS)):
            yield f"{gate}.branches.{k}", f"{theirs}.blocks.{k}.1"
        yield f"{gate}.norm", f"{theirs}.merge_layer.0"
        yield f"{gate}.merge", f"{theirs}.merge_layer.1"
        yield f"{stage}.{depth + 1}.conv", f"decoder.blocks.{block + 2}.0"
        yield f"{stage}.{depth + 1}.norm", f"decoder.blocks.{block + 2}.2"
    last = f"decoder.blocks.{3 * n_stages + 1}.block"
    for k in range(3):
        for our_part, their_part in _RESIDUAL.items():
            yield f"decoder.last.residuals.{k}.{our_part}", f"{last}.0.{k}.module.{their_part}"
    yield "decoder.last.snake.frequency", f"{last}.1.alpha"
    yield "decoder.last.conv", f"{last}.2"


def convert(theirs: dict[str, Tensor], config: SQCodecConfig) -> dict[str, Tensor]:
    """Turn the authors' five state dicts into one of `SQCodecNetwork(config)`.

    Args:
        theirs: their parameters, each key led by its file's name, as `encoder.blocks.0...`.
        config: the preset they belong to.

    Raises:
        CheckpointError: a parameter is missing, left over or of another shape.
    """
    with torch.device("meta"):
        expected = SQCodecNetwork(config).state_dict()
    theirs = {key: value for key, value in theirs.items() if key not in _UNUSED}
    our_prefixes = dict(_prefixes(config))
    converted: dict[str, Tensor] = {}
    missing: list[str] = []
    for key, like in expected.items():
        if key.startswith("encoder.first.branches."):
            part = key.removeprefix("encoder.first.branches.")
            sources = [f"encoder.blocks.0.blocks.{k}.1.{part}" for k in range(len(TCONV_KERNELS))]
        else:
            prefix = next(p for p in _parents(key) if p in our_prefixes)
            sources = [our_prefixes[prefix] + key.removeprefix(prefix)]
        absent = [source for source in sources if source not in theirs]
        if absent:
            missing += absent
            continue
        value = torch.cat([theirs.pop(source) for source in sources])
        if value.numel() != like.numel():
            raise CheckpointError(
                f"not a checkpoint of {config.name}: {sources[0]} has shape {tuple(value.shape)}, "
                f"expected {tuple(like.shape)}"
            )
        converted[key] = value.reshape(like.shape).contiguous()
    if missing:
        raise CheckpointError(
            f"not a checkpoint of {config.name}: {len(missing)} parameters are missing, "
            f"{missing[0]} among them"
        )
    if theirs:
        raise CheckpointError(
            f"not a checkpoint of {config.name}: {len(theirs)} parameters are left over, "
            f"{next(iter(theirs))} among them"
        )
    return converted


def _parents(key: str) -> Iterator[str]:
    """Yield the key and each of its leading paths, longest first."""
    parts = key.split(".")
    for n in range(len(parts), 0, -1):
        yield ".".join(parts[:n])


def read_authors_folder(folder: Path, config: SQCodecConfig) -> dict[str, Tensor]:
    """Read the five `.pt` files of a folder and convert them; see `convert`.

    Raises:
        CheckpointError: a file is missing, unreadable or of another preset.
    """
    theirs: dict[str, Tensor] = {}
    for name in AUTHORS_FILES:
        path = folder / f"{name}.pt"
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise CheckpointError(f"{path} is missing; the authors publish five files") from None
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
            first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(f"{path} cannot be read: {first_line}") from error
        if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
            raise CheckpointError(f"{path} is not a state dict")
        theirs |= {f"{name}.{key}": value for key, value in state.items()}
    return convert(theirs, config)
