"""Rebuild the bundled GE2E weights from the package Resemblyzer, or compare them with it.

    pip download --no-deps resemblyzer==0.1.4
    python tools/bundle_ge2e.py Resemblyzer-0.1.4-py3-none-any.whl [--check]

The package is not installed: it needs a compiler. Its file is read without running its code.
"""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from bench.downstream.evaluators.ge2e import FILE

MEMBER = "resemblyzer/pretrained.pt"


def weights_of(wheel: Path) -> dict[str, torch.Tensor]:
    """The encoder's weights in the package; what its training kept beside them is left."""
    with zipfile.ZipFile(wheel) as archive:
        file = io.BytesIO(archive.read(MEMBER))
    checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    state = checkpoint["model_state"]
    return {name: state[name] for name in sorted(state) if name.split(".")[0] in ("lstm", "linear")}


def main() -> None:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    weights = weights_of(options.wheel)
    if options.check:
        ours = load_file(FILE)
        same = ours.keys() == weights.keys() and all(
            torch.equal(ours[name], weights[name]) for name in ours
        )
        sys.exit(0 if same else f"{FILE} differs from {options.wheel}")
    FILE.parent.mkdir(exist_ok=True)
    temporary = FILE.with_suffix(".tmp")
    save_file(weights, temporary)
    temporary.replace(FILE)


if __name__ == "__main__":
    main()
