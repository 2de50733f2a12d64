"""bench.runner: cells that are missing are computed, each fault stays with its clip."""

import json
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from baselines.anchors import Identity
from bench import audio, runner
from bench.codec import Encoded
from bench.datasets.manifest import Clip, Manifest
from bench.executors import metric_processes
from bench.metrics import METRICS
from bench.runner import RunError, Step, gather, run
from bench.store import Store
from bench.suites import SIGNAL

RATE = 16_000


def mean_difference(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that costs nothing."""
    return float(np.abs(reference - estimate).mean())


def fails_on_loud(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that cannot score clips above half scale."""
    if np.abs(reference).max() > 0.5:
        raise ZeroDivisionError("loud")
    return mean_difference(reference, estimate, sample_rate)


def not_a_number(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    return float("nan")


class Gain(Identity):
    """A codec that halves its input, and remembers how often it was called."""

    def __init__(self, name: str = "gain") -> None:
        super().__init__(name, None)
        self.n_calls = 0

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        self.n_calls += 1
        return 0.5 * super().decode(encoded)


@pytest.fixture
def quick_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's metrics, by their names, at no cost."""
    for name in METRICS:
        quick = replace(METRICS[name], function=f"{__name__}:mean_difference", libraries=())
        monkeypatch.setitem(METRICS, name, quick)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Two clips of speech and one of music, a tenth of a second each."""
    return Manifest("three", "r1", tuple(_clips(tmp_path)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def _clips(folder: Path) -> Iterator[Clip]:
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (3, RATE // 10))
    names = [("talk", "a", "speech"), ("talk", "b", "speech"), ("songs", "c", "music")]
    for samples, (dataset, name, kind) in zip(noise, names, strict=True):
        path = folder / f"{name}.wav"
        soundfile.write(path, samples, RATE)
        yield Clip(
            dataset=dataset,
            id=f"{dataset}/{name}",
            kind=kind,
            path=path,
            sha256=audio.sha256(path),
            group=name,
        )


def _values(frame) -> dict[tuple[str, str], float]:
    return {(row.clip, row.metric): row.value for row in frame.itertuples()}


@pytest.mark.usefixtures("quick_metrics")
def test_every_cell_that_the_suite_asks_is_there(
    manifest: Manifest, store: Store, executor: Executor
) -> None:
    codec = Gain()
    run([codec], manifest, SIGNAL, store, executor)
    frame = gather(codec.info, manifest, SIGNAL, store)
    assert frame["error"].isna().all()
    by_clip = frame.groupby("clip", sort=False)["metric"].apply(list).to_dict()
    measures = ["bits", "duration", "sample_rate"]
    assert by_clip == {
        "talk/a": [*measures, "sdr", "mel", "stoi", "pesq"],
        "talk/b": [*measures, "sdr", "mel", "stoi", "pesq"],
        "songs/c": [*measures, "sdr", "mel"],
    }
    values = _values(frame)
    samples, _ = audio.read(manifest.clips[0].path)
    assert values["talk/a", "sdr"] == pytest.approx(np.abs(samples).mean() / 2)
    assert values["talk/a", "bits"] == 16 * 1600
    assert values["talk/a", "duration"] == 0.1
    assert values["talk/a", "sample_rate"] == RATE
    assert json.loads(frame["libraries"].iloc[0])["numpy"] == np.__version__


@pytest.mark.usefixtures("quick_metrics")
def test_present_cells_are_not_computed_again(
    manifest: Manifest, store: Store, executor: Executor
) -> None:
    codec = Gain()
    run([codec], manifest, SIGNAL, store, executor)
    before = gather(codec.info, manifest, SIGNAL, store)
    steps: list[Step] = []
    run([codec], manifest, SIGNAL, store, executor, steps.append)
    assert codec.n_calls == 3
    assert [(step.n_scored, step.n_failed, step.n_kept) for step in steps] == [
        (0, 0, 7),
        (0, 0, 7),
        (0, 0, 5),
    ]
    assert gather(codec.info, manifest, SIGNAL, store).equals(before)


@pytest.mark.usefixtures("quick_metrics")
def test_a_new_metric_version_is_computed_alone(
    manifest: Manifest, store: Store, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run([Gain()], manifest, SIGNAL, store, executor)
    monkeypatch.setitem(METRICS, "mel", replace(METRICS["mel"], revision=99))
    assert (gather(Gain().info, manifest, SIGNAL, store)["error"] == "not computed").sum() == 3
    steps: list[Step] = []
    run([Gain()], manifest, SIGNAL, store, executor, steps.append)
    assert {step.n_scored for step in steps} == {1}
    assert gather(Gain().info, manifest, SIGNAL, store)["error"].isna().all()


@pytest.mark.usefixtures("quick_metrics")
def test_a_failing_metric_costs_one_score_and_is_tried_again(
    manifest: Manifest, store: Store, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(manifest.clips[1].path, np.full(RATE // 10, 0.9), RATE)
    loud = replace(manifest.clips[1], sha256=audio.sha256(manifest.clips[1].path))
    clips = (manifest.clips[0], loud, manifest.clips[2])
    manifest = replace(manifest, clips=clips)
    good = METRICS["stoi"]
    monkeypatch.setitem(METRICS, "stoi", replace(good, function=f"{__name__}:fails_on_loud"))
    run([Gain()], manifest, SIGNAL, store, executor)
    failed = gather(Gain().info, manifest, SIGNAL, store).dropna(subset="error")
    assert failed[["clip", "metric", "error"]].to_numpy().tolist() == [
        ["talk/b", "stoi", "ZeroDivisionError: loud"]
    ]
    monkeypatch.setitem(METRICS, "stoi", good)
    steps: list[Step] = []
    run([Gain()], manifest, SIGNAL, store, executor, steps.append)
    assert sorted(step.n_scored for step in steps) == [0, 0, 1]
    assert gather(Gain().info, manifest, SIGNAL, store)["error"].isna().all()


@pytest.mark.usefixtures("quick_metrics")
def test_a_metric_that_returns_nan_has_no_value(
    manifest: Manifest, store: Store, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan = replace(METRICS["mel"], function=f"{__name__}:not_a_number")
    monkeypatch.setitem(METRICS, "mel", nan)
    run([Gain()], manifest, SIGNAL, store, executor)
    failed = gather(Gain().info, manifest, SIGNAL, store).dropna(subset="error")
    assert failed["error"].tolist() == ["the metric returned nan"] * 3


@pytest.mark.usefixtures("quick_metrics")
def test_a_codec_that_raises_loses_its_clip_and_no_other(
    manifest: Manifest, store: Store, executor: Executor
) -> None:
    class Raises(Gain):
        def decode(self, encoded: Encoded) -> NDArray[np.float32]:
            if self.n_calls == 1:
                self.n_calls += 1
                raise RuntimeError("out of\nmemory")
            return super().decode(encoded)

    run([Raises(), Identity("other", None)], manifest, SIGNAL, store, executor)
    frame = gather(Gain().info, manifest, SIGNAL, store)
    failed = frame.dropna(subset="error")
    assert failed["clip"].unique().tolist() == ["talk/b"]
    assert len(failed) == 7
    assert failed["error"].unique().tolist() == ["RuntimeError: out of memory"]
    assert gather(Identity("other", None).info, manifest, SIGNAL, store)["error"].isna().all()


@pytest.mark.usefixtures("quick_metrics")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "truncated"),
        (lambda path: path.write_text("text"), "not readable as audio"),
        (lambda path: soundfile.write(path, np.zeros(9), RATE), "not the file of the manifest"),
    ],
)
def test_an_unusable_file_is_named_and_the_run_goes_on(
    manifest: Manifest, store: Store, executor: Executor, damage, told: str
) -> None:
    damage(manifest.clips[0].path)
    run([Gain()], manifest, SIGNAL, store, executor)
    frame = gather(Gain().info, manifest, SIGNAL, store)
    failed = frame.dropna(subset="error")
    assert failed["clip"].unique().tolist() == ["talk/a"]
    assert failed["error"].str.contains(told).all()


@pytest.mark.usefixtures("quick_metrics")
def test_an_interrupted_run_keeps_what_is_finished_and_resumes(
    manifest: Manifest, store: Store, executor: Executor
) -> None:
    whole = Gain("whole")
    run([whole], manifest, SIGNAL, store, executor)
    codec = Gain()
    finished: list[Step] = []

    def interrupt_once(step: Step) -> None:
        finished.append(step)
        if len(finished) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([codec], manifest, SIGNAL, store, executor, interrupt_once)
    frame = gather(codec.info, manifest, SIGNAL, store)
    done = {step.clip for step in finished}
    assert done == set(frame.dropna(subset="value")["clip"])
    run([codec], manifest, SIGNAL, store, executor)
    resumed = _values(gather(codec.info, manifest, SIGNAL, store))
    assert resumed == _values(gather(whole.info, manifest, SIGNAL, store))


@pytest.mark.usefixtures("quick_metrics")
def test_an_interrupt_in_the_codec_stores_the_clips_that_are_being_scored(
    manifest: Manifest, store: Store, executor: Executor
) -> None:
    class Interrupted(Gain):
        def decode(self, encoded: Encoded) -> NDArray[np.float32]:
            if self.n_calls == 2:
                # By now the first two clips are with the only worker, in this order.
                executor.submit(int).result()
                raise KeyboardInterrupt
            return super().decode(encoded)

    with pytest.raises(KeyboardInterrupt):
        run([Interrupted()], manifest, SIGNAL, store, executor)
    frame = gather(Gain().info, manifest, SIGNAL, store).dropna(subset="value")
    assert frame["clip"].unique().tolist() == ["talk/a", "talk/b"]


class Dies(Executor):
    """A pool whose process is killed at its second clip."""

    def __init__(self) -> None:
        self.n_submitted = 0

    def submit(self, function, /, *arguments):
        self.n_submitted += 1
        future: Future = Future()
        if self.n_submitted < 2:
            future.set_result(function(*arguments))
        else:
            future.set_exception(BrokenExecutor("killed"))
        return future


@pytest.mark.usefixtures("quick_metrics")
def test_a_killed_metric_process_is_told_and_finished_clips_are_kept(
    manifest: Manifest, store: Store
) -> None:
    with pytest.raises(RunError, match=r"ended from outside .* run the same command again"):
        run([Gain()], manifest, SIGNAL, store, Dies())
    frame = gather(Gain().info, manifest, SIGNAL, store).dropna(subset="value")
    assert frame["clip"].unique().tolist() == ["talk/a"]


@pytest.mark.usefixtures("quick_metrics")
def test_few_clips_wait_for_their_scores_at_a_time(
    manifest: Manifest, store: Store, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_MAX_WAITING", 1)
    seen: list[int] = []
    codec = Gain()
    run([codec], manifest, SIGNAL, store, executor, lambda step: seen.append(codec.n_calls))
    assert seen == [1, 2, 3]


def test_real_metrics_in_processes_of_their_own(tmp_path: Path) -> None:
    """The reference has the best score that PESQ and STOI can give."""
    generator = np.random.default_rng(0)
    seconds = np.arange(2 * RATE) / RATE
    voiced = np.sin(2 * np.pi * 150 * seconds) + 0.3 * generator.standard_normal(len(seconds))
    path = tmp_path / "syllables.wav"
    soundfile.write(path, 0.2 * voiced * (np.sin(2 * np.pi * 3 * seconds) > 0), RATE)
    clip = replace(next(_clips(tmp_path)), path=path, sha256=audio.sha256(path))
    manifest = Manifest("one", "r1", (clip,))
    reference = Identity("reference", None)
    with Store(tmp_path / "store.sqlite") as store, metric_processes(1) as processes:
        run([reference], manifest, SIGNAL, store, processes)
        values = _values(gather(reference.info, manifest, SIGNAL, store))
    assert values[clip.id, "pesq"] == pytest.approx(4.64, abs=0.005)
    assert values[clip.id, "stoi"] == pytest.approx(1.0, abs=1e-6)
    assert values[clip.id, "mel"] == 0
    assert values[clip.id, "sdr"] > 100


def test_a_metric_process_has_one_thread_for_linear_algebra() -> None:
    with metric_processes(1) as processes:
        libraries = processes.submit(threadpool_info).result()
    assert libraries
    assert {library["num_threads"] for library in libraries} == {1}
