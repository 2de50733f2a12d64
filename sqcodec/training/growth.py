"""Growth: the convolutional stages learn from the outside in, before there is a bottleneck.

The decoder has to draw many samples from each frame, and linear upsampling, which is all it
has to do so, gives it no direct way to place them: trained whole from the first step,
sqcodec-3k matched no waveform at all after 3,100 s of audio (a signal-to-noise ratio of 0 dB).
Its last two stages alone, fed by the encoder's first one, reach 6 dB in 100 steps of 0.56 s;
with them in place the next stage learns as fast, and so on inwards. So a network grows:

1. a level takes the outermost stages of encoder and decoder, joined by a strided convolution
   that is thrown away afterwards, and trains them on short crops;
2. the next level adds a stage of the decoder, and those of the encoder that fit;
3. after the last level all convolutional stages are trained, with the latent, the transformers
   and the quantizer still to learn in the run that follows.

The idea of training a deep network layer by layer is Bengio et al., "Greedy Layer-Wise
Training of Deep Networks" (2007); levels, lengths and rates here are this project's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import SQCodecConfig
from sqcodec.training.checkpoints import TrainingError
from sqcodec.training.config import MAX_SKIPPED_STEPS
from sqcodec.training.losses import stft_loss, waveform_loss

WAVEFORM_WEIGHT = 100.0
_WARM_UP_STEPS = 50
_MAX_GRADIENT_NORM = 10_000.0


@dataclass(frozen=True)
class Level:
    """Which stages take part at one level of growth.

    Attributes:
        encoder_stages: so many of the encoder's, from the first.
        decoder_stages: so many of the decoder's, from the last.
        stride: of the convolution between them.
    """

    encoder_stages: int
    decoder_stages: int
    stride: int


def levels(config: SQCodecConfig) -> list[Level]:
    """Return the levels of a preset, from the outside in.

    A level takes the most encoder stages whose hop divides that of its decoder stages; those
    without any encoder stage are left out.
    """
    found = []
    for n_decoder in range(1, len(config.decoder_rates) + 1):
        hop = math.prod(config.decoder_rates[-n_decoder:])
        hops = [math.prod(config.encoder_rates[:n]) for n in range(len(config.encoder_rates) + 1)]
        n_encoder = max(n for n, encoder_hop in enumerate(hops) if hop % encoder_hop == 0)
        if n_encoder:
            found.append(Level(n_encoder, n_decoder, hop // hops[n_encoder]))
    return found


class Truncated(nn.Module):
    """The outer stages of a network, audio [B, T] -> [B, T]; their parameters are shared.

    Args:
        network: whose stages they are.
        level: which ones.
    """

    def __init__(self, network: SQCodecNetwork, level: Level) -> None:
        super().__init__()
        encoder, decoder, config = network.encoder, network.decoder, network.config
        self.first = encoder.first
        self.encoder_stages = encoder.stages[: level.encoder_stages]
        whole = level.encoder_stages == len(encoder.stages)
        self.last_units = encoder.last_units if whole else nn.Identity()
        self.bridge = nn.Conv1d(
            config.encoder_widths[level.encoder_stages],
            config.decoder_widths[-1 - level.decoder_stages],
            kernel_size=level.stride,
            stride=level.stride,
        )
        self.decoder_stages = decoder.stages[-level.decoder_stages :]
        self.last = decoder.last

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> [B, T]; T is a multiple of the decoder stages' hop."""
        x = self.first(audio)  # [B, T, C]
        for stage in self.encoder_stages:
            x = stage(x)
        x = self.last_units(x)
        x = self.bridge(x.transpose(1, 2)).transpose(1, 2)
        for stage in self.decoder_stages:
            x = stage(x)
        return self.last(x)


def grow(
    network: SQCodecNetwork,
    batch: Callable[[int], Tensor],
    steps: int,
    *,
    learning_rate: float = 5e-4,
    first_learning_rate: float = 1e-3,
    seed: int = 0,
    on_step: Callable[[int, int, float, float], None] = lambda level, step, waveform, stft: None,
) -> None:
    """Train the convolutional stages of `network`, in place, level by level.

    Args:
        network: freshly initialised; left on its device.
        batch: audio [B, T] of a step counted over all levels, T a multiple of the hop.
        steps: of each level.
        learning_rate, first_learning_rate: of AdamW, at the later levels and at the first.
        seed: of the bridges' initial weights.
        on_step: called with level, step, waveform loss and STFT loss after each step.

    Raises:
        ValueError: `steps` is less than 1.
        TrainingError: gradients stopped being finite.
    """
    if steps < 1:
        raise ValueError(f"a level of growth has at least 1 step, got {steps}")
    device = next(network.parameters()).device
    for number, level in enumerate(levels(network.config)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + number)
            model = Truncated(network, level)
        model.to(device)
        peak = learning_rate if number else first_learning_rate
        optimizer = torch.optim.AdamW(model.parameters(), lr=peak)
        skipped_in_a_row = 0
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = peak * min(1.0, (step + 1) / _WARM_UP_STEPS)
            audio = batch(number * steps + step).to(device)
            estimate = model(audio)
            waveform, stft = waveform_loss(audio, estimate), stft_loss(audio, estimate)
            optimizer.zero_grad()
            (WAVEFORM_WEIGHT * waveform + stft).backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRADIENT_NORM)
            if torch.isfinite(norm):
                optimizer.step()
                skipped_in_a_row = 0
            else:
                skipped_in_a_row += 1
            if skipped_in_a_row == MAX_SKIPPED_STEPS:
                raise TrainingError(
                    f"growth: no finite gradient in {MAX_SKIPPED_STEPS} steps in a row, the last "
                    f"of them {step + 1} of level {number + 1}"
                )
            on_step(number, step, float(waveform.detach()), float(stft.detach()))
