"""The published checkpoint, read without running any of its code and converted once.

A ``.ckpt`` is a pickle of the training run: under ``state_dict`` are the weights that are used,
an unused decoder, and what training needed besides (discriminators, averages of the codebook).
`convert` takes what the network needs, with weight norm multiplied out, to a safetensors file
whose metadata says what it was made of. Models of one shape cannot be told apart by their
weights (a wrong one decodes to babble), so the hash of the source goes along.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from baselines.wavtokenizer.network import WavTokenizer, WavTokenizerConfig

FORMAT = "wavtokenizer-weights/1"

_ENCODER = "feature_extractor.encodec.encoder.model."
_CODEBOOK = "feature_extractor.encodec.quantizer.vq.layers.0._codebook.embed"
_SAME_NAMES = ("backbone.", "head.out.")
_NORM_TABLE = re.compile(r"(\.?norm\.(?:scale|shift))\.weight$")
_NORM_SCALE, _NORM_DIRECTION = ".weight_g", ".weight_v"


class CheckpointError(ValueError):
    """A file that is no checkpoint of this model; says why in a line."""


def convert(source: Path, out: Path, config: WavTokenizerConfig, source_sha256: str) -> None:
    """Turn a published ``.ckpt`` into our weights file, written whole or not at all.

    Args:
        source: the checkpoint.
        out: the file to write.
        config: what the network's sizes must be.
        source_sha256: the checkpoint's hash, which is written along.

    Raises:
        CheckpointError: it cannot be read, or is of another model.
        OSError: the file cannot be written.
    """
    try:
        checkpoint = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
        published = checkpoint["state_dict"]
    except Exception as error:  # a file that is no such pickle fails in many ways
        why = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{source} cannot be read as a checkpoint: {why}") from error
    state = renamed(published)
    _network(state, config, source)  # refuses what does not fit
    metadata = {"format": FORMAT, "source": source.name, "source_sha256": source_sha256}
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file(state, temporary, metadata=metadata)
        temporary.replace(out)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(file: Path, config: WavTokenizerConfig) -> tuple[WavTokenizer, str]:
    """Read a converted file: the network, and the SHA-256 of the checkpoint it was made of.

    Raises:
        CheckpointError: it cannot be read, or is of another model.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata() or {}
            names = opened.keys()  # the file is no mapping: it cannot be iterated itself
            state = {name: opened.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} cannot be read as safetensors: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{file} is no converted checkpoint: expected format {FORMAT!r}, "
            f"got {metadata.get('format')!r}"
        )
    return _network(state, config, file), metadata["source_sha256"]


def renamed(published: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The published weights that the network uses, by its own names."""
    state = {}
    for name, value in published.items():
        value = value.float()
        if name == _CODEBOOK:
            state["codebook"] = value.clone()
        elif name.startswith(_SAME_NAMES):
            state[_NORM_TABLE.sub(r"\1", name)] = value.clone()
        elif name.startswith(_ENCODER):
            # "3.conv.conv.bias", "1.block.1.conv.conv.bias", "13.lstm.bias_ih_l0"
            ours = "encoder.layers." + name.removeprefix(_ENCODER).replace(".conv.conv.", ".")
            if ours.endswith(_NORM_SCALE):
                direction = published[name.removesuffix(_NORM_SCALE) + _NORM_DIRECTION].float()
                length = direction.norm(dim=(1, 2), keepdim=True)
                state[ours.removesuffix(_NORM_SCALE) + ".weight"] = direction * (value / length)
            elif not ours.endswith(_NORM_DIRECTION):
                state[ours] = value.clone()
    return state


def _network(
    state: dict[str, torch.Tensor], config: WavTokenizerConfig, origin: Path
) -> WavTokenizer:
    """The network with these weights, if they are its own."""
    with torch.device("meta"):
        network = WavTokenizer(config)
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    wrong = sorted(
        name
        for name in shapes.keys() | state.keys()
        if name not in shapes or name not in state or list(state[name].shape) != shapes[name]
    )
    if wrong:
        name = wrong[0]
        found = list(state[name].shape) if name in state else "nothing"
        raise CheckpointError(
            f"{origin} is of another model: {len(wrong)} weights do not fit, such as {name}: "
            f"expected {shapes.get(name, 'nothing')}, got {found}"
        )
    for name, value in state.items():
        if not value.isfinite().all():
            raise CheckpointError(f"{origin} holds values that are not finite, in {name}")
    network.load_state_dict(state, assign=True)
    return network
