"""Classical codecs through PyAV: Opus, MP3, AMR-NB and mu-law, which need no weights.

Rates: Opus and MP3 run at 16 kHz, the band of the neural codecs that they stand beside
(at 48 kHz and 24 kbit/s Opus would keep more of music and less of speech); AMR-NB and mu-law
at 8 kHz, the only rate they are used at. The run changes rates, as for any codec.

Bits: the encoder's packets, whole: Opus' first byte and AMR's frame header (storage format,
so that 12.2 kbit/s becomes 12.8) are in them. The container's own bytes (Ogg pages, AMR's
magic number) are not. An MP3 file without ID3 tags has no container, it is its frames, so all
of it counts, LAME's info frame included.

Delay: removed where the stream declares it, as any player does. Opus has its pre-skip (RFC
7845), and LAME's info frame states encoder delay and padding; both are read by FFmpeg's
demuxers. AMR-NB declares nothing: its 5 ms of look-ahead stay in the decoded audio (see
`bench.delay`). Whatever the frames add at the end is cut: T samples come back.

Sources: Valin et al., RFC 6716 (2012); ISO/IEC 13818-3 (1998); 3GPP TS 26.071; ITU-T G.711.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from bench.codec import CodecCard, CodecInfo, CodecUnavailableError, Encoded, Facts

if TYPE_CHECKING:
    import av


@dataclass(frozen=True)
class _Settings:
    """One codec at one bitrate: what FFmpeg is asked for, and what is said of it."""

    encoder: str
    container: str
    sample_rate: int
    bitrate_bps: int
    sample_format: str
    frame_rate_hz: float
    licence: str
    citation: str
    encoder_options: tuple[tuple[str, str], ...] = ()
    muxer_options: tuple[tuple[str, str], ...] = ()
    demuxer_options: tuple[tuple[str, str], ...] = ()
    file_is_stream: bool = False  # no container, so that all bytes are sent


def _opus(bitrate_bps: int) -> _Settings:
    return _Settings(
        encoder="libopus",
        container="ogg",
        sample_rate=16_000,
        bitrate_bps=bitrate_bps,
        sample_format="flt",
        frame_rate_hz=50.0,
        encoder_options=(("application", "audio"), ("vbr", "on"), ("frame_duration", "20")),
        licence="BSD-3-Clause",
        citation="Valin, Vos and Terriberry, Definition of the Opus Audio Codec, RFC 6716, 2012",
    )


_SETTINGS = {f"opus-{kbps}k": _opus(1000 * kbps) for kbps in (6, 8, 12, 16, 24)} | {
    "mp3-32k": _Settings(
        encoder="libmp3lame",
        container="mp3",
        sample_rate=16_000,
        bitrate_bps=32_000,
        sample_format="fltp",
        frame_rate_hz=16_000 / 576,
        muxer_options=(("id3v2_version", "0"),),
        file_is_stream=True,
        licence="LGPL-2.0-or-later",
        citation="ISO/IEC 13818-3: MPEG-2 Audio, Layer III, 1998; encoded by LAME",
    ),
    "amrnb-12.2k": _Settings(
        encoder="libopencore_amrnb",
        container="amr",
        sample_rate=8_000,
        bitrate_bps=12_200,
        sample_format="s16",
        frame_rate_hz=50.0,
        licence="Apache-2.0",
        citation="3GPP TS 26.071: Adaptive Multi-Rate speech codec; encoded by opencore-amr",
    ),
    "mulaw-64k": _Settings(
        encoder="pcm_mulaw",
        container="mulaw",
        demuxer_options=(("sample_rate", "8000"),),  # a raw file says no rate
        sample_rate=8_000,
        bitrate_bps=64_000,
        sample_format="s16",
        frame_rate_hz=0.0,
        licence="LGPL-2.1-or-later",
        citation="ITU-T Recommendation G.711: Pulse code modulation of voice frequencies, 1988",
    ),
}

NAMES = tuple(_SETTINGS)

# By encoder, and not among the settings: neither decides an output.
_DELAYS = {"libopencore_amrnb": 40}  # 5 ms of look-ahead, samples at 8 kHz
_DESCRIPTIONS = {
    "libopus": "Opus, 20 ms frames, variable rate",
    "libmp3lame": "MP3 (MPEG-2 Layer III) by LAME, constant rate",
    "libopencore_amrnb": "AMR narrow-band, of GSM and 3G telephony",
    "pcm_mulaw": "G.711 mu-law, of fixed telephony",
}


class FFmpegCodec:
    """A classical codec, encoded and decoded by FFmpeg in memory.

    Args:
        name: one of `NAMES`.

    Raises:
        CodecUnavailableError: PyAV is not installed, or was built without the encoder.
    """

    def __init__(self, name: str) -> None:
        self._settings = _SETTINGS[name]
        _check_available(name, self._settings.encoder)
        self.facts = Facts(delay_samples=_DELAYS.get(self._settings.encoder, 0))
        self._info = CodecInfo(
            name=name,
            sample_rate=self._settings.sample_rate,
            bitrate_bps=float(self._settings.bitrate_bps),
            n_codebooks=0,
            codebook_size=0,
            frame_rate_hz=self._settings.frame_rate_hz,
            revision=_revision(self._settings),
            licence=self._settings.licence,
            citation=self._settings.citation,
        )

    @property
    def info(self) -> CodecInfo:
        """Name, rate, nominal bitrate."""
        return self._info

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Encode clips [B, T] (B, T > 0) at the codec's own rate to files in memory."""
        if sample_rate != self._settings.sample_rate:
            raise ValueError(
                f"{self._info.name} takes audio at {self._settings.sample_rate} Hz, "
                f"got {sample_rate}"
            )
        if audio.ndim != 2 or not audio.size:
            raise ValueError(f"expected clips [B, T] with B, T > 0, got shape {list(audio.shape)}")
        files, bits = zip(*(_encode(clip, self._settings) for clip in audio), strict=True)
        return Encoded(bits=bits, length=audio.shape[1], sample_rate=sample_rate, payload=files)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Files -> audio [B, T]."""
        decoded = np.zeros((len(encoded.payload), encoded.length), np.float32)
        for clip, file in zip(decoded, encoded.payload, strict=True):
            samples = _decode(file, self._settings)[: encoded.length]
            clip[: len(samples)] = samples
        return decoded


def _encode(clip: NDArray[np.float32], settings: _Settings) -> tuple[bytes, float]:
    """One clip [T] to a file, and the bits of it that are sent."""
    import av

    if settings.sample_format == "s16":
        clip = np.clip(np.rint(clip * 32768.0), -32768, 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(clip[None], format=settings.sample_format, layout="mono")
    frame.sample_rate = settings.sample_rate
    file = io.BytesIO()
    # Ogg's serial number is random otherwise.
    options = {"fflags": "+bitexact", **dict(settings.muxer_options)}
    packet_bytes = 0
    with av.open(file, "w", format=settings.container, options=options) as container:
        stream = cast(
            "av.AudioStream",
            container.add_stream(
                settings.encoder, rate=settings.sample_rate, options=dict(settings.encoder_options)
            ),
        )
        stream.layout = "mono"
        stream.format = settings.sample_format
        stream.bit_rate = settings.bitrate_bps
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            packet_bytes += packet.size
            container.mux(packet)
    data = file.getvalue()
    return data, 8.0 * (len(data) if settings.file_is_stream else packet_bytes)


def _decode(file: bytes, settings: _Settings) -> NDArray[np.float32]:
    """A file to audio at the codec's rate, as long as its frames make it."""
    import av

    # FFmpeg decodes Opus to 48 kHz, whatever went in. Its resampler adds no delay.
    resampler = av.AudioResampler(format="flt", layout="mono", rate=settings.sample_rate)
    options = dict(settings.demuxer_options)
    with av.open(io.BytesIO(file), "r", format=settings.container, options=options) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _check_available(name: str, encoder: str) -> None:
    try:
        import av
    except ModuleNotFoundError:
        raise CodecUnavailableError(
            f"{name} needs PyAV, which is not installed: pip install av"
        ) from None
    if encoder not in av.codecs_available:
        raise CodecUnavailableError(
            f"{name} needs FFmpeg's encoder {encoder}, which this PyAV ({av.__version__}) was "
            "built without: its wheels have it, pip install --force-reinstall --only-binary av av"
        )


def _revision(settings: _Settings) -> str:
    """A hash of the settings and of the libraries that encode and decode."""
    import av

    settings = replace(settings, licence="", citation="")  # which decide no output
    decides = (astuple(settings), av.__version__, sorted(av.library_versions.items()))
    return hashlib.sha256(repr(decides).encode()).hexdigest()[:16]


def load(name: str) -> FFmpegCodec:
    """The codec called `name`, one of `NAMES`.

    Raises:
        CodecUnavailableError: it cannot run here; one line says what is missing.
    """
    return FFmpegCodec(name)


def card(name: str) -> CodecCard:
    """What the codec called `name` is, and what it lacks here."""
    settings = _SETTINGS[name]
    try:
        _check_available(name, settings.encoder)
        missing = ""
    except CodecUnavailableError as error:
        missing = str(error)
    bitrate_bps = float(settings.bitrate_bps)
    return CodecCard(
        name,
        _DESCRIPTIONS[settings.encoder],
        settings.sample_rate,
        bitrate_bps,
        missing=missing,
    )
