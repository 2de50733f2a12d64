"""What a codecs' process does: load codecs by name, and send clips through them.

A process reads and checks a clip once for all codecs of a run, and computes with one thread, so
that it does not matter which of several has it. The reference beside what the codec
made of it is left in a file for the metrics, as float32 [2, T] at the reference's rate.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench import audio, registry, threads
from bench.codec import ClipwiseCodec, Codec, CodecInfo, CodecUnavailableError
from bench.devices import resolve
from bench.errors import reason
from bench.metrics.codes import clipped_samples
from bench.names import UnknownNameError
from bench.roundtrip import through_codec

if TYPE_CHECKING:
    from bench.delay import Delay

CEILING = "reference"
"""The codec that stands beside every other: the untouched clip."""


@dataclass(frozen=True)
class Loaded:
    """What came of loading codecs.

    Attributes:
        codecs: those that can run, by their own names, in the order asked for.
        asked: what each of them was asked for by, which a checkpoint's path may be.
        missing: a line for each that cannot.
        unknown: why a name or the device is none; "" where all are.
        on_gpu: whether those with a choice of device compute on a GPU.
    """

    codecs: dict[str, Codec] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unknown: str = ""
    on_gpu: bool = False


@dataclass(frozen=True)
class Codecs:
    """`Loaded`, as another process needs it: what the codecs say of themselves."""

    infos: tuple[CodecInfo, ...]
    missing: tuple[str, ...]
    unknown: str
    asked: Mapping[str, str] = field(default_factory=dict)
    on_gpu: bool = False


@dataclass(frozen=True)
class Coded:
    """A clip that went through a codec; its audio is in the file.

    Attributes:
        bits: what the codec sent.
        codes: int64 [K, F], or None for a codec without tokens.
        n_clipped: samples of the estimate at full scale or beyond.
        n_samples, sample_rate: of the reference, samples and Hz.
        seconds: what encoding and decoding took, changes of rate included.
    """

    bits: float
    codes: NDArray[np.int64] | None
    n_clipped: int
    n_samples: int
    sample_rate: int
    seconds: float


@dataclass(frozen=True)
class Uncoded:
    """A clip that did not get through: why, and what it took to find out."""

    error: str
    seconds: float


_loaded = Loaded()


def prepare(names: Sequence[str], device: str) -> None:
    """Load codecs, with the ceiling as the last if it is not among them."""
    global _loaded
    threads.limit_to_one()
    _loaded = load(names, device)
    threads.limit_to_one()  # of libraries that a codec has loaded and set otherwise


def codecs() -> Codecs:
    """What was prepared."""
    infos = tuple(codec.info for codec in _loaded.codecs.values())
    return Codecs(infos, _loaded.missing, _loaded.unknown, _loaded.asked, _loaded.on_gpu)


def load(names: Sequence[str], device: str) -> Loaded:
    """Load the codecs called `names` for a device (`bench.devices.DEVICES`)."""
    if device != "auto":
        try:
            resolve(device)
        except ValueError as error:
            return Loaded(unknown=str(error))
    found: dict[str, Codec] = {}
    asked: dict[str, str] = {}
    missing = []
    for name in dict.fromkeys(names):
        try:
            codec = registry.load(name, device)
        except UnknownNameError as error:
            return Loaded(unknown=str(error))
        except CodecUnavailableError as error:
            said = str(error)
            missing.append(said if name in said else f"{name}: {said}")
        except Exception as error:  # a codec may raise anything; the others can run
            missing.append(f"codec {name!r} does not load: {reason(error)}")
        else:
            found.setdefault(codec.info.name, codec)
            asked.setdefault(codec.info.name, name)
    if found and CEILING not in found:
        found[CEILING] = registry.load(CEILING)
        asked[CEILING] = CEILING
    # One with a choice of device has loaded torch to see what there is.
    on_gpu = "torch" in sys.modules and resolve(device) == "cuda"
    return Loaded(found, asked, tuple(missing), on_gpu=on_gpu)


def code_clip(
    name: str, revision: str, clip: str, path: Path, shown_path: str, sha256: str, pair: Path
) -> Coded | Uncoded:
    """Send a clip through a codec and leave reference and estimate in the file `pair`.

    Args:
        name: of a prepared codec.
        revision: what it must be.
        clip: the clip's id.
        path: of the clip.
        shown_path: how errors call it.
        sha256: what its hash must be.
        pair: the file to write.

    Raises:
        OSError: the file cannot be written; what concerns the clip alone is in `Uncoded`.
    """
    start = time.perf_counter()
    try:
        samples, sample_rate = _read(path, sha256)
        start = time.perf_counter()
        codec = _the_codec(name, revision)
        if isinstance(codec, ClipwiseCodec):
            codec = codec.of_clip(clip)
        decoded = through_codec(codec, samples, sample_rate)
    except Exception as error:  # a codec may raise anything; it costs this one clip
        return Uncoded(reason(error, path, shown_path), time.perf_counter() - start)
    seconds = time.perf_counter() - start
    np.save(pair, np.stack([decoded.reference, decoded.estimate]))
    return Coded(
        bits=decoded.bits,
        codes=decoded.codes,
        n_clipped=clipped_samples(decoded.estimate),
        n_samples=len(samples),
        sample_rate=sample_rate,
        seconds=seconds,
    )


def unpaired(clips: Sequence[str]) -> list[str]:
    """What prepared codecs with files for each clip lack for these clips, and have for no clip."""
    clipwise = (codec for codec in _loaded.codecs.values() if isinstance(codec, ClipwiseCodec))
    return [line for codec in clipwise for line in codec.unpaired(clips)]


def measure_delay(name: str) -> Delay | Uncoded:
    """Measure the constant delay of a prepared codec."""
    from bench.delay import constant_delay  # takes seconds, and is needed once in a codec's life

    start = time.perf_counter()
    try:
        return constant_delay(_loaded.codecs[name])
    except Exception as error:  # a codec may raise anything
        return Uncoded(reason(error), time.perf_counter() - start)


def _the_codec(name: str, revision: str) -> Codec:
    """The codec that the run began with; this process may be the second, with other weights."""
    codec = _loaded.codecs.get(name)
    if codec is None or codec.info.revision != revision:
        raise ValueError(
            "the codec could not be loaded again as it was when the run began: run it anew"
        )
    return codec


@functools.lru_cache(maxsize=1)  # the codecs of a run take turns on each clip
def _read(path: Path, sha256: str) -> tuple[NDArray[np.float32], int]:
    """Samples [T] and rate (Hz) of the file that the manifest means."""
    samples, sample_rate = audio.read(path)
    found = audio.sha256(path)
    if found != sha256:
        raise audio.AudioError(
            f"{path}: not the file of the manifest (sha256 {found[:12]}..., "
            f"expected {sha256[:12]}...)"
        )
    return samples, sample_rate
