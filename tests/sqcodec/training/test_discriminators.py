"""The discriminators: shapes, size, what they hear; the adversary's update."""

from __future__ import annotations

import pytest
import torch

from sqcodec.training.adversary import Adversary
from sqcodec.training.config import TrainConfig
from sqcodec.training.discriminators import (
    FFT_SIZES,
    PERIODS,
    Discriminators,
    PeriodDiscriminator,
    ResolutionDiscriminator,
)
from sqcodec.training.losses import adversarial_loss
from sqcodec.training.processes import Processes

CPU = torch.device("cpu")


def test_they_have_the_size_of_dac_s() -> None:
    judges = Discriminators()
    # 43 M in the authors' later code; 8.2 M for each period, 0.5 M for each FFT size.
    assert sum(p.numel() for p in judges.parameters()) == 42_991_090


@pytest.mark.parametrize("period", PERIODS)
def test_shapes_of_a_period(period: int, narrow_judges: None) -> None:
    outputs = PeriodDiscriminator(period)(torch.randn(2, 1600))
    frames = -(-1600 // period)
    for output in outputs[:4]:
        frames = -(-frames // 3)
        assert output.shape == (2, 4, frames, period)
    assert outputs[4].shape == (2, 4, frames, period)
    assert outputs[5].shape == (2, 1, frames, period)
    assert len(outputs) == 6


@pytest.mark.parametrize("fft_size", FFT_SIZES)
def test_shapes_of_a_resolution(fft_size: int, narrow_judges: None) -> None:
    judge = ResolutionDiscriminator(fft_size)
    outputs = judge(torch.randn(2, 1600))
    n_frames = 1 + 1600 // (fft_size // 4)
    bins = 0
    for i, (low, high) in enumerate(judge.bands):
        n_bins = high - low
        for j, output in enumerate(outputs[5 * i : 5 * i + 5]):
            n_bins = -(-n_bins // 2) if j in (1, 2, 3) else n_bins
            assert output.shape == (2, 2, n_frames, n_bins)
        bins += n_bins
    assert judge.bands[0][0] == 0
    assert judge.bands[-1][1] == fft_size // 2 + 1
    assert outputs[-1].shape == (2, 1, n_frames, bins)
    assert len(outputs) == 26


def test_level_and_offset_are_not_judged(narrow_judges: None) -> None:
    judges = Discriminators()
    audio = torch.randn(1, 1600)
    judged = zip(judges(audio), judges(0.1 * audio + 0.3), strict=True)
    for a, b in judged:
        torch.testing.assert_close(a[-1], b[-1], rtol=1e-3, atol=1e-5)


def test_an_update_teaches_the_judges_and_losses_leave_them_alone(
    all_losses: TrainConfig,
) -> None:
    torch.manual_seed(0)
    adversary = Adversary(all_losses, CPU, Processes())
    assert [adversary.is_due(step) for step in range(4)] == [True, False, True, False]
    real, fake = torch.randn(2, 1600), torch.randn(2, 1600).cumsum(-1)
    first = adversary.update(real, fake, 1e-2)
    for _ in range(8):
        last = adversary.update(real, fake, 1e-2)
    assert last < 0.9 * first
    assert adversary.optimizer.param_groups[0]["lr"] == 1e-2
    fake.requires_grad_(True)
    losses = adversary.losses(real, fake)
    losses["adversarial"].backward()
    assert fake.grad.abs().sum() > 0
    assert all(p.grad is None for p in adversary.discriminators.parameters())
    expected = adversarial_loss(adversary.discriminators(fake))
    assert losses["adversarial"].item() == pytest.approx(expected.item())


def test_a_gradient_that_is_not_finite_changes_nothing(all_losses: TrainConfig) -> None:
    adversary = Adversary(all_losses, CPU, Processes())
    before = [p.detach().clone() for p in adversary.discriminators.parameters()]
    adversary.update(torch.randn(1, 1600), torch.full((1, 1600), float("nan")), 1e-3)
    for old, new in zip(before, adversary.discriminators.parameters(), strict=True):
        assert torch.equal(old, new)
