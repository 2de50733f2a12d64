"""Whisper's audio encoder, whose latents the perceptual loss compares.

Audio [B, T] -> log-mel spectrogram [B, 80, frames] (25 ms windows, 10 ms hops) -> latents
[B, frames / 2, D]. The encoder sees the crop alone, not a crop padded to 30 s: positions
beyond its end are cut off, which saves most of the cost.

Audio of another rate than 16 kHz needs no resampling: windows of the same duration have the
same bins, of which those up to 8 kHz are used.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022),
and the layout of the published checkpoints.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

N_MELS = 80
_MEL_RATE = 16_000
_MEL_FFT = 400
_HEAD_WIDTH = 64


@cache
def _mel_filters() -> Tensor:
    """Triangular filters on the mel scale, [80, 201]."""
    import librosa  # seconds to load, and training without the perceptual loss needs it not

    return torch.from_numpy(librosa.filters.mel(sr=_MEL_RATE, n_fft=_MEL_FFT, n_mels=N_MELS))


def log_mel(audio: Tensor, sample_rate: int) -> Tensor:
    """Whisper's input features: [B, T] -> [B, 80, T / 10 ms], about -1 to 1.

    Raises:
        ValueError: windows of 25 ms and hops of 10 ms are no whole samples, or the rate is
            below 16 kHz.
    """
    if sample_rate < _MEL_RATE or sample_rate % 200:
        raise ValueError(f"sample_rate must be a multiple of 200, 16000 or more, got {sample_rate}")
    size, hop = sample_rate // 40, sample_rate // 100
    window = torch.hann_window(size, device=audio.device)
    spectrum = torch.stft(audio.float(), size, hop, window=window, return_complex=True)
    spectrum = spectrum[:, : _MEL_FFT // 2 + 1, :-1]  # up to 8 kHz
    # A window of more samples sums more of them.
    power = (spectrum.real.square() + spectrum.imag.square()) * (_MEL_FFT / size) ** 2
    mel = _mel_filters().to(audio.device) @ power  # [B, 80, frames]
    logarithm = mel.clamp_min(1e-10).log10()
    # 80 dB below a clip's loudest bin is as good as silence.
    floor = logarithm.detach().amax(dim=(1, 2), keepdim=True) - 8
    return (torch.maximum(logarithm, floor) + 4) / 4


class EncoderLayer(nn.Module):
    """Self-attention over all frames, then a feed-forward layer (pre-norm)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width)
        self.to_out = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.reduce = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, F, D] -> [B, F, D]."""
        qkv = self.to_qkv(self.attention_norm(x))  # [B, F, 3 D]
        qkv = qkv.unflatten(-1, (3, -1, _HEAD_WIDTH))  # [B, F, 3, H, E]
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, H, F, E]
        attended = nnf.scaled_dot_product_attention(q, k, v)
        x = x + self.to_out(attended.transpose(1, 2).flatten(2))
        return x + self.reduce(nnf.gelu(self.expand(self.feed_forward_norm(x))))


class WhisperEncoder(nn.Module):
    """Log-mel spectrogram -> latents.

    Args:
        width: D, a multiple of 64 (tiny: 384).
        depth: layers (tiny: 4).
        n_positions: frames of 20 ms that the encoder can tell apart (1500).
    """

    def __init__(self, width: int = 384, depth: int = 4, n_positions: int = 1500) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(N_MELS, width, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(width, width, kernel_size=3, stride=2, padding=1)
        self.positions = nn.Parameter(torch.zeros(n_positions, width))
        self.layers = nn.ModuleList(EncoderLayer(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, features: Tensor) -> Tensor:
        """[B, 80, frames] -> [B, ceil(frames / 2), D].

        Raises:
            ValueError: there are more frames than positions.
        """
        x = nnf.gelu(self.conv2(nnf.gelu(self.conv1(features)))).transpose(1, 2)  # [B, F, D]
        if x.shape[1] > len(self.positions):
            raise ValueError(
                f"Whisper hears at most {len(self.positions)} frames of 20 ms, got {x.shape[1]}"
            )
        x = x + self.positions[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)
