"""What the tests of single layers share."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

# Two float64 computations of the same thing in another order.
ROUNDING = 1e-11

Module = TypeVar("Module", bound=nn.Module)


def assert_same(actual: Tensor, expected: Tensor, tolerance: float = ROUNDING) -> None:
    """Fail unless all values agree, absolutely or relatively, within the tolerance."""
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def randomise(module: Module) -> Module:
    """Move every parameter away from its initial value; float64, eval mode."""
    module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module
