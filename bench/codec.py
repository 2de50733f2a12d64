"""The contract of a codec: what an adapter offers, and nothing else.

A codec has an `info` and two verbs, `encode` and `decode`. Audio is float32 numpy in
[-1, 1], shaped [B, T]; codes are int64, shaped [B, K, F] (B batch, T samples,
K codebooks, F frames). The contract imports no other room of the project, so an adapter
needs this file, numpy and its own upstream library.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class CodecUnavailableError(RuntimeError):
    """A codec cannot run here because something is missing (weights, an extra, a program).

    The message is one line for the user: what is missing, why it is needed, how to get it.
    """


@dataclass(frozen=True)
class CodecInfo:
    """What a codec says of itself.

    Attributes:
        name: the name it was asked for by, such as ``sqcodec-3k``.
        sample_rate: the rate of the audio it takes and returns, Hz; None takes any rate.
        bitrate_bps: its nominal bitrate, bit/s; None where it has none (the reference).
        n_codebooks: K; 0 for a codec without tokens.
        codebook_size: entries per codebook; 0 for a codec without tokens.
        frame_rate_hz: frames per second; 0 for a codec without frames.
        revision: a hash of all that decides its output (weights, settings, library version).
        weights: the weights and the data they were trained on, in a line; "" where none.
        licence: of the codec and its weights, as an SPDX expression where there is one.
        citation: what to cite.
        weights_sha256: of the weights' file, 64 hexadecimal digits; "" where there is none.
    """

    name: str
    sample_rate: int | None
    bitrate_bps: float | None
    n_codebooks: int
    codebook_size: int
    frame_rate_hz: float
    revision: str
    weights: str = ""
    licence: str = ""
    citation: str = ""
    weights_sha256: str = ""


@dataclass(frozen=True)
class CodecCard:
    """What is known of a codec before it is loaded, for lists and advice.

    Attributes:
        name: as it is asked for.
        description: what it is, in a line.
        sample_rate: the rate it works at, Hz; None takes any rate.
        bitrate_bps: its nominal bitrate, bit/s; None where it has none.
        weights: where its weights come from; "" for a codec without weights.
        missing: what it lacks to run here and how to get it, in a line; "" if nothing.
    """

    name: str
    description: str
    sample_rate: int | None
    bitrate_bps: float | None
    weights: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Encoded:
    """What would be sent for a batch of clips.

    Attributes:
        bits: per clip, the number of bits really sent, length B.
        length: T, the samples per channel that `decode` has to return.
        sample_rate: of the encoded audio, Hz.
        codes: int64 [B, K, F], or None for a codec without tokens.
        payload: whatever else the codec's own `decode` needs (packets, say).
    """

    bits: tuple[float, ...]
    length: int
    sample_rate: int
    codes: NDArray[np.int64] | None = None
    payload: Any = None


@dataclass(frozen=True)
class KnownAnswer:
    """The first codes that a sine is known to have with a codec's published weights.

    Attributes:
        frequency_hz, amplitude, duration_s: of the sine, which begins at 0.
        sample_rate: of the codec, Hz.
        codes: the first ones of the first codebook.
    """

    frequency_hz: float
    amplitude: float
    duration_s: float
    sample_rate: int
    codes: tuple[int, ...]

    def clip(self) -> NDArray[np.float32]:
        """The sine, [T]."""
        time_s = np.arange(round(self.duration_s * self.sample_rate)) / self.sample_rate
        sine = self.amplitude * np.sin(2 * np.pi * self.frequency_hz * time_s)
        return sine.astype(np.float32)


@dataclass(frozen=True)
class Facts:
    """What is known of a codec, for certification; an adapter may have it as its `facts`.

    Attributes:
        delay_samples: by which its audio is late at its own rate, negative if early.
        levels: of a scalar quantizer, whose code is the mixed-radix number of its digits, the
            first the least significant.
        batch_size_1: it takes one clip at a time.
        known_answer: what the published weights make of a known clip.
    """

    delay_samples: int = 0
    levels: tuple[int, ...] = ()
    batch_size_1: bool = False
    known_answer: KnownAnswer | None = None


@runtime_checkable
class ClipwiseCodec(Protocol):
    """A codec that has to be told which clip it gets, because it has files of its own for each.

    It is a `Codec` besides, for what it says of itself.
    """

    def of_clip(self, clip: str) -> Codec:
        """The codec for the clip with this id. Raises ValueError if it has nothing for it."""
        ...

    def unpaired(self, clips: Iterable[str]) -> list[str]:
        """Say in lines which of these clips it has nothing for, and what it has for no clip."""
        ...


@runtime_checkable
class Codec(Protocol):
    """A codec behind its adapter."""

    @property
    def info(self) -> CodecInfo:
        """Name, rates, codebooks, revision, licence."""
        ...

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Encode clips [B, T] at `sample_rate`, which is `info.sample_rate` unless that is None."""
        ...

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Return the decoded clips [B, T]: same rate, same length as were encoded."""
        ...
