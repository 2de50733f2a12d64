"""Multiply-accumulates of a codec: every one of them, and those that the paper's counter sees.

`in_full` counts each multiplication of convolutions, matrix products, attention and LSTMs as torch
carries them out, layer by layer. `by_paper` counts as ptflops 0.7.3 with its pytorch backend does,
by which the paper's figures came about: layer classes are looked up by their names, a bias counts,
activations and norms count an element each, a transposed convolution is charged its kernel for
every output sample (without dividing by the stride), a product outside of a known layer is free.

Both run the modules without numbers, on torch's "meta" device: a clip costs no computation.
Letters: T samples, F frames.

Source: ptflops 0.7.3, https://github.com/sovrasov/flops-counter.pytorch (MIT); torch's
flop_counter for the formulas of `in_full`.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

if TYPE_CHECKING:
    from bench.architecture import Architecture, Rule

ENCODER, QUANTIZER, DECODER = "encoder", "quantizer", "decoder"
PARTS = (ENCODER, QUANTIZER, DECODER)

_Convolution = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
_Norm = (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.BatchNorm1d)
_Activation = (nn.ReLU, nn.PReLU, nn.ELU, nn.LeakyReLU, nn.GELU)
_COUNTED_FUNCTIONS = (
    nnf.relu,
    nnf.elu,
    nnf.gelu,
    nnf.silu,
    nnf.softmax,
    nnf.avg_pool1d,
    nnf.max_pool1d,
)


@dataclass(frozen=True)
class Layer:
    """What one layer does with a clip.

    Attributes:
        part: one of `PARTS`.
        name: of the innermost module that was called, from the network on; of the part, for what
            is done outside of modules.
        macs: multiply-accumulates.
    """

    part: str
    name: str
    macs: int


def n_parameters(network: nn.Module) -> int:
    """Number of learned values, scales of weight normalisation included."""
    return sum(parameter.numel() for parameter in network.parameters())


def in_full(architecture: Architecture, n_samples: int, *, as_counted: bool) -> list[Layer]:
    """Count every multiplication of a clip of T samples, encoded and decoded.

    Args:
        architecture: the codec.
        n_samples: T, before padding.
        as_counted: as the paper's authors run it (their padding, their code's extra products)
            instead of as the codec here does.
    """
    form = architecture.as_counted
    names = _modules(architecture.network)
    count = _Multiplications()
    more: Mapping[type[nn.Module], Rule] = form.more if as_counted else {}

    def enter(module: nn.Module, _: Any) -> None:
        count.layers.append(names[module])

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(module, nn.LSTM):
            count.add(_lstm_products(module, inputs[0]))
        elif type(module) in more:
            count.add(more[type(module)](module, inputs[0], output))
        count.layers.pop()

    with _without_numbers(architecture.network), _hooked(names, enter, leave), count:
        pad_to = form.pad_to if as_counted else architecture.pad_to
        for part, step in _steps(architecture, n_samples, pad_to):
            count.part = part
            step()
    return [Layer(part, name or part, macs) for (part, name), macs in count.macs.items() if macs]


def by_paper(architecture: Architecture, n_samples: int) -> int:
    """Count what ptflops 0.7.3 counts of a clip of T samples, padded as the authors do."""
    form = architecture.as_counted
    names = _modules(architecture.network)
    functions = _CountedFunctions()
    total = 0

    def enter(module: nn.Module, _: Any) -> None:
        functions.muted += type(module) in form.rules

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal total
        rule: Rule | None = form.rules.get(type(module))
        functions.muted -= rule is not None
        if functions.muted:
            return
        if rule is not None:
            total += rule(module, inputs[0], output)
        elif form.sees_weight_norm or not is_parametrized(module):
            total += _as_ptflops(module, inputs[0], output)

    with _without_numbers(architecture.network), _hooked(names, enter, leave), functions:
        for _, step in _steps(architecture, n_samples, form.pad_to):
            step()
    return total + functions.total


def _modules(network: nn.Module) -> dict[nn.Module, str]:
    """All modules with their names, but for those that only make weights."""
    return {
        module: name
        for name, module in network.named_modules()
        if "parametrizations" not in name.split(".")
    }


def _steps(
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


class _Multiplications(TorchDispatchMode):
    """Adds up the products of every operation, by the part and layer that it happens in."""

    def __init__(self) -> None:
        super().__init__()
        self.part = ENCODER
        self.layers: list[str] = []
        self.macs: Counter[tuple[str, str]] = Counter()

    def add(self, macs: int) -> None:
        self.macs[self.part, self.layers[-1] if self.layers else ""] += macs

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.add(formula(*args, **(kwargs or {}), out_val=out) // 2)
        return out


class _CountedFunctions(TorchFunctionMode):
    """Adds up the elements that go into activations and pools called as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.muted = 0
        self.total = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _COUNTED_FUNCTIONS and not self.muted:
            self.total += args[0].numel()
        return func(*args, **(kwargs or {}))


def _as_ptflops(module: nn.Module, x: Tensor, y: Any) -> int:
    """What ptflops has for a layer of this class; 0 for one that it does not know."""
    if isinstance(module, _Convolution):
        positions = x.shape[0] * math.prod(y.shape[2:])
        taps = math.prod(module.kernel_size) * module.in_channels // module.groups
        return positions * module.out_channels * (taps + (module.bias is not None))
    if isinstance(module, nn.Linear):
        return math.prod(y.shape) * (module.in_features + (module.bias is not None))
    if isinstance(module, nn.LSTM):
        # Two sums of biases, their sum, and six products or sums of states: 18 a unit.
        n_steps = x.shape[0] * x.shape[1]
        return _lstm_products(module, x) + 18 * module.hidden_size * module.num_layers * n_steps
    if isinstance(module, _Norm):
        return x.numel() * (2 if getattr(module, "affine", False) else 1)
    return y.numel() if isinstance(module, _Activation) else 0


def _lstm_products(lstm: nn.LSTM, x: Tensor) -> int:
    """Products of the gates' matrices with [B, F, C] or [F, B, C]."""
    weights = sum(value.numel() for name, value in lstm.named_parameters() if "weight" in name)
    return weights * x.shape[0] * x.shape[1]


def _lstm_shapes(lstm: nn.LSTM, x: Tensor) -> tuple[Tensor, None]:
    """Output [..., width] of an LSTM for an input [..., C], and no state."""
    width = lstm.hidden_size * (2 if lstm.bidirectional else 1)
    return x.new_empty(*x.shape[:-1], width), None


@contextmanager
def _hooked(
    names: Mapping[nn.Module, str], enter: Callable[..., None], leave: Callable[..., None]
) -> Iterator[None]:
    """Call `enter` and `leave` around every module."""
    with ExitStack() as stack:
        for module in names:
            stack.callback(module.register_forward_pre_hook(enter).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        yield


@contextmanager
def _without_numbers(network: nn.Module) -> Iterator[None]:
    """Take the numbers away, which they do not come back from; shapes remain.

    Single numbers stay: some networks keep their strides in them.
    """
    network._apply(lambda value: value if value.ndim == 0 else value.to("meta"))
    for module in network.modules():
        if isinstance(module, nn.LSTM):
            # Step by step, thousands of times; `_lstm_products` counts it from its shapes.
            module.forward = functools.partial(_lstm_shapes, module)  # type: ignore[assignment]
    # The fused kernels of attention are of other names on every device; products are the same.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        yield
