"""Running a codec's networks for their shapes alone, on torch's "meta" device: nothing is computed.

What counts multiplications hooks itself onto the modules and runs the four steps from audio to
audio. Letters: T samples.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from bench.architecture import Architecture

ENCODER, QUANTIZER, DECODER = "encoder", "quantizer", "decoder"
PARTS = (ENCODER, QUANTIZER, DECODER)


def modules(network: nn.Module) -> dict[nn.Module, str]:
    """All modules with their names, but for those that only make weights."""
    return {
        module: name
        for name, module in network.named_modules()
        if "parametrizations" not in name.split(".")
    }


def steps(
    architecture: Architecture, n_samples: int, pad_to: int
) -> Iterator[tuple[str, Callable[[], None]]]:
    """The four steps from audio to audio, each with its part; to be called in this order."""
    padded = -(-n_samples // pad_to) * pad_to
    x = torch.empty(1, padded, device="meta")

    def stepping(function: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def step() -> None:
            nonlocal x
            x = function(x)

        return step

    yield ENCODER, stepping(architecture.encode)
    yield QUANTIZER, stepping(architecture.quantize)
    yield QUANTIZER, stepping(architecture.dequantize)
    yield DECODER, stepping(architecture.decode)


@contextmanager
def hooked(
    names: Mapping[nn.Module, str], enter: Callable[..., None], leave: Callable[..., None]
) -> Iterator[None]:
    """Call `enter` and `leave` around every module."""
    with ExitStack() as stack:
        for module in names:
            stack.callback(module.register_forward_pre_hook(enter).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        yield


@contextmanager
def without_numbers(network: nn.Module) -> Iterator[None]:
    """Take the numbers away, which they do not come back from; shapes remain.

    Single numbers stay: some networks keep their strides in them.
    """
    network._apply(lambda value: value if value.ndim == 0 else value.to("meta"))
    for module in network.modules():
        if isinstance(module, nn.LSTM):
            # Step by step, thousands of times; `lstm_products` counts it from its shapes.
            vars(module)["forward"] = functools.partial(_lstm_shapes, module)
    # The fused kernels of attention are of other names on every device; products are the same.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        yield


def lstm_products(lstm: nn.LSTM, x: Tensor) -> int:
    """Products of the gates' matrices with [B, F, C] or [F, B, C]."""
    weights = sum(value.numel() for name, value in lstm.named_parameters() if "weight" in name)
    return weights * x.shape[0] * x.shape[1]


def _lstm_shapes(lstm: nn.LSTM, x: Tensor) -> tuple[Tensor, None]:
    """Output [..., width] of an LSTM for an input [..., C], and no state."""
    width = lstm.hidden_size * (2 if lstm.bidirectional else 1)
    return x.new_empty(*x.shape[:-1], width), None
