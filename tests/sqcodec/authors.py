"""The authors' published network, as the reference that the tests compare ours with.

Built from the package `sq_codec` 0.0.1 with random weights. As that package initialises it,
GRN, Snake and the norms do nothing, all weights are tiny and few codes occur: agreement with
such a network proves little. `build` therefore draws every parameter anew, and `calibrate`
sees to it that all levels of every quantized dimension are in use and that the waveform is
neither faint nor clipped.

Letters: B batch, T samples, F frames, D latent width, L quantized dimensions.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import torch
from local_attention.transformer import DynamicPositionBias
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import sq_codec
    from sq_codec.layers import GRN, ChannelNorm, Snake1d
    from sq_codec.modules import ConvUnit

NAMES = {
    "sqcodec-0.75k": "0k75bps",
    "sqcodec-1.5k": "1k5bps",
    "sqcodec-3k": "3kbps",
    "sqcodec-6k": "6kbps",
    "sqcodec-12k": "12kbps",
    "sqcodec-12k-24khz": "12kbps_24khz",
    "sqcodec-24k-24khz": "24kbps_24khz",
}

# Before the quantizer's tanh, a tenth of the frames are left beyond this on each side, where
# the outermost of 7 or 9 levels are.
_LATENT_REACH = 1.4
# Standard deviation of the waveform before the last tanh: lively, and seldom clipped.
_WAVEFORM_STD = 0.4


class _PositionBias(DynamicPositionBias):
    """The package's position bias, with the distances in the dtype of its weights.

    The package has them in float32, which its layers refuse once they are in float64.
    """

    def forward(self, i: int, j: int) -> Tensor:
        """Bias [H, i, j] of the last i of j frames on all of them."""
        by_distance = self.mlp(torch.arange(j, dtype=self.mlp[0].weight.dtype)[:, None])
        distance = torch.arange(j - i, j)[:, None] - torch.arange(j)
        return by_distance[distance.abs()].permute(2, 0, 1)


def build(preset: str, seed: int = 0) -> sq_codec.EnCodec:
    """Return the authors' network of one of our presets, randomised, float32, in eval mode."""
    file = sq_codec.CONFIG_DIR / f"{NAMES[preset]}.toml"
    network = sq_codec.EnCodec(sq_codec.SQCodecConfig(config_file=file).network_config).eval()
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, DynamicPositionBias):
            module.__class__ = _PositionBias
    _randomise(network, generator)
    return network


@torch.no_grad()
def calibrate(network: sq_codec.EnCodec, audio: Tensor) -> None:
    """Scale two layers so that `audio` [B, T] uses all codes and comes out neither faint nor loud.

    They are the layer before the quantizer and the last convolution.
    """
    hidden = latent(network, audio)
    project_in = network.quantizer.project_in
    z = (project_in(hidden) - project_in.bias).flatten(0, 1)  # [B * F, L]
    low, high = z.quantile(torch.tensor([0.1, 0.9]), dim=0)
    gain = 2 * _LATENT_REACH / (high - low)
    project_in.weight *= gain[:, None]
    project_in.bias.copy_(-gain * (low + high) / 2)

    blocks = network.decoder.blocks
    *_, conv, _tanh = last = blocks[-1].block
    features = blocks[:-1](network.en_decoder(network.quantizer(hidden)[0]))
    gain = _WAVEFORM_STD / last[:-1](features).std()
    conv.parametrizations.weight.original0 *= gain
    conv.bias *= gain


def state(network: sq_codec.EnCodec) -> dict[str, Tensor]:
    """Return all parameters, each key led by the name of the file that it is saved in."""
    return {
        f"{file}.{key}": value
        for file, module in network.trainable_modules.items()
        for key, value in module.state_dict().items()
    }


def save(network: sq_codec.EnCodec, folder: Path) -> None:
    """Write the five `.pt` files as the package does."""
    network.save_model(model_path=folder)


