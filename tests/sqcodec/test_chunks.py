"""sqcodec.chunks: a network fed piece by piece against all at once, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from checks import assert_same, randomise
from conftest import TINY
from sqcodec.chunks import (
    Collect,
    Gate,
    Local,
    Step,
    decoder_steps,
    encoder_steps,
    look_ahead,
    reach,
    run,
)
from sqcodec.layers import ConvUnit, DownLayer, LastUnit, UpLayer, upsample_linear
from sqcodec.model import PlainFirst, SQCodecNetwork
from sqcodec.moments import Moments
from sqcodec.presets import ABLATIONS, PRESETS, SQCodecConfig, TransformerConfig
from sqcodec.streaming import latency
from sqcodec.tconv import TConvUnit, TEConvGate

# The normalisation subtracts means that may be a hundred times what is left.
THROUGH_GATES = 1e-8

FRAMES = 60
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "two transformers": {"extra_rate": 3, "outer": TransformerConfig(depth=2, window=30)},
    "no tconv": {"tconv": False},
    "no teconv": {"teconv": False},
}


def lively(config: SQCodecConfig, n_clips: int, n_frames: int) -> tuple[SQCodecNetwork, Tensor]:
    """Return a float64 network with nothing trivial in it, and audio with many codes."""
    torch.manual_seed(0)
    network = randomise(SQCodecNetwork(config)).requires_grad_(False)
    audio = torch.randn(n_clips, n_frames * config.hop_length, dtype=torch.float64)
    audio *= torch.logspace(-2, 0, audio.shape[1], dtype=torch.float64)
    project_in = network.quantizer.project_in
    z = project_in(network.encoder(audio))
    gain = 1 / z.std((0, 1))
    project_in.weight *= gain[:, None]
    project_in.bias.copy_(gain * (project_in.bias - z.mean((0, 1))))
    return network, audio


def feed(steps: Sequence[Step], pieces: Sequence[Tensor]) -> Tensor | None:
    out = [run(steps, piece if piece.shape[1] else None, False) for piece in pieces]
    out.append(run(steps, None, True))
    found = [piece for piece in out if piece is not None]
    return torch.cat(found, dim=1) if found else None


def cut(x: Tensor, cuts: list[float]) -> Sequence[Tensor]:
    """Cut along time at parts of its length."""
    return x.tensor_split(sorted(round(c * x.shape[1]) for c in cuts), dim=1)


def statistics(network: SQCodecNetwork, codes: Tensor) -> list[Moments]:
    """The clip's own, gate by gate, from the whole of it."""
    known: list[Moments] = []
    while True:
        steps = decoder_steps(network, known)
        places = [i for i, step in enumerate(steps) if isinstance(step, Gate)]
        if len(places) == len(known):
            return known
        gate = steps[places[len(known)]]
        assert isinstance(gate, Gate)
        end = Collect(gate)
        feed([*steps[: places[len(known)]], end], [codes])
        assert end.moments is not None
        known.append(end.moments)


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS.keys())
def coded(request: pytest.FixtureRequest) -> dict[str, Any]:
    network, audio = lively(replace(TINY, **request.param), n_clips=2, n_frames=FRAMES)
    codes = network.encode(audio)
    assert len(codes.unique()) > 5
    return {
        "network": network,
        "audio": audio,
        "codes": codes,
        "decoded": network.decode(codes),
        "statistics": statistics(network, codes),
    }


CUTS = st.lists(st.floats(0, 1), max_size=8)


@settings(max_examples=15)
@given(cuts=CUTS)
def test_pieces_of_audio_give_the_codes_of_the_whole(
    coded: dict[str, Any], cuts: list[float]
) -> None:
    found = feed(encoder_steps(coded["network"]), cut(coded["audio"], cuts))
    assert found is not None
    assert torch.equal(found, coded["codes"])


@settings(max_examples=15)
@given(cuts=CUTS)
def test_pieces_of_codes_give_the_audio_of_the_whole(
    coded: dict[str, Any], cuts: list[float]
) -> None:
    steps = decoder_steps(coded["network"], coded["statistics"])
    found = feed(steps, cut(coded["codes"], cuts))
    assert found is not None
    assert_same(found, coded["decoded"], THROUGH_GATES)


@settings(max_examples=10)
@given(cuts=CUTS)
def test_running_statistics_do_not_depend_on_the_pieces(
    coded: dict[str, Any], cuts: list[float]
) -> None:
    network, codes = coded["network"], coded["codes"]
    expected = feed(decoder_steps(network), [codes])
    found = feed(decoder_steps(network), cut(codes, cuts))
    assert found is not None
    assert_same(found, expected, THROUGH_GATES)


