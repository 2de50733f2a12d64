"""An SQCodec as two ONNX graphs, encoder.onnx and decoder.onnx, checked against the network.

Encoder: audio, float32 [B, T], T a multiple of ``unit_samples`` -> codes, int64 [B, F].
Decoder: codes -> audio, float32 [B, F * hop]. Batch and length are free. The graphs' metadata
say which weights they hold and how audio is padded for them.

Where ONNX Runtime is installed the graphs are run before they are written: codes must be those
of PyTorch but for rounding ties, and the waveform's error against float64 of the size of
PyTorch's own. Graphs that do not match are not written.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from sqcodec.inference import SQCodec, load
from sqcodec.model import SQCodecNetwork
from sqcodec.onnx_graphs import graphs
from sqcodec.weights import find_weights, load_weights, replace_file

FORMAT = "sqcodec-onnx/1"
OPSET = 18
NEEDED = ("onnx", "onnxscript")

TIE = 1e-3
"""As far from the middle between two levels may an element be that counts as a rounding tie."""

ERROR_SLACK = 2.0
"""How many times PyTorch's own error against float64 a graph may have: two orders of summing
round differently. What is below `INAUDIBLE` passes in any case."""

INAUDIBLE = 1e-6


class ExportError(RuntimeError):
    """No graphs: something is not installed, or they do not match; the message says which."""


@dataclass(frozen=True)
class Match:
    """What became of comparing graphs with PyTorch.

    Attributes:
        n_codes: compared.
        n_ties: of them, where the two took different sides of a rounding tie.
        rms_error: of the decoder's graph against float64, over all samples.
        torch_rms_error: of PyTorch in float32, on the same codes.
    """

    n_codes: int
    n_ties: int
    rms_error: float
    torch_rms_error: float


def export_onnx(name: str | Path, folder: Path) -> Match | None:
    """Write encoder.onnx and decoder.onnx of a preset or weights file into `folder`.

    Returns:
        How they match PyTorch; None where ONNX Runtime is not installed to find out.

    Raises:
        ExportError: a package is missing, the folder is a file, or the graphs do not compute
            what PyTorch does.
        ValueError, FileNotFoundError: as `sqcodec.load`.
        OSError: a file cannot be written.
    """
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise ExportError(
            f"{' and '.join(missing)} not installed, which export to ONNX needs; "
            "install the onnx extra (pip install -e '.[onnx]')"
        )
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is not a folder, which the two graphs need")
    codec = load(name)
    encoder_file, decoder_file = trace(_network(name), metadata(codec))
    match = None
    if find_spec("onnxruntime") is not None:
        match = compare(encoder_file, decoder_file, codec, _network(name))
    for file_name, content in (("encoder.onnx", encoder_file), ("decoder.onnx", decoder_file)):
        _write(folder / file_name, content)
    return match


def trace(network: SQCodecNetwork, said: dict[str, str]) -> tuple[bytes, bytes]:
    """Return encoder.onnx and decoder.onnx of a network, which cannot be used afterwards.

    Args:
        network: with its weights.
        said: the graphs' metadata.
    """
    config = network.config
    encoder, decoder = graphs(network)
    audio = torch.zeros(2, 2 * config.window_length)
    codes = torch.zeros(2, 2 * config.inner.window, dtype=torch.int64)
    batch, frames = Dim("batch"), Dim("frames")
    samples = config.hop_length * frames
    return (
        _traced(encoder, audio, ("audio", "codes"), {0: batch, 1: samples}, said),
        _traced(decoder, codes, ("codes", "audio"), {0: batch, 1: frames}, said),
    )


def compare(
    encoder_file: bytes, decoder_file: bytes, codec: SQCodec, network: SQCodecNetwork
) -> Match:
    """Run graphs in ONNX Runtime beside PyTorch, on clips from one frame to over two windows.

    Args:
        encoder_file, decoder_file: the graphs.
        codec: PyTorch in float32.
        network: the same weights; taken to float64.

    Raises:
        ExportError: they differ by more than rounding.
    """
    from onnxruntime import InferenceSession

    run_encoder = InferenceSession(encoder_file, providers=["CPUExecutionProvider"])
    run_decoder = InferenceSession(decoder_file, providers=["CPUExecutionProvider"])
    exact = network.double().eval().requires_grad_(False)
    n_codes = n_ties = n_samples = 0
    squared_error = torch_squared_error = 0.0
    for clip in clips(codec):
        codes = codec.encode(clip)  # [1, F]
        n_samples += clip.shape[1]
        found = torch.from_numpy(run_encoder.run(None, {"audio": clip.numpy()})[0])
        if found.shape != codes.shape:
            raise ExportError(
                f"the encoder's graph gives codes of shape {list(found.shape)}, PyTorch "
                f"{list(codes.shape)}; nothing written"
            )
        n_codes += codes.numel()
        n_ties += _count_ties(found, codes, clip.double(), exact)
        expected = exact.decode(codes)  # [1, T]
        audio = torch.from_numpy(run_decoder.run(None, {"codes": codes.numpy()})[0])
        squared_error += float((audio - expected).square().sum())
        torch_squared_error += float((codec.decode(codes) - expected).square().sum())
    match = Match(
        n_codes,
        n_ties,
        (squared_error / n_samples) ** 0.5,
        (torch_squared_error / n_samples) ** 0.5,
    )
    if not match.rms_error <= max(ERROR_SLACK * match.torch_rms_error, INAUDIBLE):
        raise ExportError(
            f"the decoder's graph is off by {match.rms_error:.2g} (rms) from float64, PyTorch by "
            f"{match.torch_rms_error:.2g}; nothing written"
        )
    return match


def _count_ties(found: Tensor, codes: Tensor, clip: Tensor, exact: SQCodecNetwork) -> int:
    """How many codes [1, F] differ, each of them by the rounding of a tie."""
    quantizer = exact.quantizer
    bounded = quantizer.bound(quantizer.project_in(exact.encoder(clip)))  # [1, F, L]
    differ = quantizer.codes_to_digits(found) != quantizer.codes_to_digits(codes)
    from_tie = (bounded - bounded.floor() - 0.5).abs()
    beyond = int((differ & (from_tie > TIE)).any(-1).sum())
    if beyond:
        raise ExportError(
            f"the encoder's graph gives {beyond} other codes of {codes.numel()}; nothing written"
        )
    return int(differ.any(-1).sum())


def clips(codec: SQCodec) -> Iterator[Tensor]:
    """A tone and swelling noise, [1, T] each: one frame, up to and over whole windows."""
    window, hop = codec.config.inner.window, codec.config.hop_length
    generator = torch.Generator().manual_seed(0)
    lengths = (1, max(window // 3, 1), window, 2 * window + 3)
    for n_frames in sorted({codec.n_frames(n * hop) for n in lengths}):
        time = torch.arange(n_frames * hop) / codec.config.sample_rate
        noise = torch.randn(len(time), generator=generator)
        yield (0.1 * noise * (2 * torch.pi * 3 * time).sin() + 0.2 * (1200 * time).sin())[None]


def _network(name: str | Path) -> SQCodecNetwork:
    path = Path(name)
    return load_weights(path if path.suffix == ".safetensors" else find_weights(str(name)))[0]


def metadata(codec: SQCodec) -> dict[str, str]:
    """What the graphs of a codec say of themselves; ``unit_samples`` is what T is a multiple of."""
    config, info = codec.config, codec.info
    unit = config.hop_length if codec.padding == "hop" else config.window_length
    return {
        "format": FORMAT,
        "name": info.name,
        "preset": config.name,
        "weights": info.weights,
        "weights_sha256": info.weights_sha256,
        "licence": info.licence,
        "sample_rate": str(info.sample_rate),
        "hop_length": str(info.hop_length),
        "codebook_size": str(info.codebook_size),
        "padding": codec.padding,
        "unit_samples": str(unit),
        "exporter": f"torch {torch.__version__}",
    }


def _traced(
    module: nn.Module,
    example: Tensor,
    names: tuple[str, str],
    dynamic: dict[int, Any],
    metadata: dict[str, str],
) -> bytes:
    """Trace a graph with an input and an output, and return it as a file's content."""
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_shapes=(dynamic,),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's words on packages that are not there and on its own deprecations."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _write(path: Path, content: bytes) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    replace_file(path, write)
