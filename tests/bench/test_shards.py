"""bench.shards: a machine does its clips as a run here does, or says why it will not."""

import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from baselines.anchors import Identity
from bench import audio, coding, shards
from bench.coding import Codecs
from bench.crew import Done
from bench.datasets.manifest import Clip, Manifest
from bench.metrics import METRICS
from bench.plan import Job, plan_run
from bench.shards import Asked, Refused, Setting
from bench.store import Store
from bench.suites import SIGNAL

SETTING = Setting("reference", "cpu", 1, 60.0)
HOST = platform.node()

pytestmark = pytest.mark.usefixtures("teams_are_inline", "nothing_held")


@pytest.fixture
def nothing_held() -> Iterator[None]:
    shards._held.drop()
    yield
    shards._held.drop()


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Two clips of noise through the codec that changes nothing; MEL and the measures."""
    clips = []
    for name in "ab":
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.random.default_rng(0).uniform(-0.4, 0.4, 16_000), 16_000)
        clips.append(Clip("d", name, "music", path, audio.sha256(path)))
    with Store(tmp_path / "store") as store:
        info = Identity("reference", None).info
        plan = plan_run([info], Manifest("two", "r1", tuple(clips)), SIGNAL, store)
    return [
        replace(job, missing={k: v for k, v in job.missing.items() if k != "sdr"})
        for job in plan.jobs
    ]


def refusal(jobs: list[Job], setting: Setting = SETTING) -> str:
    (refused,) = shards.do(jobs, setting)
    assert isinstance(refused, Refused)
    return refused.why


def test_every_clip_comes_with_its_cells_from_the_machine_that_made_them(jobs: list[Job]) -> None:
    done = list(shards.do(jobs, SETTING))
    assert all(isinstance(one, Done) for one in done)
    assert [one.job.clip.id for one in done] == ["a", "b"]
    for one in done:
        assert {cell.metric for cell in one.cells} == set(one.job.missing)
        assert {cell.host for cell in one.cells} == {HOST}
        values = {cell.metric: cell.value for cell in one.cells}
        assert values["mel"] == 0.0
        assert values["duration"] == 1.0


@pytest.mark.parametrize("damage", ["missing", "another"])
def test_a_file_that_is_not_the_one_costs_its_clip_and_names_the_machine(
    jobs: list[Job], damage: str
) -> None:
    path = jobs[0].clip.path
    path.unlink()
    told = f"{HOST}:a.wav: no such file"
    if damage == "another":
        soundfile.write(path, np.zeros(9), 16_000)
        told = f"{HOST}:a.wav: not the file of the manifest"
    bad, good = shards.do(jobs, SETTING)
    assert all(cell.error.startswith(told) for cell in bad.cells)
    assert all(cell.error is None for cell in good.cells)


def test_another_revision_of_the_codec_is_refused(jobs: list[Job]) -> None:
    other = [replace(job, source=replace(job.source, codec_revision="old")) for job in jobs]
    told = f"{HOST} has revision {jobs[0].source.codec_revision} of reference, the run began with"
    assert refusal(other).startswith(f"{told} old: all machines of a run need the same versions")


def test_another_version_of_a_metric_or_a_library_is_refused(jobs: list[Job]) -> None:
    mel = METRICS["mel"].version
    other = [replace(job, missing=job.missing | {"mel": f"{mel}.1"}) for job in jobs]
    assert f"{HOST} has {mel}, the run began with {mel}.1: " in refusal(other)
    other = [replace(job, source=replace(job.source, reader="libsndfile 0")) for job in jobs]
    assert f"{HOST} has {audio.READER}, the run began with libsndfile 0: " in refusal(other)
    other = [replace(job, source=replace(job.source, resampler="soxr 0")) for job in jobs]
    assert f"{HOST} has {audio.RESAMPLER}, the run began with soxr 0: " in refusal(other)


def test_the_delay_that_goes_with_a_version_is_no_difference(jobs: list[Job]) -> None:
    mel = f"{METRICS['mel'].version} delay=7@16000Hz"
    (one,) = shards.do([replace(jobs[0], missing={"mel": mel})], SETTING)
    assert isinstance(one, Done)
    assert [cell.metric_version for cell in one.cells] == [mel]


def test_a_codec_that_cannot_be_loaded_is_refused(jobs: list[Job]) -> None:
    told = refusal(jobs, replace(SETTING, codec="gone.safetensors"))
    assert told.startswith(f"{HOST} cannot load reference (no checkpoint at gone.safetensors")


def test_processes_stay_for_the_next_shard_and_those_of_metrics_for_the_next_codec() -> None:
    team = shards._held.team(SETTING)
    assert shards._held.team(SETTING) is team
    other = shards._held.team(replace(SETTING, codec="resample-16k"))
    assert other.codec is not team.codec
    assert other.metrics is team.metrics
    assert shards._held.team(replace(SETTING, workers=2)).metrics is not team.metrics


def test_another_gpu_has_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    team = shards._held.team(SETTING)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert shards._held.team(SETTING).codec is not team.codec


def test_the_codecs_are_asked_what_they_are() -> None:
    answer = Asked(["reference"], "cpu").ask(coding.codecs, (), 60.0)
    assert isinstance(answer.value, Codecs)
    assert [info.name for info in answer.value.infos] == ["reference"]
    assert "division by zero" in Asked(["reference"], "cpu").ask(_divide, (0,), 60.0).failed


def _divide(number: int) -> float:
    return 1 / number
