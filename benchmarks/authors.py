"""The authors' package `sq_codec` with our weights, to be timed and compared with.

The extra `test` installs it. Which of its parameters is which of ours is known the other way
round (`sqcodec.import_authors`): sent through that, numbered values tell where each goes.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchmarks.training_step import AUTHORS_NAMES
from sqcodec.import_authors import AUTHORS_FILES, convert
from sqcodec.model import SQCodecNetwork


class AuthorsCodec:
    """The authors' network with the weights of one of ours.

    Args:
        ours: with weight normalisation, as it is trained and saved.
        folded: without weight normalisation, which the package leaves in.

    Raises:
        ModuleNotFoundError: their package is not installed.
    """

    def __init__(self, ours: SQCodecNetwork, *, folded: bool) -> None:
        self.network = _build(ours)
        if folded:
            for module in self.network.modules():
                if parametrize.is_parametrized(module, "weight"):
                    parametrize.remove_parametrizations(module, "weight")
        self.network.eval().requires_grad_(False)

    @torch.inference_mode()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T] -> codes [B, F]; padded to whole windows, as the package does."""
        padded, _ = self.network.preprocess(audio)
        latent = self.network.en_encoder(self.network.encoder(padded[:, None]))
        return self.network.quantizer(latent)[1].long()

    @torch.inference_mode()
    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, F] -> audio [B, F * hop]."""
        quantizer = self.network.quantizer
        radius = quantizer.vq._levels // 2
        digits = quantizer.vq.indices_to_level_indices(codes) - radius  # [B, F, L]
        quantized = quantizer.project_out(digits.to(quantizer.project_out.weight.dtype) / radius)
        return self.network.decoder(self.network.en_decoder(quantized))[:, 0]


def _build(ours: SQCodecNetwork) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch, about their imports
        import sq_codec
    file = sq_codec.CONFIG_DIR / f"{AUTHORS_NAMES[ours.config.name]}.toml"
    network: Any = sq_codec.EnCodec(sq_codec.SQCodecConfig(config_file=file).network_config)
    parts: dict[str, nn.Module] = {name: getattr(network, name) for name in AUTHORS_FILES}
    like = {f"{n}.{key}": v for n, part in parts.items() for key, v in part.state_dict().items()}
    values = _inverted(like, ours)
    for name, part in parts.items():
        part.load_state_dict({key: values[f"{name}.{key}"] for key in part.state_dict()})
    return network


def _inverted(like: dict[str, Tensor], ours: SQCodecNetwork) -> dict[str, Tensor]:
    """Give our weights their names and shapes."""
    numbered, n_values = {}, 0
    for key, value in like.items():
        numbers = torch.arange(n_values, n_values + value.numel())
        numbered[key] = numbers.reshape(value.shape)
        n_values += value.numel()
    values = torch.zeros(n_values)
    weights = ours.state_dict()
    for key, numbers in convert(dict(numbered), ours.config).items():
        values[numbers] = weights[key]
    return {key: values[numbers] for key, numbers in numbered.items()}
