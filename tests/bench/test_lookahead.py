"""bench.lookahead: kernels whose reach is known."""

import pytest
import torch
from torch import Tensor, nn

from bench import registry
from bench.architecture import Architecture, AsCounted
from bench.lookahead import look_ahead_s

RATE = 1000


def codec(network: nn.Module, pad_to: int = 1, hop_length: int | None = None) -> Architecture:
    return Architecture(
        "toy",
        RATE,
        pad_to,
        network.eval(),
        encode=lambda audio: network(audio[:, None]),
        quantize=torch.round,
        dequantize=lambda codes: codes,
        decode=lambda latent: latent[:, 0],
        as_counted=AsCounted(),
        hop_length=hop_length,
    )


class Framed(nn.Module):
    """Frames of four samples, each decoded from itself and the next."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv1d(1, 3, 8, stride=4, padding=4)
        self.up = nn.ConvTranspose1d(3, 1, 4, stride=4)

    def forward(self, audio: Tensor) -> Tensor:
        return self.up(self.down(audio)[..., 1:])


@pytest.mark.parametrize(
    ("network", "pad_to", "samples"),
    [
        (nn.Conv1d(1, 1, 1), 1, 0),
        (nn.Conv1d(1, 1, 9, padding=4), 1, 4),
        (nn.Sequential(*(nn.Conv1d(1, 1, 9, padding=4) for _ in range(3))), 1, 12),
        (Framed(), 4, 7),
    ],
)
def test_the_reach_of_kernels_adds_up(network: nn.Module, pad_to: int, samples: int) -> None:
    assert look_ahead_s(codec(network, pad_to)) == samples / RATE


class Filling(Framed):
    """Takes clips of any length, and fills them up to frames by itself."""

    def forward(self, audio: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(audio, (0, -audio.shape[-1] % 4)))


def test_it_is_that_of_a_frames_first_sample() -> None:
    # In the middle of a second there begins none: 500 samples are 62.5 frames of eight.
    eight = nn.Sequential(nn.Conv1d(1, 3, 8, stride=8), nn.ConvTranspose1d(3, 1, 8, stride=8))
    assert look_ahead_s(codec(eight, 1, hop_length=8)) == 7 / RATE
    assert look_ahead_s(codec(Filling(), 1, hop_length=4)) == 7 / RATE


def test_encodec_is_causal_and_waits_for_a_frame() -> None:
    encodec = registry.architecture("encodec-6k")
    assert look_ahead_s(encodec) == 319 / 24_000


def test_a_chain_too_faint_for_float32_is_seen() -> None:
    chain = nn.Sequential(*(nn.Conv1d(1, 1, 3, padding=1) for _ in range(20)))
    for conv in chain:
        assert isinstance(conv, nn.Conv1d)
        nn.init.constant_(conv.weight, 1e-4)  # to the 20th power: 1e-80
    assert look_ahead_s(codec(chain)) == 20 / RATE


def test_normalisation_over_the_clip_needs_all_of_it() -> None:
    assert look_ahead_s(codec(nn.InstanceNorm1d(1, affine=True))) is None
