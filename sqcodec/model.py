"""The SQCodec network: encoder, FSQ, decoder.

Audio [B, T] -> convolutional encoder -> local transformer(s) -> FSQ codes [B, F] -> local
transformer(s) -> convolutional decoder -> audio [B, T], T being a whole number of hops.

Source: SQCodec paper, section 3.1 and Figure 2; details as in the authors' published package.
"""

from __future__ import annotations

from torch import Tensor, nn

from sqcodec.layers import (
    ConvUnit,
    DownConv,
    DownLayer,
    LastUnit,
    UpLayer,
    conv_nlc,
    upsample_linear,
    weight_normed,
)
from sqcodec.local_transformer import LocalTransformer
from sqcodec.presets import SQCodecConfig
from sqcodec.quantizer import FSQ
from sqcodec.tconv import TConvUnit, TEConvGate


class PlainFirst(nn.Module):
    """The first layer of the ablation without TConv: one convolution, [B, T] -> [B, T, C]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = weight_normed(nn.Conv1d(1, width, kernel_size=7, padding=3))

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> [B, T, C]."""
        return conv_nlc(self.conv, audio[..., None])


class Encoder(nn.Module):
    """Audio [B, T] -> latent [B, F, D], before quantization."""

    def __init__(self, config: SQCodecConfig) -> None:
        super().__init__()
        widths, depths = config.encoder_widths, config.encoder_depths
        self.first = TConvUnit(widths[0]) if config.tconv else PlainFirst(widths[0])
        self.stages = nn.ModuleList()
        for i, rate in enumerate(config.encoder_rates):
            units = [ConvUnit(widths[i]) for _ in range(depths[i])]
            self.stages.append(nn.Sequential(*units, DownLayer(widths[i], widths[i + 1], rate)))
        self.last_units = nn.Sequential(*(ConvUnit(widths[-1]) for _ in range(depths[-1])))
        self.project = weight_normed(
            nn.Conv1d(widths[-1], config.latent_width, kernel_size=3, padding=1)
        )
        self.outer = None
        if config.outer is not None:
            self.outer = LocalTransformer(config.latent_width, config.outer)
            self.down = DownConv(config.latent_width, config.latent_width, config.extra_rate)
        self.inner = LocalTransformer(config.latent_width, config.inner)

    def forward(self, audio: Tensor) -> Tensor:
        """[B, T] -> [B, F, D]."""
        x = self.first(audio)  # [B, T, C]
        for stage in self.stages:
            x = stage(x)
        x = conv_nlc(self.project, self.last_units(x))  # [B, T / conv_hop, D]
        if self.outer is not None:
            x = self.down(self.outer(x))
        return self.inner(x)


class Decoder(nn.Module):
    """Quantized latent [B, F, D] -> audio [B, T]."""

    def __init__(self, config: SQCodecConfig) -> None:
        super().__init__()
        widths, depths = config.decoder_widths, config.decoder_depths
        self.extra_rate = config.extra_rate
        self.inner = LocalTransformer(config.latent_width, config.inner)
        self.outer = None
        if config.outer is not None:
            self.outer = LocalTransformer(config.latent_width, config.outer)
        self.project = weight_normed(
            nn.Conv1d(config.latent_width, widths[0], kernel_size=3, padding=1)
        )
        self.stages = nn.ModuleList()
        for i, rate in enumerate(config.decoder_rates):
            units: list[nn.Module] = [ConvUnit(widths[i]) for _ in range(depths[i])]
            gate = [TEConvGate(widths[i])] if config.teconv else []
            up = UpLayer(widths[i], widths[i + 1], rate)
            self.stages.append(nn.Sequential(*units, *gate, up))
        self.last = LastUnit(widths[-1])

    def forward(self, latent: Tensor) -> Tensor:
        """[B, F, D] -> [B, T]."""
        x = self.inner(latent)
        if self.outer is not None:
            x = self.outer(upsample_linear(x, self.extra_rate))
        x = conv_nlc(self.project, x)  # [B, T / conv_hop, C]
        for stage in self.stages:
            x = stage(x)
        return self.last(x)


class SQCodecNetwork(nn.Module):
    """Encoder, quantizer and decoder of one configuration."""

    def __init__(self, config: SQCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quantizer = FSQ(config.latent_width, config.fsq_levels)
        self.decoder = Decoder(config)

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, T], T a multiple of the hop -> codes, int64 [B, F]."""
        return self.quantizer.encode(self.encoder(audio))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes, int64 [B, F] -> audio [B, F * hop]."""
        return self.decoder(self.quantizer.decode(codes))

    def forward(self, audio: Tensor) -> Tensor:
        """Audio [B, T] -> reconstruction [B, T], differentiable; T a multiple of the hop."""
        return self.decoder(self.quantizer(self.encoder(audio)))

    def n_parameters(self) -> int:
        """Number of learned values, scales of the weight normalisation included."""
        return sum(p.numel() for p in self.parameters())
