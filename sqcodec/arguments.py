"""What the codec takes: audio is float, [B, T] or [T]; codes are int64, [B, F] or [F]."""

from __future__ import annotations

import math

import torch
from torch import Tensor

MAX_PEAK = 1e4
"""Louder audio, full scale being 1, is an accident; far louder one would overflow to silence."""


def check_audio(audio: Tensor, *, least: int = 1) -> None:
    """Refuse what is no audio of `least` samples or more.

    Raises:
        ValueError: it is not floating point, not finite, far too loud, too short, or of more axes.
    """
    if not isinstance(audio, Tensor) or not audio.is_floating_point():
        raise ValueError(f"audio must be a floating-point tensor, got {_kind(audio)}")
    if not _is_clips(audio, least):
        raise ValueError(
            f"audio must have shape [B, T] with T >= {least}, one channel a clip, "
            f"got {tuple(audio.shape)}"
        )
    # Of hours of audio, isfinite would make another copy.
    peak = max(abs(value.item()) for value in audio.aminmax()) if audio.numel() else 0.0
    if not math.isfinite(peak):
        raise ValueError("audio must be finite, got NaN or infinity")
    if peak > MAX_PEAK:
        raise ValueError(f"audio must lie in [-1, 1], got {peak:.3g}")


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
