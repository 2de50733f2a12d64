"""Every multiply-accumulate of a codec: convolutions, matrix products, attention and LSTMs.

Counted as torch carries them out, layer by layer, on shapes alone.

Source: torch.utils.flop_counter for the products of each operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.shapes import ENCODER, hooked, lstm_products, modules, steps, without_numbers

if TYPE_CHECKING:
    from bench.architecture import Architecture, Rule


@dataclass(frozen=True)
class Layer:
    """What one layer does with a clip.

    Attributes:
        part: one of `bench.shapes.PARTS`.
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
    names = modules(architecture.network)
    count = _Multiplications()
    more: Mapping[type[nn.Module], Rule] = form.more if as_counted else {}

    def enter(module: nn.Module, _: Any) -> None:
        count.layers.append(names[module])

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(module, nn.LSTM):
            count.add(lstm_products(module, inputs[0]))
        elif type(module) in more:
            count.add(more[type(module)](module, inputs[0], output))
        count.layers.pop()

    with without_numbers(architecture.network), hooked(names, enter, leave), count:
        pad_to = form.pad_to if as_counted else architecture.pad_to
        for part, step in steps(architecture, n_samples, pad_to):
            count.part = part
            step()
    return [Layer(part, name or part, macs) for (part, name), macs in count.macs.items() if macs]


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
