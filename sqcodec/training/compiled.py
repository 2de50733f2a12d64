"""Compile a network for training."""

from __future__ import annotations

from sqcodec.compiler import require_compiler
from sqcodec.model import SQCodecNetwork


def compile_network(network: SQCodecNetwork) -> None:
    """Compile encoder and decoder with `torch.compile`, in place, for crops of one length.

    What the network holds and how its state is saved stay as they are. The first forward and
    the first backward pass take minutes.

    Raises:
        CompilerNotFoundError: there is no C++ compiler.
    """
    require_compiler()
    for part in (network.encoder, network.decoder):
        part.compile(dynamic=False)
