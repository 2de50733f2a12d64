"""Several processes that train one network together, started by ``torchrun``.

    torchrun --nproc-per-node 4 -m sqcodec train ...

Each process computes its part of every batch; gradients are averaged before each update, so
that all hold the same weights. The first process alone validates, writes and reports.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from sqcodec.training.checkpoints import TrainingError, first_line

# The first process may pack a corpus, or validate, while the others wait.
_PATIENCE = timedelta(hours=6)


@dataclass(frozen=True)
class Processes:
    """The group of processes, seen from one of them; by default it is alone.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
        local_rank: number of this process on its machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def average(self, values: Tensor) -> Tensor:
        """Return the mean over the processes, of values of the same shape in each."""
        if self.count > 1:
            values = values.clone()
            with _all_there():
                dist.all_reduce(values)
            values /= self.count
        return values

    def average_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        mean = self.average(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(
            gradients, mean.split([gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def share(self, values: Sequence[Tensor]) -> None:
        """Replace values in every process by those of the first."""
        if self.count > 1:
            with _all_there():
                for value in values:
                    dist.broadcast(value.data, 0)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            with _all_there():
                dist.barrier()


@contextmanager
def _all_there() -> Iterator[None]:
    """Within it, processes exchange values; where one has ended, say so."""
    try:
        yield
    except RuntimeError as error:  # torch has no error of its own for this
        raise TrainingError(
            f"another process of this training has ended, or is out of reach: {first_line(error)}"
        ) from error


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the group that torchrun started, if it did; yield it and this process's device.

    Args:
        device: "cpu", or "cuda" for one GPU a process.

    Raises:
        TrainingError: the device cannot be used.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        _check(device)
        yield Processes(), device
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    if device == "cuda":
        device = f"cuda:{local_rank}"
    _check(device)
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    backend = "nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield Processes(dist.get_rank(), count, local_rank), device
    finally:
        dist.destroy_process_group()


def _check(device: str) -> None:
    try:
        torch.zeros((), device=device)
    except (RuntimeError, AssertionError) as error:  # the latter from a build without CUDA
        raise TrainingError(f"the device {device!r} cannot be used: {first_line(error)}") from error
