"""The codec in ONNX Runtime, for `benchmarks.inference`: the graphs of `sqcodec export`.

Tracing takes tens of seconds, so the benchmark's processes, one after another, share the graphs
through the folder that `FOLDER_VARIABLE` names, if it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from sqcodec.export import trace
from sqcodec.model import SQCodecNetwork

FOLDER_VARIABLE = "SQCODEC_BENCHMARK_GRAPHS"


def onnx_runtime(
    network_of: Callable[[str], SQCodecNetwork], preset: str
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Encode and decode of a preset, with as many threads as PyTorch has: whole frames in, out."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    encoder, decoder = (InferenceSession(file, options) for file in _files(network_of, preset))

    def encode(audio: Tensor) -> Tensor:
        padding = -audio.shape[1] % hop
        padded = torch.nn.functional.pad(audio, (0, padding))
        return torch.from_numpy(encoder.run(None, {"audio": padded.numpy()})[0])

    def decode(codes: Tensor) -> Tensor:
        return torch.from_numpy(decoder.run(None, {"codes": codes.numpy()})[0])

    hop = int(encoder.get_modelmeta().custom_metadata_map["hop_length"])
    return encode, decode


def _files(network_of: Callable[[str], SQCodecNetwork], preset: str) -> list[bytes]:
    """Contents of encoder.onnx and decoder.onnx."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        return _traced(network_of, preset)
    paths = [Path(folder) / f"{preset}-{name}.onnx" for name in ("encoder", "decoder")]
    if not all(path.exists() for path in paths):
        for path, content in zip(paths, _traced(network_of, preset), strict=True):
            path.write_bytes(content)
    return [path.read_bytes() for path in paths]


def _traced(network_of: Callable[[str], SQCodecNetwork], preset: str) -> list[bytes]:
    network = network_of(preset)
    return list(trace(network, {"hop_length": str(network.config.hop_length)}))