def test_sample_by_sample(coded: dict[str, Any]) -> None:
    network, hop = coded["network"], coded["network"].config.hop_length
    audio = coded["audio"][:, : 3 * hop]
    found = feed(encoder_steps(network), audio.split(1, dim=1))
    assert torch.equal(found, network.encode(audio))


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_clips_shorter_than_what_a_layer_looks_around(coded: dict[str, Any], n_frames: int) -> None:
    network, codes = coded["network"], coded["codes"][:, :n_frames]
    steps = decoder_steps(network, statistics(network, codes))
    found = feed(steps, codes.split(1, dim=1))
    assert_same(found, network.decode(codes), THROUGH_GATES)


def test_nothing_gives_nothing(coded: dict[str, Any]) -> None:
    assert feed(encoder_steps(coded["network"]), []) is None
    assert feed(decoder_steps(coded["network"]), []) is None


@pytest.mark.parametrize("name", [*PRESETS, *ABLATIONS])
def test_every_configuration(name: str) -> None:
    """Of few channels, which nothing depends on, over more frames than its layers look around."""
    config = (PRESETS | ABLATIONS)[name]
    config = replace(
        config,
        encoder_widths=(6,) * len(config.encoder_widths),
        decoder_widths=(6,) * len(config.decoder_widths),
        latent_width=16,
    )
    around = latency(config)
    n_frames = 3 * (around.encoder + around.decoder) // (2 * config.hop_length) + 2
    network, audio = lively(config, n_clips=1, n_frames=n_frames)
    codes = network.encode(audio)
    pieces = cut(audio, [0.1, 0.11, 0.6, 0.95])
    assert torch.equal(feed(encoder_steps(network), pieces), codes)
    found = feed(
        decoder_steps(network, statistics(network, codes)), cut(codes, [0.1, 0.12, 0.6, 0.95])
    )
    assert_same(found, network.decode(codes), THROUGH_GATES)


MODULES: dict[str, tuple[nn.Module, int]] = {
    "tconv": (TConvUnit(6), 0),
    "plain first": (PlainFirst(6), 0),
    "conv unit": (ConvUnit(6), 6),
    "down": (DownLayer(6, 8, 4), 6),
    "up": (UpLayer(6, 8, 4), 6),
    "last": (LastUnit(6), 6),
}


@pytest.mark.parametrize(("module", "width"), MODULES.values(), ids=MODULES.keys())
def test_the_reach_is_what_a_module_sees_and_no_more(module: nn.Module, width: int) -> None:
    torch.manual_seed(0)
    module = randomise(module).requires_grad_(False)
    if isinstance(module, TConvUnit):
        module.expand.weight.abs_()  # no pooling may hide what another one sees
    x = torch.rand(1, 400, *([width] if width else []), dtype=torch.float64)
    changed = x.clone()
    changed[:, 200] += 10.0
    difference = (module(changed) - module(x)).abs()[0]
    difference = difference.reshape(len(difference), -1).sum(1)
    ratio = difference.shape[0] / x.shape[1]  # frames that come out for one that goes in
    seen = (difference > 0).nonzero().flatten()
    first, last = math.floor(seen.min().item() / ratio), math.floor(seen.max().item() / ratio)
    if ratio < 1:  # a frame of the output is several of the input
        first, last = 200, 200
    assert 200 - first == reach(module) == last - 200


def test_the_reach_of_a_gate() -> None:
    torch.manual_seed(0)
    gate = randomise(TEConvGate(6)).requires_grad_(False)
    x = torch.rand(1, 200, 6, dtype=torch.float64)
    changed = x.clone()
    changed[:, 100] += 10.0
    seen = (gate.envelopes(changed) - gate.envelopes(x)).abs().sum((0, 1)).nonzero()
    assert 100 - seen.min().item() == reach(gate) == seen.max().item() - 100


def test_interpolation_repeats_the_true_ends_alone() -> None:
    x = torch.randn(1, 9, 2, dtype=torch.float64)
    step = Local(partial(upsample_linear, rate=4), 1, up=4)
    assert torch.equal(feed([step], x.split(2, dim=1)), upsample_linear(x, 4))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_look_ahead_is_what_a_piece_lacks(variant: dict[str, Any]) -> None:
    config = replace(TINY, **variant)
    network, audio = lively(config, n_clips=1, n_frames=FRAMES)
    steps = encoder_steps(network)
    ahead = look_ahead(steps, 1)
    settled = end = 0
    for piece in audio.split(97, dim=1):
        end += piece.shape[1]
        codes = run(steps, piece, False)
        settled += 0 if codes is None else codes.shape[1]
        assert settled == max(0, end - ahead) // config.hop_length
    steps = decoder_steps(network)
    ahead = look_ahead(steps, config.hop_length)
    assert ahead < FRAMES * config.hop_length
    settled = 0
    for end, piece in enumerate(network.encode(audio).split(1, dim=1), start=1):
        decoded = run(steps, piece, False)
        settled += 0 if decoded is None else decoded.shape[1]
        assert settled == max(0, end * config.hop_length - ahead)
