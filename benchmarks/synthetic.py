"""A made-up benchmark of any size: its clips, its codecs, and a store of their cells.

Clips are spread over the data sets of Codec-SUPERB, each a group of its own, as that tree has
them; codecs are those of the paper's Table 1 with a few anchors. Every cell is there that a run
would have: the suite's metrics, the measures of the run, codes, and SDR without the delay of the
codecs that have one. Values are drawn: how hard a clip is, how good a codec is, and noise.
One clip in 500 has no PESQ through any codec, and every third codec fails on clips of its own.
No audio exists.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.cells import Cell, CodecDelay
from bench.codec import CodecInfo
from bench.datasets.codec_superb import DATASETS
from bench.datasets.manifest import Clip, Manifest
from bench.delay import VERSION as DELAY_VERSION
from bench.metrics import METRICS
from bench.plan import MEASURE_UNITS, delay_of, source_of, wanted
from bench.report.palette import codec_of
from bench.store import Store
from bench.suites import SIGNAL

TABLE_1 = Path(__file__).parents[1] / "results" / "paper" / "table1-signal.csv"
ANCHORS = {"reference": None, "opus-12k": 12_000.0, "opus-24k": 24_000.0}
MOST_CODECS = 24

_NO_PESQ = 500  # a clip in so many
_OWN_FAILURE = 2_000  # a clip in so many, of every third codec
_N_CODES = 300  # of a clip, in all codebooks together
_CODEBOOK_SIZE = 1_024
_SAMPLE_RATE = 16_000.0
_DURATION_S = 4.0
_LEVELS = {"sdr": 5.0, "mel": 1.0, "stoi": 0.7, "pesq": 2.0}
_SPREADS = {"sdr": 3.0, "mel": 0.2, "stoi": 0.05, "pesq": 0.3}
_LIBRARIES = json.dumps({"numpy": np.__version__, "pandas": pd.__version__})
_MEASURED_AT = "2026-01-01T00:00:00+00:00"


@cache
def manifest(n_clips: int) -> Manifest:
    """A set of `n_clips` clips."""
    names = list(DATASETS)
    clips = []
    for number in range(n_clips):
        dataset = names[number * len(names) // n_clips]
        name = f"{dataset}/{number:05d}.wav"
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        path = Path("/nowhere/samples") / name
        clips.append(Clip(dataset, name, DATASETS[dataset], path, sha256, group=name))
    return Manifest("synthetic", f"of-{n_clips}", tuple(clips))


def codecs(n_codecs: int) -> list[CodecInfo]:
    """The first `n_codecs` of `MOST_CODECS`, the paper's and the anchors."""
    found = []
    for _, line in pd.read_csv(TABLE_1).iterrows():
        rate, bitrate_bps = int(line["input_sample_rate_hz"]), float(line["bitrate_bps"])
        name = codec_of(line["model"], rate, bitrate_bps)
        found.append(_info(name, rate, bitrate_bps, int(line["n_quantizers"])))
    found += [_info(name, None, bitrate_bps, 0) for name, bitrate_bps in ANCHORS.items()]
    assert len(found) == MOST_CODECS
    return found[:n_codecs]


def _info(name: str, rate: int | None, bitrate_bps: float | None, n_codebooks: int) -> CodecInfo:
    return CodecInfo(
        name=name,
        sample_rate=rate,
        bitrate_bps=bitrate_bps,
        n_codebooks=n_codebooks,
        codebook_size=_CODEBOOK_SIZE if n_codebooks else 0,
        frame_rate_hz=75.0 if n_codebooks else 0.0,
        revision=hashlib.sha256(name.encode()).hexdigest()[:12],
    )


def fill(store: Store, clips: Manifest, infos: Sequence[CodecInfo]) -> int:
    """Put every cell into the store, a transaction a codec; return how many there are."""
    n_cells = 0
    for number, info in enumerate(infos):
        delay = CodecDelay(8 if number % 4 == 0 else 0, 16_000, 0.99, "")
        store.put_delay(info.name, info.revision, DELAY_VERSION, delay)
        made = list(cells(info, number, clips, store))
        codes = _codes(info, number, clips) if info.n_codebooks else {}
        store.put(source_of(info, clips, SIGNAL), made, codes)
        n_cells += len(made)
    return n_cells


def cells(info: CodecInfo, number: int, clips: Manifest, store: Store) -> Iterator[Cell]:
    """The cells of a codec, the `number`-th of all; its delay is the one that is stored."""
    delay = delay_of(info, store)
    asked = {kind: wanted(clip, SIGNAL, info, delay) for kind, clip in _of_each_kind(clips).items()}
    measures = {
        "bits": (info.bitrate_bps or 256_000.0) * _DURATION_S,
        "duration": _DURATION_S,
        "sample_rate": _SAMPLE_RATE,
        "clipped_samples": 0.0,
        "frames": float(_n_frames(info)),
    }
    hardness = np.random.default_rng(0).standard_normal(len(clips.clips))
    generator = np.random.default_rng([1, number])
    noise = generator.standard_normal((len(clips.clips), len(_LEVELS)))  # [clips, metrics]
    for place, clip in enumerate(clips.clips):
        values = {
            name: level + spread * (0.1 * number - hardness[place] + 0.3 * noise[place, column])
            for column, (name, level, spread) in enumerate(
                (name, level, _SPREADS[name]) for name, level in _LEVELS.items()
            )
        }
        values["aligned_sdr"] = values["sdr"] + 1.0
        fails = number % 3 == 0 and (place + number) % _OWN_FAILURE == _OWN_FAILURE - 1
        for metric, version in asked[clip.kind].items():
            error = None
            if fails:
                error = f"{clip.id}: the codec failed"
            elif metric == "pesq" and place % _NO_PESQ == _NO_PESQ - 1:
                error = f"{clip.id}: no utterance detected"
            value = measures[metric] if metric in measures else float(values[metric])
            yield Cell(
                clip=clip.id,
                clip_sha256=clip.sha256,
                metric=metric,
                metric_version=version,
                value=None if error else value,
                unit=MEASURE_UNITS[metric] if metric in measures else _unit(metric),
                error=error,
                seconds=0.01,
                host="synthetic",
                libraries=_LIBRARIES,
                measured_at=_MEASURED_AT,
            )


def _of_each_kind(clips: Manifest) -> dict[str, Clip]:
    return {clip.kind: clip for clip in clips.clips}


def _unit(metric: str) -> str:
    return METRICS[metric].unit if metric in METRICS else "dB"


def _n_frames(info: CodecInfo) -> int:
    return max(1, _N_CODES // max(1, info.n_codebooks))


def _codes(info: CodecInfo, number: int, clips: Manifest) -> dict[str, NDArray[np.int64]]:
    shape = (len(clips.clips), info.n_codebooks, _n_frames(info))
    generator = np.random.default_rng([2, number])
    drawn = generator.integers(0, info.codebook_size, shape)  # [clips, K, F]
    return {clip.sha256: codes for clip, codes in zip(clips.clips, drawn, strict=True)}
