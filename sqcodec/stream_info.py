"""`sqcodec info FILE.sqc`: what a file says, and its size against the nominal bitrate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqcodec.bitstream import StreamError
from sqcodec.bitstream_reader import Stream, read
from sqcodec.jobs import reason


@dataclass(frozen=True)
class StreamInfo:
    """A .sqc file, described.

    Attributes:
        file: its path.
        preset, weights: what it was encoded with.
        sample_rate: of the recording, Hz.
        codec_sample_rate: Hz.
        channels, length: of the recording; length in samples per channel.
        duration_s: of the recording.
        frames: per channel.
        blocks: that can be read.
        range_coded_blocks: of these.
        bits_per_frame: what a frame of a channel takes in the file, block headers apart.
        nominal_bits_per_frame: log2 of the codebook size.
        payload_bytes: all codes.
        file_bytes: all.
        nominal_bytes: duration by nominal bitrate by channels.
        damage: what is wrong with it, a line each.
    """

    file: str
    preset: str
    weights: str
    sample_rate: int
    codec_sample_rate: int
    channels: int
    length: int
    duration_s: float
    frames: int
    blocks: int
    range_coded_blocks: int
    bits_per_frame: float
    nominal_bits_per_frame: float
    payload_bytes: int
    file_bytes: int
    nominal_bytes: float
    damage: tuple[str, ...]


def describe_stream(path: Path) -> StreamInfo:
    """Describe a .sqc file, also a damaged one.

    Raises:
        StreamError: it cannot be read, is none, or nothing of it is left.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StreamError(reason(error, path)) from None
    return describe(str(path), read(data, lenient=True))


def describe(file: str, stream: Stream) -> StreamInfo:
    """Describe a .sqc file that was read."""
    header, config = stream.header, stream.header.config
    n_lost = sum(end - first for first, end in stream.lost)
    n_codes = (stream.codes.shape[1] - n_lost) * header.channels
    duration_s = stream.length / header.sample_rate
    return StreamInfo(
        file=file,
        preset=header.preset,
        weights=header.weights,
        sample_rate=header.sample_rate,
        codec_sample_rate=config.sample_rate,
        channels=header.channels,
        length=stream.length,
        duration_s=duration_s,
        frames=stream.codes.shape[1],
        blocks=stream.n_blocks,
        range_coded_blocks=stream.n_coded_blocks,
        bits_per_frame=stream.payload_bytes * 8 / n_codes,
        nominal_bits_per_frame=config.bits_per_frame,
        payload_bytes=stream.payload_bytes,
        file_bytes=stream.file_bytes,
        nominal_bytes=duration_s * config.bitrate_bps * header.channels / 8,
        damage=stream.damage,
    )


def lines(info: StreamInfo) -> list[str]:
    """Say it to a person."""
    channels = "1 channel" if info.channels == 1 else f"{info.channels} channels"

    def against(n_bytes: int) -> str:
        return f"{n_bytes:,} bytes, {n_bytes / info.nominal_bytes:.2%} of nominal"

    return [
        info.file,
        f"  codec      {info.preset}, weights {info.weights}, {info.codec_sample_rate} Hz",
        f"  recording  {info.duration_s:.3f} s, {info.length} samples, {info.sample_rate} Hz, "
        f"{channels}",
        f"  frames     {info.frames} in {info.blocks} blocks, {info.range_coded_blocks} of them "
        "range coded",
        f"  a frame    {info.bits_per_frame:.3f} bits, nominal {info.nominal_bits_per_frame:.3f}",
        f"  nominal    {info.nominal_bytes:,.1f} bytes",
        f"  codes      {against(info.payload_bytes)}",
        f"  file       {against(info.file_bytes)}",
        *(f"  damaged    {line}" for line in info.damage),
    ]
