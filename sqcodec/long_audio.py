"""Whole clips of any length in bounded memory: piece by piece, the same as all at once.

The decoder's TEConv gates normalise by statistics of the whole clip. They are collected first,
one gate after the other, each pass with the statistics of the gates before; so a clip is
decoded in as many passes as there are gates, each as far as its gate, and a last one.

Letters: B batch, T samples, F frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sqcodec.chunks import Collect, Gate, Step, decoder_steps, run
from sqcodec.model import SQCodecNetwork
from sqcodec.moments import Moments
from sqcodec.presets import SQCodecConfig
from sqcodec.streaming import Statistics, StreamDecoder, StreamEncoder, through

LONG_S = 60.0
"""Clips longer than this go piece by piece."""

_PIECE_S = 5.0

Progress = Callable[[float], None]
"""Told what part is done, 0 to 1."""


def is_long(config: SQCodecConfig, length: int) -> bool:
    """Whether a clip of `length` samples goes piece by piece."""
    return length > LONG_S * config.sample_rate


def clips_at_once(config: SQCodecConfig, length: int) -> int:
    """How many clips of `length` samples, none of them long, go through the network together."""
    return max(1, int(LONG_S * config.sample_rate / length))


def encode(
    network: SQCodecNetwork, audio: Tensor, unit: int, device: torch.device, on_progress: Progress
) -> Tensor:
    """Audio [B, T], filled up to a multiple of `unit` samples -> codes, int64 [B, F]."""
    n_clips, length = audio.shape
    hop = network.config.hop_length
    n_frames = -(-length // unit) * unit // hop
    codes = torch.empty(n_clips, n_frames, dtype=torch.int64, device=device)
    end = 0
    pieces = audio.split(_piece_frames(network.config, n_clips) * hop, dim=1)
    for piece in through(StreamEncoder(network, unit, device), pieces):
        start, end = end, end + piece.shape[1]
        codes[:, start:end] = piece
        on_progress(end / n_frames)
    return codes


def decode(
    network: SQCodecNetwork,
    codes: Tensor,
    device: torch.device,
    statistics: Statistics | None,
    on_progress: Progress,
) -> Tensor:
    """Codes, int64 [B, F] -> audio [B, F * hop], by its own statistics or given ones."""
    n_clips, n_frames = codes.shape
    before = 0.0
    if statistics is None:
        n_gates = len(_gates(decoder_steps(network)))
        before = n_gates / (n_gates + 1)
        statistics = collect(network, codes, device, lambda done: on_progress(done * before))
    audio = torch.empty(n_clips, n_frames * network.config.hop_length, device=device)
    end = 0
    for piece in through(StreamDecoder(network, statistics, device), _pieces(network, codes)):
        start, end = end, end + piece.shape[1]
        audio[:, start:end] = piece
        on_progress(before + (1 - before) * end / audio.shape[1])
    return audio


def collect(
    network: SQCodecNetwork, codes: Tensor, device: torch.device, on_progress: Progress
) -> Statistics:
    """Return the statistics that the gates see when all of codes [B, F] are decoded at once."""
    known: list[Moments] = []
    pieces = _pieces(network, codes)
    n_gates = len(_gates(decoder_steps(network)))
    for number in range(n_gates):
        steps = decoder_steps(network, known)
        place = _gates(steps)[number]
        gate = steps[place]
        assert isinstance(gate, Gate)
        end = Collect(gate)
        steps = [*steps[:place], end]
        with torch.inference_mode():
            for done, piece in enumerate(pieces):
                run(steps, piece.to(device), False)
                on_progress((number + done / len(pieces)) / n_gates)
            run(steps, None, True)
        assert end.moments is not None
        known.append(end.moments)
    return tuple(known)


def _gates(steps: Sequence[Step]) -> list[int]:
    """Return the places of the gates in a chain."""
    return [place for place, step in enumerate(steps) if isinstance(step, Gate)]


def _pieces(network: SQCodecNetwork, codes: Tensor) -> Sequence[Tensor]:
    """Cut codes [B, F] along time."""
    return codes.split(_piece_frames(network.config, len(codes)), dim=1)


def _piece_frames(config: SQCodecConfig, n_clips: int) -> int:
    """Return the frames of a piece: the fewer, the more clips there are side by side."""
    return max(1, round(_PIECE_S * config.frame_rate_hz / n_clips))
