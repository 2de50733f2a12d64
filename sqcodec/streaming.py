"""Codes and audio that come piece by piece, of any sizes, and what that delays them by.

The encoder gives the codes that it gives for the whole clip. The decoder's TEConv gates
normalise by statistics of the whole clip, which a stream does not have. It takes those that are
given to it: with the clip's own it gives the whole clip's audio, too. Or it takes those of what
came so far, and gives other audio, of 6 to 17 dB SDR against the whole clip's
(docs/streaming.md).

Conventions as in `sqcodec.inference`: audio is float [B, T] or [T], codes are int64 [B, F] or
[F]. A stream keeps the shape that it begins with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from sqcodec.arguments import check_audio, check_codes
from sqcodec.chunks import Gate, Step, decoder_steps, encoder_steps, look_ahead, run, shape_of
from sqcodec.model import SQCodecNetwork
from sqcodec.moments import Moments
from sqcodec.presets import SQCodecConfig

Statistics = tuple[Moments, ...]
"""What the TEConv gates normalise by, from the decoder's first gate to its last."""


@dataclass(frozen=True)
class Latency:
    """How long a stream holds samples back, in samples.

    Computing comes on top, and so does what a chunk waits for its last sample.

    Attributes:
        frame: of a code; it takes all of these before there is one.
        encoder: beyond its frame that a code depends on.
        decoder: beyond a sample's own frame end that the codes must reach.
        sample_rate: Hz.
    """

    frame: int
    encoder: int
    decoder: int
    sample_rate: int

    @property
    def total(self) -> int:
        """The most that a sample comes out later than it went in."""
        return self.frame + self.encoder + self.decoder

    @property
    def total_ms(self) -> float:
        """The same in milliseconds."""
        return 1000 * self.total / self.sample_rate


@lru_cache(maxsize=32)
def latency(config: SQCodecConfig) -> Latency:
    """Count what a configuration delays a stream by: how far its layers look ahead."""
    network = shape_of(config)
    return Latency(
        frame=config.hop_length,
        encoder=look_ahead(encoder_steps(network), 1),
        decoder=look_ahead(decoder_steps(network), config.hop_length),
        sample_rate=config.sample_rate,
    )


class _Stream:
    """A chain of steps that keeps the shape it begins with, and an end."""

    def __init__(self, steps: Sequence[Step], device: torch.device, out: torch.dtype) -> None:
        self._steps, self._device, self._out = steps, device, out
        self._leading: tuple[int, ...] | None = None
        self._ended = False

    def _push(self, x: Tensor) -> Tensor:
        if self._ended:
            raise ValueError("the stream has ended: begin another one")
        leading = tuple(x.shape[:-1])
        if self._leading is not None and leading != self._leading:
            shape = ", ".join([*map(str, self._leading), "n"])
            raise ValueError(
                f"the stream began with pieces of shape [{shape}], got {list(x.shape)}"
            )
        self._leading = leading
        x = x if x.ndim == 2 else x[None]
        return self._run(x if x.shape[1] else None, last=False)

    def _finish(self, x: Tensor | None = None) -> Tensor:
        if self._ended:
            raise ValueError("the stream has ended already")
        self._ended = True
        return self._run(x, last=True)

    def _run(self, x: Tensor | None, *, last: bool) -> Tensor:
        with torch.inference_mode():
            y = run(self._steps, x, last)
        leading = self._leading or ()
        if y is None:
            return torch.empty(*leading, 0, dtype=self._out, device=self._device)
        return y if leading else y[0]


class StreamEncoder(_Stream):
    """Audio in pieces of any size -> codes: those of the whole clip, as soon as they are known.

    Args:
        network: with its weights folded.
        unit: the clip is filled up with zeros to a multiple of as many samples.
        device: where the network is.
    """

    def __init__(
        self, network: SQCodecNetwork, unit: int, device: str | torch.device = "cpu"
    ) -> None:
        super().__init__(encoder_steps(network), torch.device(device), torch.int64)
        self._unit, self._length = unit, 0

    def push(self, audio: Tensor) -> Tensor:
        """Take the next samples, [B, n] or [n], n >= 0 -> the codes that they settle, int64.

        Raises:
            ValueError: bad audio (see `SQCodec.encode`), of another shape than before, or after
                the end.
        """
        check_audio(audio, least=0)
        codes = self._push(audio.to(self._device, torch.float32))
        self._length += audio.shape[-1]
        return codes

    def finish(self) -> Tensor:
        """Fill the last frame (padding "hop") or window up with zeros; return what is left.

        Raises:
            ValueError: the stream has ended already.
        """
        missing = -self._length % self._unit
        if not missing:
            return self._finish()
        n_clips = self._leading[0] if self._leading else 1
        return self._finish(torch.zeros(n_clips, missing, device=self._device))


class StreamDecoder(_Stream):
    """Codes in pieces of any size -> audio.

    Args:
        network: with its weights folded.
        statistics: what the gates normalise by; by those of all frames so far if None, which
            makes other audio than the whole clip's.
        device: where the network is.

    Raises:
        ValueError: the statistics are of another number of gates.
    """

    def __init__(
        self,
        network: SQCodecNetwork,
        statistics: Statistics | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        steps = decoder_steps(network, statistics or ())
        n_gates = sum(isinstance(step, Gate) for step in steps)
        if statistics is not None and len(statistics) != n_gates:
            raise ValueError(
                f"the decoder has {n_gates} gates, got statistics of {len(statistics)}"
            )
        super().__init__(steps, torch.device(device), torch.float32)
        # One clip's serve any number of clips.
        self._n_clips = max((len(given.total) for given in statistics or ()), default=1)
        self._codebook_size = network.config.codebook_size

    def push(self, codes: Tensor) -> Tensor:
        """Take the next codes, [B, n] or [n], n >= 0 -> the samples that they settle, float32.

        Raises:
            ValueError: bad codes (see `SQCodec.decode`), of another shape than before, of
                another number of clips than the statistics, or after the end.
        """
        check_codes(codes, self._codebook_size, least=0)
        n_clips = len(codes) if codes.ndim == 2 else 1
        if self._n_clips not in (1, n_clips):
            raise ValueError(f"the statistics are of {self._n_clips} clips, got {n_clips}")
        return self._push(codes.to(self._device))

    def finish(self) -> Tensor:
        """Return what is left: in all, a hop of samples for each code.

        Raises:
            ValueError: the stream has ended already.
        """
        return self._finish()

    @property
    def statistics(self) -> Statistics | None:
        """The given statistics, or those of all frames so far; None before the first."""
        gates = [step.moments for step in self._steps if isinstance(step, Gate)]
        found = tuple(moments for moments in gates if moments is not None)
        return found if len(found) == len(gates) else None


def through(stream: StreamEncoder | StreamDecoder, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """Send pieces through a stream, to its end; yield what comes out.

    Raises:
        ValueError: a tensor instead of pieces: its clips would be taken for pieces of one.
    """
    if isinstance(pieces, Tensor):
        raise ValueError(
            "expected pieces, one after the other, got a tensor: x.split(n, dim=-1) cuts it"
        )
    return _through(stream, pieces)


def _through(stream: StreamEncoder | StreamDecoder, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    for piece in pieces:
        out = stream.push(piece)
        if out.shape[-1]:
            yield out
    out = stream.finish()
    if out.shape[-1]:
        yield out
