"""WavTokenizer's network: encoder, codebook, backbone and head, with the published sizes.

Letters: B batch, T samples, D latent width, F frames. Frames = ceil(T / hop). Group norm and
attention see the whole clip, so that clips are not mixed with padding: a batch has clips of
one length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from baselines.wavtokenizer.backbone import Backbone, Head
from baselines.wavtokenizer.encoder import Encoder

SAMPLE_RATE = 24_000


@dataclass(frozen=True)
class WavTokenizerConfig:
    """Sizes of the network.

    Attributes:
        strides: of the encoder, from the audio on; their product is the hop in samples.
        n_filters: channels of the encoder's first layer.
        latent_width: D.
        codebook_size: entries.
        width, hidden_width, n_layers: of the backbone.
    """

    strides: tuple[int, ...]
    n_filters: int = 32
    latent_width: int = 512
    codebook_size: int = 4096
    width: int = 768
    hidden_width: int = 2304
    n_layers: int = 12

    @property
    def hop(self) -> int:
        """Samples a frame."""
        return math.prod(self.strides)

    @property
    def n_fft(self) -> int:
        """Of the head: four hops."""
        return 4 * self.hop


class WavTokenizer(nn.Module):
    """Audio to codes and back."""

    codebook: torch.Tensor

    def __init__(self, config: WavTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.n_filters, config.strides, config.latent_width)
        self.register_buffer("codebook", torch.zeros(config.codebook_size, config.latent_width))
        self.backbone = Backbone(
            config.latent_width, config.width, config.hidden_width, config.n_layers
        )
        self.head = Head(config.width, config.n_fft, config.hop)

    def encode(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio [B, T] -> codes [B, F]."""
        return self.nearest(self.encoder(audio[:, None]))

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, F] -> audio [B, F hop]."""
        return self.head(self.backbone(self.entries(codes)))

    def nearest(self, latent: torch.Tensor) -> torch.Tensor:
        """Frames [B, D, F] -> codes [B, F]: the nearest entry to each frame."""
        x = latent.transpose(1, 2)  # [B, F, D]
        # |x - e|^2 = |x|^2 - 2 x e + |e|^2
        products = x @ self.codebook.T  # [B, F, codebook size]
        squares = x.square().sum(-1, keepdim=True), self.codebook.square().sum(-1)
        return (squares[0] - 2 * products + squares[1]).argmin(dim=-1)

    def entries(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, F] -> their entries [B, D, F]."""
        return self.codebook[codes].transpose(1, 2)
