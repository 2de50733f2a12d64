"""The adversary: discriminators with their optimizer, seen from the codec's side.

Source: SQCodec paper, sections 3.1.4 and 4.1. The learning rate is the codec's own at every
step, so that the discriminators go through the whole cycle however rarely they are updated.
Betas of AdamW as in DAC.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sqcodec.training.config import TrainConfig
from sqcodec.training.discriminators import Discriminators
from sqcodec.training.losses import adversarial_loss, discriminator_loss, feature_loss
from sqcodec.training.processes import Processes

_BETAS = (0.8, 0.99)


class Adversary:
    """Discriminators, updated every `config.discriminator_every` steps.

    Args:
        config: the run's settings.
        device: where to compute.
        processes: between which gradients are averaged.
    """

    def __init__(self, config: TrainConfig, device: torch.device, processes: Processes) -> None:
        self.config = config
        self.device = device
        self.processes = processes
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.discriminators = Discriminators().to(device)
        self.optimizer = torch.optim.AdamW(
            self.discriminators.parameters(),
            lr=config.initial_learning_rate,
            betas=_BETAS,
            weight_decay=config.discriminator_weight_decay,
        )

    def is_due(self, step: int) -> bool:
        """Whether the discriminators are updated in a step."""
        return step % self.config.discriminator_every == 0

    def update(self, reference: Tensor, estimate: Tensor, learning_rate: float) -> Tensor:
        """Train the discriminators on a batch [B, T] and return their loss.

        A gradient that is not finite changes nothing.
        """
        self.discriminators.requires_grad_(True)
        loss = discriminator_loss(self._judge(reference), self._judge(estimate.detach()))
        self.optimizer.zero_grad()
        loss.backward()
        parameters = list(self.discriminators.parameters())
        self.processes.average_gradients(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, self.config.discriminator_max_gradient_norm)
        if torch.isfinite(norm):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate
            self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()

    def losses(self, reference: Tensor, estimate: Tensor) -> dict[str, Tensor]:
        """The two parts of Equation (6) for the codec: ``adversarial`` and ``feature``."""
        self.discriminators.requires_grad_(False)
        with torch.no_grad():
            judged_reference = self._judge(reference)
        judged_estimate = self._judge(estimate)
        return {
            "adversarial": adversarial_loss(judged_estimate),
            "feature": feature_loss(judged_reference, judged_estimate),
        }

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizer."""
        return {
            "discriminators": self.discriminators.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.discriminators.load_state_dict(state["discriminators"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _judge(self, audio: Tensor) -> list[list[Tensor]]:
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            return self.discriminators(audio)
