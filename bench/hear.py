"""Excerpts to listen to: the worst clips of a codec, through it and others, at one loudness.

Written to ``<results>/heard/<dataset>/``: a FLAC file for each clip and codec, and
``heard.json``, which says of each what it is, whose it is and how it was made. Only clips whose
licence and author are known are taken, since they are passed on.

An excerpt is the loudest stretch of its clip; every version of it has the RMS of the reference,
and where that would clip, all of them are turned down together. A version is stored at the rate
of its codec where that is the lower one: nothing lies above.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench import audio
from bench.codec import Codec
from bench.datasets.licences import Rights
from bench.datasets.manifest import Clip, Manifest
from bench.report.results import ClipResult, Result
from bench.roundtrip import through_codec

SCHEMA_VERSION = 1
EXCERPT_S = 3.0
REFERENCE = "reference"

_LARGEST = 0.98  # of full scale
_QUIETEST_RMS = 1e-5  # 16 bits end at 3e-5
_BY_KIND = {"speech": ("pesq", False), "other": ("mel", True)}  # metric, more is worse


class NothingToHearError(ValueError):
    """No clip can be taken; the message says why."""


@dataclass(frozen=True)
class Chosen:
    """A clip, and why it was taken."""

    clip: Clip
    rights: Rights
    why: str


@dataclass(frozen=True)
class Version:
    """An excerpt as it came out of a codec.

    Attributes:
        codec, revision, weights: what made it.
        file: relative to the JSON.
        sha256: of the file.
        sample_rate: of the file, Hz.
        bitrate_bps: of the whole clip, as it was sent.
        gain_db: that brought it to the loudness of the others.
    """

    codec: str
    revision: str
    weights: str
    file: str
    sha256: str
    sample_rate: int
    bitrate_bps: float
    gain_db: float


def choose(
    worst_of: Result, manifest: Manifest, rights: Mapping[str, Rights], n_clips: int
) -> list[Chosen]:
    """The clips that a codec does worst on: by PESQ the speech, by MEL the rest, by turns.

    At most one of a data set, so that one voice is not all there is to hear; worst first.

    Raises:
        NothingToHearError: no clip has a score and a licence.
    """
    clips = {clip.id: clip for clip in manifest.clips}
    queues = []
    for kind, (metric, more_is_worse) in _BY_KIND.items():
        found = [
            (scored.values[metric], scored)
            for scored in worst_of.clips
            if (scored.kind == "speech") == (kind == "speech")
            and metric in scored.values
            and scored.clip in clips
            and scored.clip in rights
        ]
        found.sort(key=lambda pair: (-pair[0] if more_is_worse else pair[0], pair[1].clip))
        worst: dict[str, tuple[float, ClipResult]] = {}
        for value, scored in found:
            worst.setdefault(scored.dataset, (value, scored))
        queues.append(
            [
                Chosen(
                    clips[scored.clip],
                    rights[scored.clip],
                    f"{worst_of.codec['name']}'s worst {metric.upper()} on {dataset}: {value:.2f}",
                )
                for dataset, (value, scored) in worst.items()
            ]
        )
    chosen: list[Chosen] = []
    while any(queues) and len(chosen) < n_clips:
        for queue in queues:
            if queue and len(chosen) < n_clips:
                chosen.append(queue.pop(0))
    if not chosen:
        raise NothingToHearError(
            "no clip has both a score and a licence with its author: the manifest's columns "
            "licence and attribution say them"
        )
    return chosen


def hear(
    chosen: Sequence[Chosen],
    codecs: Mapping[str, Codec],
    manifest: Manifest,
    out: Path,
    licence_texts: Sequence[Path] = (),
    show: Callable[[str, str], None] = lambda clip, codec: None,
) -> Path:
    """Write the excerpts of clips through codecs, and return the path of their JSON.

    The folder of the data set is written anew, whole or not at all.

    Args:
        chosen: the clips.
        codecs: by name; the reference is added.
        manifest: that the clips are of.
        out: the folder ``heard`` of the results.
        licence_texts: files that are copied beside the excerpts.
        show: called before each clip and codec.

    Raises:
        AudioError, CodecFault: a clip or its decoding cannot be used.
        NothingToHearError: an excerpt is silent.
        OSError: the files cannot be written.
    """
    folder = out / manifest.name
    temporary = out / f".{manifest.name}.{os.getpid()}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        clips = [_hear_clip(one, codecs, temporary, show) for one in chosen]
        content = {
            "schema": SCHEMA_VERSION,
            "dataset": manifest.name,
            "dataset_revision": manifest.revision,
            "loudness": "RMS of the excerpt, that of the reference",
            "licence_texts": [text_file.name for text_file in licence_texts],
            "clips": clips,
        }
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        for text_file in licence_texts:
            shutil.copyfile(text_file, temporary / text_file.name)
        (temporary / "heard.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder / "heard.json"


def _hear_clip(
    chosen: Chosen, codecs: Mapping[str, Codec], folder: Path, show: Callable[[str, str], None]
) -> dict[str, object]:
    clip = chosen.clip
    reference, sample_rate = audio.read(clip.path)
    start, stop = _loudest(reference, round(EXCERPT_S * sample_rate))
    excerpts, made_by = {REFERENCE: reference[start:stop]}, {}
    for name, codec in codecs.items():
        show(clip.id, name)
        decoded = through_codec(codec, reference, sample_rate)
        excerpts[name] = decoded.estimate[start:stop]
        made_by[name] = (codec, decoded.bits * sample_rate / len(reference))
    gains = _gains(clip.id, excerpts)
    versions = []
    (folder / clip.id).mkdir(parents=True)
    for name, excerpt in excerpts.items():
        revision, weights, rate, bitrate_bps = "", "", sample_rate, 0.0
        if name in made_by:
            codec, bitrate_bps = made_by[name]
            revision, weights = codec.info.revision, codec.info.weights
            rate = min(sample_rate, codec.info.sample_rate or sample_rate)
        matched = excerpt * gains[name]
        content = _flac(audio.resample(matched.astype(np.float32), sample_rate, rate), rate)
        file = f"{clip.id}/{name}.flac"
        (folder / file).write_bytes(content)
        versions.append(
            Version(
                codec=name,
                revision=revision,
                weights=weights,
                file=file,
                sha256=hashlib.sha256(content).hexdigest(),
                sample_rate=rate,
                bitrate_bps=round(bitrate_bps, 1),
                gain_db=round(20 * float(np.log10(gains[name])), 2),
            )
        )
    return {
        "clip": clip.id,
        "dataset": clip.dataset,
        "kind": clip.kind,
        "transcript": clip.transcript,
        "why": chosen.why,
        **asdict(chosen.rights),
        "sha256": clip.sha256,
        "start_s": round(start / sample_rate, 3),
        "duration_s": round((stop - start) / sample_rate, 3),
        "versions": [asdict(version) for version in versions],
    }


def _loudest(signal: NDArray[np.float32], n_samples: int) -> tuple[int, int]:
    """The stretch [start, stop) of the most energy."""
    if len(signal) <= n_samples:
        return 0, len(signal)
    energy = np.concatenate([[0.0], np.cumsum(signal.astype(np.float64) ** 2)])
    start = int(np.argmax(energy[n_samples:] - energy[:-n_samples]))
    return start, start + n_samples


def _gains(clip: str, excerpts: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    """Factors that give every excerpt one RMS, as near to the reference's as none clips."""
    levels = {
        name: float(np.sqrt(np.mean(excerpt.astype(np.float64) ** 2)))
        for name, excerpt in excerpts.items()
    }
    silent = [name for name, level in levels.items() if level < _QUIETEST_RMS]
    if silent:
        raise NothingToHearError(f"{clip}: silent through {', '.join(silent)}")
    gains = {name: levels[REFERENCE] / level for name, level in levels.items()}
    peak = max(gains[name] * float(np.abs(excerpts[name]).max()) for name in excerpts)
    common = min(1.0, _LARGEST / peak)
    return {name: gain * common for name, gain in gains.items()}


def _flac(signal: NDArray[np.float32], sample_rate: int) -> bytes:
    buffer = io.BytesIO()
    # Resampling may overshoot the peak that the gains were made for.
    clipped = np.clip(signal, -1, 1)
    soundfile.write(buffer, clipped, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
