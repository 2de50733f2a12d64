"""bench.plan: what a run has to do: the cells that are asked for, less those that are there."""

from dataclasses import replace
from pathlib import Path

import pytest
from three_clips import RATE, Gain, Run, Tokens

from baselines.anchors import Identity
from bench import audio
from bench.datasets.manifest import Manifest
from bench.delay import Delay
from bench.metrics import METRICS
from bench.plan import plan_run, wanted
from bench.store import Store
from bench.suites import SIGNAL
from bench.views import gather


@pytest.mark.usefixtures("quick_metrics")
def test_present_cells_are_not_computed_again(run: Run, manifest: Manifest, store: Store) -> None:
    codec = Gain()
    assert [(step.n_scored, step.n_failed) for step in run([codec])] == [(8, 0), (8, 0), (6, 0)]
    before = gather(codec.info, manifest, SIGNAL, store)
    plan = plan_run([codec.info], manifest, SIGNAL, store)
    assert (plan.jobs, plan.n_kept) == ((), 22)
    assert run([codec]) == []
    assert codec.n_calls == 3
    assert gather(codec.info, manifest, SIGNAL, store).equals(before)


@pytest.mark.usefixtures("quick_metrics")
def test_a_new_metric_version_is_computed_alone(
    run: Run, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run([Gain()])
    monkeypatch.setitem(METRICS, "mel", replace(METRICS["mel"], revision=99))
    assert (gather(Gain().info, manifest, SIGNAL, store)["error"] == "not computed").sum() == 3
    assert {step.n_scored for step in run([Gain()])} == {1}
    assert gather(Gain().info, manifest, SIGNAL, store)["error"].isna().all()


@pytest.mark.usefixtures("quick_metrics")
@pytest.mark.parametrize("changed", ["READER", "RESAMPLER"])
def test_another_reader_or_resampler_makes_new_cells(
    run: Run, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    codec = Identity("8k", 8_000)
    run([codec])
    monkeypatch.setattr(audio, changed, "another 9.9")
    assert plan_run([codec.info], manifest, SIGNAL, store).n_kept == 0


@pytest.mark.usefixtures("quick_metrics")
def test_another_revision_of_a_codec_makes_new_cells(
    run: Run, manifest: Manifest, store: Store
) -> None:
    run([Gain()])
    assert plan_run([Gain().info], manifest, SIGNAL, store).n_kept == 22
    other = replace(Gain().info, revision="other weights")
    assert plan_run([other], manifest, SIGNAL, store).n_kept == 0


def test_absolute_and_relative_paths_may_be_mixed(
    manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = manifest.clips
    monkeypatch.chdir(first.path.parent)
    mixed = replace(manifest, clips=(replace(first, path=Path(first.path.name)), *others))
    plan = plan_run([Gain().info], mixed, SIGNAL, store)
    assert [job.shown_path for job in plan.jobs] == ["a.wav", "b.wav", "c.wav"]


def test_the_delay_that_was_removed_is_part_of_the_version(manifest: Manifest) -> None:
    clip, info = manifest.clips[0], Tokens().info
    seven, eight = (wanted(clip, SIGNAL, info, Delay(n, RATE, 1.0)) for n in (7, 8))
    assert seven["aligned_sdr"].endswith(" delay=7@16000Hz")
    assert seven["aligned_sdr"] != eight["aligned_sdr"]
    assert seven["sdr"] == eight["sdr"]
    assert "aligned_sdr" not in wanted(clip, SIGNAL, info, Delay(0, RATE, 1.0))
    assert "aligned_sdr" not in wanted(clip, SIGNAL, info, Delay(None, RATE, None, "none"))
