"""Recordings to .sqc and back: any rate, each channel for itself.

Conventions: audio is float32 [C, T] at the recording's own rate, full scale 1. Resampling is
SoX's resampler at its HQ setting. All that is sent are F = ceil(T / hop) frames, so the codec
is to be loaded with ``padding="hop"``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from sqcodec.bitstream import Header, StreamError, Writer, frames_per_block, most_samples
from sqcodec.bitstream_reader import Stream
from sqcodec.inference import SQCodec
from sqcodec.presets import get_config

Progress = Callable[[float, int], None]
"""Told the channels that are done, in long recordings parts of them, too, and all of them."""


class OtherWeightsError(ValueError):
    """A stream was to be decoded with other weights than it was encoded with."""


def weights_id(codec: SQCodec) -> str:
    """Return what a stream says of the weights: 16 digits of their file's SHA-256."""
    return codec.info.weights_sha256[:16]


def encode(
    codec: SQCodec,
    audio: NDArray[np.float32],
    sample_rate: int,
    file: BinaryIO,
    *,
    range_coded: bool = False,
    on_progress: Progress = lambda done, total: None,
) -> None:
    """Encode audio [C, T] at `sample_rate` (Hz) and write it as a .sqc file.

    Raises:
        ValueError: there are no samples, some are not finite, or no file can have this rate or
            number of channels; or the codec pads by "window".
    """
    if codec.padding != "hop":
        raise ValueError('.sqc files take a codec that was loaded with padding="hop"')
    if audio.ndim != 2 or not audio.size:
        raise ValueError(f"audio must have shape [C, T] with T >= 1, got {audio.shape}")
    header = Header(
        preset=codec.config.name,
        weights=weights_id(codec),
        sample_rate=sample_rate,
        channels=len(audio),
        block_frames=frames_per_block(codec.config, len(audio)),
    )
    length = audio.shape[1]
    codes = []
    for done, channel in enumerate(audio):
        on_progress(done, len(audio))
        resampled = resample(
            channel, sample_rate, codec.info.sample_rate, header.codec_length(length)
        )
        part = _part(on_progress, done, len(audio))
        codes.append(codec.encode(torch.from_numpy(resampled), on_progress=part).cpu().numpy())
    on_progress(len(audio), len(audio))
    writer = Writer(file, header, range_coded=range_coded)
    writer.write(np.stack(codes))  # C times [F] -> [C, F]
    writer.close(length)


def decode(
    codec: SQCodec,
    stream: Stream,
    *,
    any_weights: bool = False,
    on_progress: Progress = lambda done, total: None,
) -> NDArray[np.float32]:
    """Decode a stream: audio [C, T] at the recording's rate; silence where frames are lost.

    Raises:
        OtherWeightsError: the codec is not the one that encoded it, and `any_weights` is not
            set; a codec with another codebook or hop is never taken.
        StreamError: the audio would be larger than a file of this size can honestly have.
    """
    header = stream.header
    named, own = get_config(header.preset), codec.config
    if (named.fsq_levels, named.hop_length, named.sample_rate) != (
        own.fsq_levels,
        own.hop_length,
        own.sample_rate,
    ):
        raise OtherWeightsError(f"it is of {header.preset}, which {own.name} cannot decode")
    if header.weights != weights_id(codec) and not any_weights:
        raise OtherWeightsError(
            f"it was encoded with weights {header.weights}, and {codec.info.name} here has "
            f"{weights_id(codec)}"
        )
    codec_length = header.codec_length(stream.length)
    n_samples, most = header.channels * stream.length, most_samples(stream.file_bytes)
    if max(n_samples, codec_length) > most:  # both are held
        raise StreamError(
            f"it would be {n_samples:,} samples, and {stream.file_bytes:,} bytes may stand for "
            f"{most:,} at most"
        )
    audio = np.empty((header.channels, stream.length), np.float32)
    for done, codes in enumerate(stream.codes):
        on_progress(done, header.channels)
        part = _part(on_progress, done, header.channels)
        tensor = codec.decode(torch.from_numpy(codes), codec_length, on_progress=part)
        decoded = tensor.cpu().numpy()  # [T]
        for first, end in stream.lost:
            decoded[first * own.hop_length : end * own.hop_length] = 0
        audio[done] = resample(decoded, own.sample_rate, header.sample_rate, stream.length)
    on_progress(header.channels, header.channels)
    return audio


def resample(
    audio: NDArray[np.float32], sample_rate: int, target_rate: int, length: int
) -> NDArray[np.float32]:
    """Resample audio [T] from `sample_rate` to `target_rate` (Hz): [length], cut or filled up."""
    if sample_rate != target_rate:
        audio = soxr.resample(audio, sample_rate, target_rate, quality="HQ")
    audio = np.ascontiguousarray(audio[:length])
    return audio if len(audio) == length else np.pad(audio, (0, length - len(audio)))


def _part(on_progress: Progress, done: int, total: int) -> Callable[[float], None]:
    """Return what is to be told of the progress within a channel."""
    return lambda part: on_progress(done + part, total)
