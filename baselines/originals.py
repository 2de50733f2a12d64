"""Checkpoints of the original packages, `encodec` and `descript-audio-codec`, for transformers.

A file of theirs in the folder of local weights (``.th``, ``.pth``) is taken before the hub's. It
is read without running its code, its weights are renamed, and every one must fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines.pretrained import check_finite
from baselines.weights import checked_sha256
from bench.codec import CodecUnavailableError

Rename = Callable[[Mapping[str, torch.Tensor]], dict[str, torch.Tensor]]

_SUFFIXES = (".th", ".pth")
_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8})$")  # as torch's hub names what it downloads

_ENCODEC = (
    (r"^(encoder|decoder)\.model\.", r"\1.layers."),
    (r"\.(conv|convtr)\.\1\.", ".conv."),
    (r"\.weight_g$", ".parametrizations.weight.original0"),
    (r"\.weight_v$", ".parametrizations.weight.original1"),
    (r"^quantizer\.vq\.layers\.(\d+)\._codebook\.", r"quantizer.layers.\1.codebook."),
)
_DAC_UNIT = {"0": "snake1", "1": "conv1", "2": "snake2", "3": "conv2"}
_DAC_BLOCK = {  # number -> name; residual units by the number of the first
    "encoder": ({"3": "snake1", "4": "conv1"}, 0),
    "decoder": ({"0": "snake1", "1": "conv_t1"}, 2),
}
_DAC_ENDS = {"0": "conv1", "5": "snake1", "6": "conv2"}
_DAC_NAME = re.compile(
    r"(encoder|decoder)\.(?:block|model)\.(\d)(?:\.block\.(\d))?(?:\.block\.(\d))?\.(\w+)"
)


def original_in(folder: Path) -> Path | None:
    """The original checkpoint in a folder, if there is one."""
    if not folder.is_dir():
        return None
    found = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
    return found[0] if found else None


def load_original(network: nn.Module, file: Path, rename: Rename) -> None:
    """Fill a network of transformers with the weights of an original checkpoint.

    Args:
        network: of the right sizes.
        file: the checkpoint.
        rename: `encodec_weights` or `dac_weights`.

    Raises:
        CodecUnavailableError: it cannot be read, is damaged, or is of another model.
    """
    stated = _HASH_IN_NAME.search(file.stem)
    if stated and not checked_sha256(file).startswith(stated[1]):
        raise CodecUnavailableError(f"{file} is damaged: its SHA-256 does not begin as its name")
    try:
        loaded: Any = torch.load(file, map_location="cpu", weights_only=True)
        network.load_state_dict(rename(loaded.get("state_dict", loaded)))
    except Exception as error:  # a file that is no such checkpoint fails in many ways
        why = " ".join(str(error).split())[:200]
        raise CodecUnavailableError(f"{file} is no checkpoint of this model: {why}") from error
    check_finite(network, file)


def encodec_weights(published: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """EnCodec's weights by the names of transformers."""
    state = {}
    for name, value in published.items():
        for pattern, replacement in _ENCODEC:
            name = re.sub(pattern, replacement, name)
        state[name] = value
    return state


def dac_weights(published: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """DAC's weights by the names of transformers, with weight norm multiplied out."""
    state = {}
    for name, value in published.items():
        if name.endswith(".weight_v"):
            continue
        if name.endswith(".weight_g"):
            direction = published[name.removesuffix("_g") + "_v"]
            value = direction * (value / direction.norm(dim=(1, 2), keepdim=True))
            name = name.removesuffix("_g")
        state[_dac_name(name)] = value
    return state


def _dac_name(name: str) -> str:
    """`encoder.block.1.block.0.block.3.bias` -> `encoder.block.0.res_unit1.conv2.bias`."""
    match = _DAC_NAME.fullmatch(name)
    if match is None:  # of the quantizer, whose names are the same
        return name
    side, number, inner, unit, kind = match.groups()
    if inner is None:
        return f"{side}.{_DAC_ENDS[number]}.{kind}"
    ends, first_unit = _DAC_BLOCK[side]
    block = f"{side}.block.{int(number) - 1}"
    if unit is None:
        return f"{block}.{ends[inner]}.{kind}"
    return f"{block}.res_unit{int(inner) - first_unit + 1}.{_DAC_UNIT[unit]}.{kind}"
