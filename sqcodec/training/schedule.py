"""The learning rate over a run: one cycle (SQCodec paper, section 4.1)."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import OneCycleLR

from sqcodec.training.config import TrainConfig


def one_cycle(optimizer: torch.optim.Optimizer, config: TrainConfig, step: int) -> OneCycleLR:
    """Return the schedule of a run that has done `step` steps.

    The optimizer's state may be of a run with another cycle: this one's ends hold.
    """
    if step:
        for group in optimizer.param_groups:
            group["initial_lr"] = config.initial_learning_rate
            group["max_lr"] = config.learning_rate
            group["min_lr"] = config.final_learning_rate
    total_steps, rising_share = config.steps + 1, config.rising_share
    if rising_share * total_steps == 1:
        rising_share *= 1 + 1e-9  # PyTorch would divide by zero
    return OneCycleLR(
        optimizer,
        max_lr=config.learning_rate,
        total_steps=total_steps,
        pct_start=rising_share,
        div_factor=config.learning_rate / config.initial_learning_rate,
        final_div_factor=config.initial_learning_rate / config.final_learning_rate,
        last_epoch=step - 1 if step else -1,
    )
