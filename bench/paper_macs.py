"""Multiply-accumulates that the paper's counter sees: ptflops 0.7.3 with its pytorch backend.

By it the paper's figures came about. Layers are looked up by their classes; a bias counts,
activations and norms count an element each, a transposed convolution is charged its kernel for
every output sample (without dividing by the stride), a product outside of a known layer is free.

Source: ptflops 0.7.3, https://github.com/sovrasov/flops-counter.pytorch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch.nn.functional as nnf
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode

from bench.shapes import hooked, lstm_products, modules, steps, without_numbers

if TYPE_CHECKING:
    from bench.architecture import Architecture, Rule

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.BatchNorm1d)
_ACTIVATIONS = (nn.ReLU, nn.PReLU, nn.ELU, nn.LeakyReLU, nn.GELU)
_COUNTED_FUNCTIONS = (nnf.relu, nnf.elu, nnf.gelu, nnf.silu)


def by_paper(architecture: Architecture, n_samples: int) -> int:
    """Count what ptflops 0.7.3 counts of a clip of T samples, padded as the authors do."""
    form = architecture.as_counted
    names = modules(architecture.network)
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

    with without_numbers(architecture.network), hooked(names, enter, leave), functions:
        for _, step in steps(architecture, n_samples, form.pad_to):
            step()
    return total + functions.total


class _CountedFunctions(TorchFunctionMode):
    """Adds up the elements that go into activations called as functions, as torch's modules do."""

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
    if isinstance(module, _CONVOLUTIONS):
        positions = x.shape[0] * math.prod(y.shape[2:])
        taps = math.prod(module.kernel_size) * module.in_channels // module.groups
        return positions * module.out_channels * (taps + (module.bias is not None))
    if isinstance(module, nn.Linear):
        return math.prod(y.shape) * (module.in_features + (module.bias is not None))
    if isinstance(module, nn.LSTM):
        # Two sums of biases, their sum, and six products or sums of states: 18 a unit.
        n_steps = x.shape[0] * x.shape[1]
        return lstm_products(module, x) + 18 * module.hidden_size * module.num_layers * n_steps
    if isinstance(module, _NORMS):
        return x.numel() * (2 if getattr(module, "affine", False) else 1)
    return y.numel() if isinstance(module, _ACTIVATIONS) else 0
