"""What a step of training minimises: the reconstruction, its losses, and their weighted sum.

Source: SQCodec paper, section 3.2 and appendix A.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sqcodec.model import SQCodecNetwork
from sqcodec.training.adversary import Adversary
from sqcodec.training.config import TrainConfig
from sqcodec.training.losses import clamp_loss, latent_loss, stft_loss, waveform_loss
from sqcodec.training.processes import Processes
from sqcodec.training.whisper import log_mel
from sqcodec.training.whisper_weights import load_whisper


class Objective:
    """The losses of a run and the models that they need.

    Attributes:
        whisper: the listener of the perceptual loss; None where that has no weight.
        adversary: discriminators and their optimizer; None where their loss has no weight.

    Args:
        config: the settings of the run.
        sample_rate: of the audio, Hz.
        device: where to compute.
        processes: those that train together.

    Raises:
        WhisperNotFoundError: the perceptual loss is wanted and Whisper's weights are missing.
    """

    def __init__(
        self, config: TrainConfig, sample_rate: int, device: torch.device, processes: Processes
    ) -> None:
        self.config = config
        self.sample_rate = sample_rate
        self.device = device
        self.whisper = None
        if config.perceptual_weight:
            self.whisper = load_whisper(config.whisper).to(device)
        self.adversary = None
        if config.adversarial_weight:
            self.adversary = Adversary(config, device, processes)

    def reconstruct(self, network: nn.Module, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Return the reconstruction [B, T] and what enters the quantizer's tanh [B, F, L]."""
        assert isinstance(network, SQCodecNetwork)
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            latent = network.encoder(audio)
        # Rounding to levels is no place for low precision.
        latent = latent.float()
        quantized = network.quantizer(latent)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            estimate = network.decoder(quantized)
        return estimate.float(), network.quantizer.project_in(latent)

    def losses(self, audio: Tensor, estimate: Tensor) -> dict[str, Tensor]:
        """The losses of audio against its reconstruction, [B, T] both, unweighted."""
        losses = {
            "waveform": waveform_loss(audio, estimate),
            "stft": stft_loss(audio, estimate),
        }
        if self.whisper is not None:
            with torch.no_grad():
                reference = self._hear(audio)
            losses["perceptual"] = latent_loss(reference, self._hear(estimate))
        if self.adversary is not None:
            losses |= self.adversary.losses(audio, estimate)
        return losses

    def _hear(self, audio: Tensor) -> Tensor:
        """Whisper's latents [B, F, D] of audio [B, T]."""
        assert self.whisper is not None
        features = log_mel(audio, self.sample_rate)
        bf16 = self.config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            latents = self.whisper(features)
        return latents.float()

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """The weighted sum, with the clamps of Equation (2)."""
        config = self.config
        total = (
            config.waveform_weight * losses["waveform"]
            + config.stft_weight * losses["stft"]
            + config.spread_weight * losses["spread"]
        )
        if "perceptual" in losses:
            clamped = clamp_loss(losses["perceptual"], config.perceptual_limit)
            total = total + config.perceptual_weight * clamped
        if "adversarial" in losses:
            both = losses["adversarial"] + config.feature_weight * losses["feature"]
            total = total + config.adversarial_weight * clamp_loss(both, config.adversarial_limit)
        return total
