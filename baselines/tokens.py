"""What the adapters of neural codecs with codes share: the contract around a network.

An adapter says what the codec is (`CodecInfo`) and has two methods on tensors, for codes and for
audio; here are the checks, the bits (K F log2(codebook size), rounded up) and the length: what
a network returns is cut to T, or filled up with zeros where it is shorter.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bench.codec import CodecInfo, Encoded


class TokenCodec(ABC):
    """A network with codes behind the contract of `bench.codec`.

    Args:
        info: what it is.
        network: with its weights; put on `device`, in evaluation mode.
        device: "cpu" or "cuda".
    """

    def __init__(self, info: CodecInfo, network: torch.nn.Module, device: str) -> None:
        self._info = info
        self.network = network.to(device).eval()
        self._device = device

    @property
    def info(self) -> CodecInfo:
        """Name, rates, codebooks, weights."""
        return self._info

    @abstractmethod
    def codes_of(self, audio: torch.Tensor) -> torch.Tensor:
        """Audio [B, T] -> codes [B, K, F]."""

    @abstractmethod
    def audio_of(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [B, K, F] -> audio [B, T'], as long as the network makes it."""

    @torch.inference_mode()
    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Encode clips [B, T] (B, T > 0) at the codec's own rate to codes [B, K, F].

        Raises:
            ValueError: another rate, or no clips of that shape.
        """
        info = self._info
        if sample_rate != info.sample_rate:
            raise ValueError(f"{info.name} takes audio at {info.sample_rate} Hz, got {sample_rate}")
        if audio.ndim != 2 or not audio.size:
            raise ValueError(f"expected clips [B, T] with B, T > 0, got shape {list(audio.shape)}")
        codes = self.codes_of(torch.from_numpy(audio).to(self._device))  # [B, K, F]
        n_clips, n_codebooks, n_frames = codes.shape
        bits = float(math.ceil(n_codebooks * n_frames * math.log2(info.codebook_size)))
        return Encoded(
            bits=(bits,) * n_clips,
            length=audio.shape[1],
            sample_rate=sample_rate,
            codes=codes.cpu().numpy().astype(np.int64),
        )

    @torch.inference_mode()
    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Codes [B, K, F] -> audio [B, T].

        Raises:
            ValueError: there are no codes.
        """
        if encoded.codes is None:
            raise ValueError(f"{self._info.name} decodes codes [B, K, F], got none")
        audio = self.audio_of(torch.from_numpy(encoded.codes).to(self._device))  # [B, T']
        audio = functional.pad(audio, (0, encoded.length - audio.shape[1]))  # negative: cut
        return audio.cpu().numpy().astype(np.float32)
