"""Growth: its levels, what it trains, that it learns, and that it repeats."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS, SQCodecConfig
from sqcodec.training.checkpoints import TrainingError
from sqcodec.training.growth import Level, Truncated, grow, levels
from sqcodec.training.initial import initialise


def test_levels_of_sqcodec_3k() -> None:
    # Decoder hops from the outside are 2, 6, 18 and 90, encoder hops 6, 30 and 90.
    expected = [Level(1, 2, 1), Level(1, 3, 3), Level(3, 4, 1)]
    assert levels(PRESETS["sqcodec-3k"]) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_the_last_level_of_a_preset_is_all_of_its_stages(name: str) -> None:
    config = PRESETS[name]
    expected = Level(len(config.encoder_rates), len(config.decoder_rates), 1)
    assert levels(config)[-1] == expected


def test_a_truncated_network_keeps_the_length_at_every_level() -> None:
    network = SQCodecNetwork(PRESETS["sqcodec-3k"])
    for level in levels(network.config):
        assert Truncated(network, level)(torch.zeros(2, 180)).shape == (2, 180)


def _tone(step: int) -> Tensor:
    time_s = torch.arange(3200) / 16000
    return 0.5 * torch.sin(2 * torch.pi * (200 + 10 * (step % 7)) * time_s)[None]


def test_growth_learns_and_leaves_the_bottleneck_alone(tiny: SQCodecConfig) -> None:
    config = replace(tiny, encoder_rates=(2, 4), decoder_rates=(4, 2))
    network = SQCodecNetwork(config)
    initialise(network, 0)
    before = copy.deepcopy(network.state_dict())
    losses: dict[int, list[float]] = {}

    def keep(level: int, step: int, waveform: float, stft: float) -> None:
        losses.setdefault(level, []).append(100 * waveform + stft)

    grow(network, _tone, 60, learning_rate=3e-3, first_learning_rate=3e-3, on_step=keep)
    assert [len(of_level) for of_level in losses.values()] == [60] * len(levels(config)) == [60] * 2
    for of_level in losses.values():
        assert sum(of_level[-10:]) / 10 < 0.6 * of_level[0]
    after = network.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    bottleneck = ("encoder.inner", "encoder.project", "quantizer", "decoder.inner")
    assert not [key for key in changed if key.startswith((*bottleneck, "decoder.project"))]
    assert {key.split(".")[1] for key in changed} == {"first", "stages", "last_units", "last"}


def test_the_same_seed_grows_the_same_network(tiny: SQCodecConfig) -> None:
    grown = []
    for seed in (1, 1, 2):
        network = SQCodecNetwork(tiny)
        initialise(network, 0)
        torch.rand(3)  # the caller's random state decides nothing
        grow(network, _tone, 2, seed=seed)
        grown.append(network.state_dict())
    first, second, other = grown
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_growth_skips_steps_without_a_finite_gradient(tiny: SQCodecConfig) -> None:
    network = SQCodecNetwork(tiny)
    initialise(network, 0)

    def torn(step: int) -> Tensor:
        return _tone(step) * (float("nan") if step == 1 else 1.0)

    grow(network, torn, 3)
    assert all(torch.isfinite(p).all() for p in network.parameters())
    with pytest.raises(TrainingError, match="growth: no finite gradient in 10 steps in a row"):
        grow(network, lambda step: _tone(step) * float("nan"), 12)
    assert all(torch.isfinite(p).all() for p in network.parameters())


def test_no_steps_are_refused(tiny: SQCodecConfig) -> None:
    with pytest.raises(ValueError, match="at least 1 step, got 0"):
        grow(SQCodecNetwork(tiny), _tone, 0)