def latent(network: sq_codec.EnCodec, audio: Tensor) -> Tensor:
    """Audio [B, T], padded here as the authors do -> latent [B, F, D]."""
    padded, _ = network.preprocess(audio)
    return network.en_encoder(network.encoder(padded[:, None]))


def bound(network: sq_codec.EnCodec, latent: Tensor) -> Tensor:
    """Latent [B, F, D] -> what the quantizer rounds, [B, F, L]."""
    return network.quantizer.vq.bound(network.quantizer.project_in(latent))


def encode(network: sq_codec.EnCodec, audio: Tensor) -> Tensor:
    """Audio [B, T], padded here as the authors do -> codes [B, F]."""
    _, codes, _ = network.quantizer(latent(network, audio))
    return codes.long()


def decode(network: sq_codec.EnCodec, codes: Tensor) -> Tensor:
    """Codes [B, F] -> audio [B, F * hop].

    The package's own look-up divides integers into float32; this one keeps the network's dtype.
    """
    quantizer = network.quantizer
    radius = quantizer.vq._levels // 2
    digits = quantizer.vq.indices_to_level_indices(codes) - radius  # [B, F, L]
    values = digits.to(quantizer.project_out.weight.dtype) / radius
    return network.decoder(network.en_decoder(quantizer.project_out(values)))[:, 0]


def _quiet_layers(network: nn.Module) -> set[nn.Module]:
    """Return the layers whose output goes into a channel norm."""
    quiet: set[nn.Module] = set()
    for module in network.modules():
        if isinstance(module, ConvUnit):
            quiet.add(module.dw_conv)
        elif isinstance(module, nn.Sequential) and isinstance(module[-1], ChannelNorm):
            quiet.add(module[0])
    return quiet


@torch.no_grad()
def _randomise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every parameter, so that no layer is trivial and no epsilon of a norm negligible."""

    def uniform(parameter: Tensor, low: float, high: float) -> None:
        noise = torch.rand(parameter.shape, generator=generator)
        parameter.copy_(low + (high - low) * noise)

    def normal(parameter: Tensor, std: float) -> None:
        parameter.copy_(std * torch.randn(parameter.shape, generator=generator))

    quiet = _quiet_layers(network)
    drawn: set[Tensor] = set()
    for module in network.modules():
        if is_parametrized(module, "weight"):
            # A channel norm undoes the scale of what it is given, up to its epsilon: only
            # features this faint can tell one epsilon from another.
            scale = 0.02 if module in quiet else 1.0
            parts = module.parametrizations.weight
            normal(parts.original1, 1.0)
            uniform(parts.original0, 0.5 * scale, 1.2 * scale)
            normal(module.bias, 0.3 * scale)
            drawn |= {parts.original0, parts.original1, module.bias}
        elif isinstance(module, (ChannelNorm, nn.LayerNorm, nn.InstanceNorm1d)):
            uniform(module.weight, 0.5, 1.5)
            normal(module.bias, 0.3)
            drawn |= {module.weight, module.bias}
        elif isinstance(module, GRN):
            normal(module.gamma, 0.3)
            normal(module.beta, 0.3)
            drawn |= {module.gamma, module.beta}
        elif isinstance(module, Snake1d):
            uniform(module.alpha, 0.5, 1.5)
            drawn.add(module.alpha)
        elif isinstance(module, (nn.Linear, nn.Conv1d)):
            normal(module.weight, 1 / math.sqrt(module.weight[0].numel()))
            drawn.add(module.weight)
            if module.bias is not None:
                normal(module.bias, 0.3)
                drawn.add(module.bias)
    for module in network.modules():
        if isinstance(module, _PositionBias):
            # Its input, the distance in frames, goes into the hundreds.
            normal(module.mlp[0].weight, 0.01)
    trivial = [n for n, p in network.named_parameters() if p.numel() and p not in drawn]
    if trivial:
        raise AssertionError(f"parameters not drawn: {trivial}")
