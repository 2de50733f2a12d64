"""sqcodec.fast: a rewritten network is the network, for every preset and variant."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sqcodec.fast import rewrite
from sqcodec.inference import fold_weight_norm
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import ABLATIONS, PRESETS, SQCodecConfig, get_config
from sqcodec.tconv import TEConvGate

# Root of the mean square error against float64, the fast path's by the plain one's: as exact,
# but for chance, which decides in a clip of a few frames.
MAX_ERROR_RATIO = 1.25
MAX_ERROR_RATIO_SHORT = 3.0
# Of values around 1.
SOME_ROUNDINGS = 1e-6
# A code may differ from float64's only where the value to be rounded is this close to a half.
TIE_DISTANCE = 1e-3


def network(config: SQCodecConfig, dtype: torch.dtype) -> SQCodecNetwork:
    """A network of random values in which no layer is trivial, nothing faint and little clipped."""
    torch.manual_seed(0)
    network = fold_weight_norm(SQCodecNetwork(config)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in network.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim > 1:
            noise *= parameter[0].numel() ** -0.5
            parameter.copy_(0.01 * noise if name.endswith("mlp.0.weight") else noise)
        else:
            parameter.add_(0.2 * noise)
    network.decoder.last.conv.weight.mul_(0.1)
    return network.to(dtype)


def clips(config: SQCodecConfig, n_clips: int, n_frames: int) -> Tensor:
    """Noise that swells, float64 [B, T]."""
    n_samples = n_frames * config.hop_length
    noise = torch.randn(n_clips, n_samples, generator=torch.Generator().manual_seed(1))
    return torch.logspace(-2, 0, n_samples, dtype=torch.float64) * noise


def bounded(network: SQCodecNetwork, audio: Tensor) -> Tensor:
    """What the quantizer rounds, [B, F, L]."""
    quantizer = network.quantizer
    latent = network.encoder(audio.to(quantizer.project_in.weight.dtype))
    return quantizer.bound(quantizer.project_in(latent))


def rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())


def compare(
    config: SQCodecConfig, n_clips: int, n_frames: int, max_ratio: float = MAX_ERROR_RATIO_SHORT
) -> None:
    """Fail unless the fast network agrees with the plain one up to rounding."""
    exact = network(config, torch.float64)
    plain = network(config, torch.float32)
    fast = rewrite(network(config, torch.float32))
    audio = clips(config, n_clips, n_frames)

    latents = [bounded(one, audio) for one in (exact, plain, fast)]
    assert_as_exact(*latents, max_ratio)
    from_half = (latents[0] - latents[0].floor() - 0.5).abs()
    differs = latents[2].round() != latents[0].round()
    assert (from_half[differs] < TIE_DISTANCE).all()

    codes = exact.quantizer.digits_to_codes(latents[0].round())
    decoded = [one.decode(codes) for one in (exact, plain, fast)]
    assert 0.01 < rms(decoded[0]) < 0.9
    assert_as_exact(*decoded, max_ratio)


def assert_as_exact(exact: Tensor, plain: Tensor, fast: Tensor, max_ratio: float) -> None:
    """Fail unless the fast result is about as close to the exact one as the plain one is."""
    assert fast.shape == exact.shape
    assert fast.dtype == plain.dtype
    assert rms(fast - exact) <= max_ratio * rms(plain - exact) + SOME_ROUNDINGS


def with_short_windows(config: SQCodecConfig) -> SQCodecConfig:
    """The same network with windows of a tenth, so that a short clip reaches beyond one."""
    inner = replace(config.inner, window=config.inner.window // 10)
    outer = config.outer and replace(config.outer, window=config.outer.window // 10)
    return replace(config, inner=inner, outer=outer)


@pytest.mark.parametrize("name", [*PRESETS, *ABLATIONS])
def test_just_over_a_window(name: str) -> None:
    config = with_short_windows(get_config(name))
    compare(config, n_clips=1, n_frames=config.inner.window + 3)


def test_just_over_a_window_of_full_length() -> None:
    config = PRESETS["sqcodec-6k"]
    compare(config, n_clips=1, n_frames=config.inner.window + 3, max_ratio=MAX_ERROR_RATIO)


@pytest.mark.parametrize("n_frames", [1, 2, 24, 25, 26, 51])
@pytest.mark.parametrize("n_clips", [1, 3])
def test_any_length_and_batch(tiny: SQCodecConfig, n_frames: int, n_clips: int) -> None:
    compare(tiny, n_clips, n_frames)


def test_a_frame_of_a_preset_with_two_transformers() -> None:
    compare(PRESETS["sqcodec-0.75k"], n_clips=2, n_frames=1)


def test_gates_stay_what_they_are(tiny: SQCodecConfig) -> None:
    plain = network(tiny, torch.float32)
    gates = [m for m in plain.modules() if isinstance(m, TEConvGate)]
    assert gates
    assert [m for m in rewrite(plain).modules() if isinstance(m, TEConvGate)] == gates


def test_a_mutant_is_seen(tiny: SQCodecConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqcodec.fast.layers.snake_", lambda u: u)
    with pytest.raises(AssertionError):
        compare(tiny, n_clips=1, n_frames=26)
