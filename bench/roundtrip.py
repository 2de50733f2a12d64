"""One clip's way through a codec, as the protocol goes it.

The reference [T] at its own rate R is brought to the codec's rate, encoded, decoded, brought
back to R, and both are cut to the shorter: metrics compare at R. What the codec promised by
the contract is checked here, so that a fault is the codec's by name and not a metric's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench import audio
from bench.codec import Codec, CodecInfo, Encoded


class CodecFault(ValueError):
    """A codec broke its contract; the message says what it did and what was expected."""


@dataclass(frozen=True)
class Decoded:
    """A clip beside what the codec made of it.

    Attributes:
        reference, estimate: float32 [T], of one length, at the reference's rate.
        bits: what the codec sent for the clip.
        codes: int64 [K, F], or None for a codec without tokens.
    """

    reference: NDArray[np.float32]
    estimate: NDArray[np.float32]
    bits: float
    codes: NDArray[np.int64] | None


def through_codec(codec: Codec, reference: NDArray[np.float32], sample_rate: int) -> Decoded:
    """Send a clip [T] at `sample_rate` (Hz) through a codec.

    Raises:
        CodecFault: the bits are no positive number; the codes do not fit the codec's own
            description; the encoding is of another rate; or the decoded audio has another
            shape than what was encoded, is not floating point, or has NaN or infinite samples.
    """
    codec_rate = codec.info.sample_rate or sample_rate
    # A copy: a codec that works in place must not touch the reference.
    sent = audio.resample(reference, sample_rate, codec_rate)[None].copy()  # [1, T]
    expected_shape = sent.shape
    encoded = codec.encode(sent, codec_rate)
    bits = _checked_bits(encoded)
    codes = _checked_codes(encoded, codec.info)
    if encoded.sample_rate != codec_rate:
        raise CodecFault(
            f"the codec encoded at {encoded.sample_rate} Hz what it got at {codec_rate} Hz"
        )
    decoded = _checked_audio(codec.decode(encoded), expected_shape)
    estimate = audio.resample(decoded[0].astype(np.float32), codec_rate, sample_rate)
    return Decoded(*audio.cut_to_shorter(reference, estimate), bits=bits, codes=codes)


def _checked_bits(encoded: Encoded) -> float:
    if len(encoded.bits) != 1:
        raise CodecFault(f"the codec gave the bits of {len(encoded.bits)} clips for one clip")
    bits = float(encoded.bits[0])
    if not (math.isfinite(bits) and bits > 0):
        raise CodecFault(f"the codec gave {bits} as the number of bits it sent")
    return bits


def _checked_codes(encoded: Encoded, info: CodecInfo) -> NDArray[np.int64] | None:
    """The codes of the only clip, [1, K, F] -> [K, F]."""
    if encoded.codes is None:
        if info.n_codebooks:
            raise CodecFault(f"the codec gave no codes, expected {info.n_codebooks} codebooks")
        return None
    codes = np.asarray(encoded.codes)
    if codes.ndim != 3 or codes.shape[:2] != (1, info.n_codebooks):
        raise CodecFault(
            f"the codec gave codes of shape {list(codes.shape)}, expected [1, "
            f"{info.n_codebooks}, frames]"
        )
    if not np.issubdtype(codes.dtype, np.integer):
        raise CodecFault(f"the codec gave {codes.dtype} codes, expected integers")
    if codes.size and not 0 <= codes.min() <= codes.max() < info.codebook_size:
        raise CodecFault(
            f"the codec gave codes from {codes.min()} to {codes.max()}, "
            f"expected 0 to {info.codebook_size - 1}"
        )
    return codes[0].astype(np.int64)


def _checked_audio(decoded: NDArray[np.float32], expected: tuple[int, ...]) -> NDArray[np.float32]:
    decoded = np.asarray(decoded)
    if decoded.shape != expected:
        raise CodecFault(
            f"the codec returned audio of shape {list(decoded.shape)} for {list(expected)}"
        )
    if not np.issubdtype(decoded.dtype, np.floating):
        raise CodecFault(f"the codec returned {decoded.dtype} samples, expected floating point")
    n_bad = decoded.size - int(np.isfinite(decoded).sum())
    if n_bad:
        raise CodecFault(f"the codec returned NaN or infinite samples: {n_bad} of {decoded.size}")
    return decoded
