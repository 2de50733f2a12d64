"""bench.plan and bench.views at any size: what costs something is done once, not for each clip."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench import plan as plan_module
from bench.cells import Cell
from bench.codec import CodecInfo
from bench.datasets.manifest import Clip, Manifest
from bench.plan import plan_run, source_of, wanted
from bench.store import Store
from bench.suites import SIGNAL
from bench.views import gather

INFOS = [
    CodecInfo(name, 16_000, 6_000.0, n_codebooks=1, codebook_size=4, frame_rate_hz=50, revision="r")
    for name in ("a", "b")
]


def manifest(n_clips: int) -> Manifest:
    kinds = ("speech", "music")
    clips = [
        Clip(f"set-{n % 2}", f"clip-{n}", kinds[n % 2], Path(f"/nowhere/{n}.wav"), f"{n:064x}")
        for n in range(n_clips)
    ]
    return Manifest("made", "r1", tuple(clips))


def put(store: Store, info: CodecInfo, clips: Manifest, lacking: set[tuple[str, str]]) -> None:
    """All cells of a codec but those that are lacking: (clip, metric)."""
    cells = [
        Cell(clip.id, clip.sha256, metric, version, 1.0, "", None, 0.1, "here", "{}", "2026")
        for clip in clips.clips
        for metric, version in wanted(clip, SIGNAL, info).items()
        if (clip.id, metric) not in lacking
    ]
    store.put(source_of(info, clips, SIGNAL), cells)


def test_jobs_come_clip_by_clip_with_what_each_codec_lacks(tmp_path: Path) -> None:
    clips = manifest(4)
    lacking = {("clip-2", "sdr"), ("clip-2", "bits"), ("clip-0", "pesq")}
    with Store(tmp_path / "s") as store:
        put(store, INFOS[0], clips, lacking)
        plan = plan_run(INFOS, clips, SIGNAL, store)
    found = [(job.clip.id, job.source.codec, len(job.missing)) for job in plan.jobs]
    assert found == [
        *[("clip-0", "a", 1), ("clip-0", "b", 9)],
        ("clip-1", "b", 7),
        *[("clip-2", "a", 2), ("clip-2", "b", 9)],
        ("clip-3", "b", 7),
    ]
    assert set(plan.jobs[3].missing) == {"bits", "sdr"}
    assert plan.jobs[0].shown_path == "0.wav"
    assert plan.n_kept == 2 * 9 + 2 * 7 - 3


def test_clips_that_lack_the_same_share_what_says_so(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        plan = plan_run(INFOS, manifest(40), SIGNAL, store)
    assert len(plan.jobs) == 80
    assert len({id(job.missing) for job in plan.jobs}) == 4  # of two kinds and two codecs


def test_what_was_never_computed_is_told_in_the_manifests_order(tmp_path: Path) -> None:
    clips = manifest(3)
    with Store(tmp_path / "s") as store:
        put(store, INFOS[0], clips, {("clip-2", "sdr")})
        frame = gather(INFOS[0], clips, SIGNAL, store)
    asked = [(clip.id, name) for clip in clips.clips for name in wanted(clip, SIGNAL, INFOS[0])]
    assert list(frame[["clip", "metric"]].itertuples(index=False, name=None)) == asked
    lacking = frame[frame["error"] == "not computed"]
    assert lacking[["clip", "metric"]].to_numpy().tolist() == [["clip-2", "sdr"]]
    assert frame["group"].isna().all()


@pytest.mark.parametrize(
    "act",
    [
        lambda clips, store: plan_run(INFOS[:1], clips, SIGNAL, store),
        lambda clips, store: gather(INFOS[0], clips, SIGNAL, store),
    ],
    ids=["plan_run", "gather"],
)
def test_versions_of_metrics_are_looked_up_once_a_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Manifest, Store], object]
) -> None:
    """Each is read from the metadata of installed packages, which takes a millisecond."""
    calls = []

    def counted(clip: Clip, *arguments: object) -> dict[str, str]:
        calls.append(clip.kind)
        return wanted(clip, *arguments)

    monkeypatch.setattr(plan_module, "wanted", counted)
    with Store(tmp_path / "s") as store:
        act(manifest(30), store)
    assert sorted(calls) == ["music", "speech"]
