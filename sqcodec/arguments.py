"""What the codec takes: audio is float, [B, T] or [T]; codes are int64, [B, F] or [F]."""

from __future__ import annotations

import torch
from torch import Tensor


def check_audio(audio: Tensor, *, least: int = 1) -> None:
    """Refuse what is no audio of `least` samples or more.

    Raises:
        ValueError: it is not floating point, not finite, too short, or of more axes.
    """
    if not isinstance(audio, Tensor) or not audio.is_floating_point():
        raise ValueError(f"audio must be a floating-point tensor, got {_kind(audio)}")
    if not _is_clips(audio, least):
        raise ValueError(
            f"audio must have shape [B, T] with T >= {least}, one channel a clip, "
            f"got {tuple(audio.shape)}"
        )
    # Of hours of audio, isfinite would make another copy.
    if audio.numel() and not all(torch.isfinite(value) for value in audio.aminmax()):
        raise ValueError("audio must be finite, got NaN or infinity")


def check_codes(codes: Tensor, codebook_size: int, *, least: int = 1) -> None:
    """Refuse what is no codes of `least` frames or more.

    Raises:
        ValueError: they are of another type or shape, or out of the codebook.
    """
    if not isinstance(codes, Tensor) or codes.dtype != torch.int64:
        raise ValueError(f"codes must be an int64 tensor, got {_kind(codes)}")
    if not _is_clips(codes, least):
        raise ValueError(
            f"codes must have shape [B, F] with F >= {least}, got {tuple(codes.shape)}"
        )
    if not codes.numel():
        return
    low, high = (int(value) for value in codes.aminmax())
    if low < 0 or high >= codebook_size:
        raise ValueError(f"codes must lie in 0..{codebook_size - 1}, got {low}..{high}")


def _is_clips(x: Tensor, least: int) -> bool:
    """Whether x is a clip [n] or a batch of them [B, n], B >= 1, with n >= `least`."""
    return x.ndim in (1, 2) and x.shape[-1] >= least and (x.ndim == 1 or len(x) > 0)


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
