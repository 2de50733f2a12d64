"""What a run has to do: the cells that a suite asks of a data set, less those that are there.

Besides the suite's metrics every clip has measures of the run itself: `bits` (what the codec
sent), `duration` (s) and `sample_rate` (Hz) of the reference, so that bit/s can be taken over
any set of clips; `clipped_samples` of the decoded audio; and `frames` of a codec with tokens,
whose codes are stored with it. A codec with a constant delay has an SDR without it,
`aligned_sdr`, beside the suite's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import cache

from bench import audio
from bench.cells import Source
from bench.codec import CodecInfo
from bench.datasets.manifest import Clip, Manifest
from bench.delay import VERSION as DELAY_VERSION
from bench.delay import Delay
from bench.metrics import BESIDE, METRICS
from bench.store import Store
from bench.suites import Suite

MEASURE_UNITS = {
    "bits": "bit",
    "duration": "s",
    "sample_rate": "Hz",
    "clipped_samples": "",
    "frames": "",
}
"""What the run itself measures of every clip, with units."""

_MEASURE_VERSION = "1"


@dataclass(frozen=True)
class Job:
    """One clip through one codec: the cells that it lacks.

    Attributes:
        source: what its cells have in common with others.
        clip: the clip.
        shown_path: of the clip's file, from the data set's folder on.
        missing: metric -> version.
        delay: of the codec; None if it could not be measured.
    """

    source: Source
    clip: Clip
    shown_path: str
    missing: dict[str, str]
    delay: Delay | None

    @property
    def codec(self) -> str:
        """Its name."""
        return self.source.codec

    @property
    def codec_revision(self) -> str:
        """What the codec's must be."""
        return self.source.codec_revision


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Attributes:
        jobs: clip by clip, each through all codecs that lack cells of it.
        n_kept: cells that are there already.
    """

    jobs: tuple[Job, ...]
    n_kept: int


def source_of(info: CodecInfo, manifest: Manifest, suite: Suite) -> Source:
    """What all cells of a codec, a data set and a suite have in common."""
    return Source(
        suite=suite.name,
        dataset=manifest.name,
        dataset_revision=manifest.revision,
        codec=info.name,
        codec_revision=info.revision,
        reader=audio.READER,
        resampler="" if info.sample_rate is None else audio.RESAMPLER,
    )


def delay_of(info: CodecInfo, store: Store) -> Delay | None:
    """The constant delay of a codec; None if it could not be measured."""
    stored = store.delay(info.name, info.revision, DELAY_VERSION)
    return None if stored is None else Delay(*astuple(stored))


def wanted(clip: Clip, suite: Suite, info: CodecInfo, delay: Delay | None = None) -> dict[str, str]:
    """The cells that a suite asks of a clip through a codec: metric name -> version.

    Without a delay there is nothing to remove, and no `aligned_sdr`.
    """
    measures = [name for name in MEASURE_UNITS if name != "frames" or info.n_codebooks]
    asked = dict.fromkeys(measures, _MEASURE_VERSION)
    asked |= {name: METRICS[name].version for name in suite.metrics_for(clip.kind)}
    if "sdr" in asked and delay is not None and delay.samples:
        removed = f"delay={delay.samples}@{delay.sample_rate}Hz"
        asked["aligned_sdr"] = f"{BESIDE['aligned_sdr'].version} {removed}"
    return asked


def wanted_by_kind(
    manifest: Manifest, suite: Suite, info: CodecInfo, delay: Delay | None = None
) -> dict[str, dict[str, str]]:
    """Kind of clip -> the cells that a suite asks of every clip of that kind, as `wanted`."""
    one_of = {clip.kind: clip for clip in manifest.clips}
    return {kind: wanted(clip, suite, info, delay) for kind, clip in one_of.items()}


def plan_run(codecs: Iterable[CodecInfo], manifest: Manifest, suite: Suite, store: Store) -> Plan:
    """Find the cells that the store lacks."""
    # A manifest may mix absolute paths with those from its own folder.
    folder = os.path.commonpath([os.path.abspath(clip.path.parent) for clip in manifest.clips])
    found = []
    n_kept = 0
    for info in codecs:
        source, delay = source_of(info, manifest, suite), delay_of(info, store)
        missing, n_there = _missing(info, source, delay, manifest, suite, store)
        found.append((source, delay, missing))
        n_kept += n_there
    jobs = []
    for clip in manifest.clips:
        through = [one for one in found if clip.id in one[2]]
        shown_path = os.path.relpath(clip.path, folder) if through else ""
        jobs += [
            Job(source, clip, shown_path, missing[clip.id], delay)
            for source, delay, missing in through
        ]
    return Plan(tuple(jobs), n_kept)


def _missing(
    info: CodecInfo,
    source: Source,
    delay: Delay | None,
    manifest: Manifest,
    suite: Suite,
    store: Store,
) -> tuple[dict[str, dict[str, str]], int]:
    """Of one codec: clip id -> metric -> version, for clips that lack cells; how many are there.

    Clips that lack the same share what says so: a full benchmark has hundreds of thousands.
    """
    present = store.scored_by_clip(source)
    asked = wanted_by_kind(manifest, suite, info, delay)

    @cache
    def lacks(kind: str, there: frozenset[tuple[str, str]]) -> dict[str, str]:
        return {
            name: version for name, version in asked[kind].items() if (name, version) not in there
        }

    missing = {}
    n_kept = 0
    for clip in manifest.clips:
        lacked = lacks(clip.kind, present.get((clip.id, clip.sha256), frozenset()))
        n_kept += len(asked[clip.kind]) - len(lacked)
        if lacked:
            missing[clip.id] = lacked
    return missing, n_kept


def lacking(
    asked: dict[str, str], clip: Clip, present: set[tuple[str, str, str, str]]
) -> dict[str, str]:
    """The cells asked of a clip that are not present (as `Store.scored` has them)."""
    return {
        name: metric_version
        for name, metric_version in asked.items()
        if (clip.id, clip.sha256, name, metric_version) not in present
    }
