"""Models of transformers from a folder: `bench.pretrained`, with the error a codec promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from bench import pretrained
from bench.codec import CodecUnavailableError


def load_pretrained(model_class: Any, folder: Path, **expected: object) -> nn.Module:
    """Load a model whose configuration has the values of `expected`.

    Raises:
        CodecUnavailableError: the files do not fit each other, or are of another model.
    """
    return pretrained.load_pretrained(model_class, folder, CodecUnavailableError, **expected)


def check_finite(model: nn.Module, origin: Path) -> None:
    """See that all weights are numbers.

    Raises:
        CodecUnavailableError: some are not.
    """
    pretrained.check_finite(model, origin, CodecUnavailableError)
