"""bench.runner: cells that are missing are computed, each fault stays with its clip."""

import functools
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from baselines.anchors import Identity
from bench import audio
from bench.codec import Codec, Encoded
from bench.datasets.manifest import Clip, Manifest
from bench.delay import Delay
from bench.executors import Worker
from bench.metrics import BESIDE, METRICS
from bench.plan import delay_of, plan_run, wanted
from bench.runner import Step
from bench.runner import run as run_plan
from bench.store import Store
from bench.suites import SIGNAL
from bench.team import RunError, Team, measure_delays
from bench.views import codes_of, gather

RATE = 16_000


def mean_difference(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that costs nothing."""
    return float(np.abs(reference - estimate).mean())


def fails_on_loud(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that cannot score clips above half scale: the second."""
    if np.abs(reference).max() > 0.5:
        raise ZeroDivisionError("loud")
    return mean_difference(reference, estimate, sample_rate)


def aligned_difference(
    reference: NDArray[np.float32],
    estimate: NDArray[np.float32],
    sample_rate: int,
    delay_samples: int,
) -> float:
    n_left = len(reference) - delay_samples
    return mean_difference(reference[:n_left], estimate[delay_samples:], sample_rate)


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
    """Two clips of speech, the second loud, and one of music; a tenth of a second each."""
    return Manifest("three", "r1", tuple(_clips(tmp_path)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


Run = Callable[..., list[Step]]


@pytest.fixture
def run(manifest: Manifest, store: Store, inline_team: Callable[[Sequence[Codec]], Team]) -> Run:
    """Does what codecs lack on the three clips, and returns the steps."""

    def do(codecs: Sequence[Codec], on_step: Callable[[Step], None] = lambda step: None):
        steps: list[Step] = []
        plan = plan_run([codec.info for codec in codecs], manifest, SIGNAL, store)
        run_plan(plan, store, inline_team(codecs), on_step=lambda s: (steps.append(s), on_step(s)))
        return steps

    return do


def _clips(folder: Path) -> Iterator[Clip]:
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (3, RATE // 10))
    noise[1] *= 2
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
    run: Run, manifest: Manifest, store: Store
) -> None:
    codec = Gain()
    run([codec])
    frame = gather(codec.info, manifest, SIGNAL, store)
    assert frame["error"].isna().all()
    by_clip = frame.groupby("clip", sort=False)["metric"].apply(list).to_dict()
    measures = ["bits", "duration", "sample_rate", "clipped_samples"]
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
    assert values["talk/a", "clipped_samples"] == 0
    assert json.loads(frame["libraries"].iloc[0])["numpy"] == np.__version__


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


@pytest.mark.usefixtures("quick_metrics")
def test_a_failing_metric_costs_one_score_and_is_tried_again(
    run: Run, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = METRICS["stoi"]
    monkeypatch.setitem(METRICS, "stoi", replace(good, function=f"{__name__}:fails_on_loud"))
    run([Gain()])
    failed = gather(Gain().info, manifest, SIGNAL, store).dropna(subset="error")
    assert failed[["clip", "metric", "error"]].to_numpy().tolist() == [
        ["talk/b", "stoi", "ZeroDivisionError: loud"]
    ]
    monkeypatch.setitem(METRICS, "stoi", good)
    assert run([Gain()]) == [Step("gain", "talk/b", n_scored=1, n_failed=0)]
    assert gather(Gain().info, manifest, SIGNAL, store)["error"].isna().all()


@pytest.mark.usefixtures("quick_metrics")
def test_a_metric_that_returns_nan_has_no_value(
    run: Run, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan = replace(METRICS["mel"], function=f"{__name__}:not_a_number")
    monkeypatch.setitem(METRICS, "mel", nan)
    run([Gain()])
    failed = gather(Gain().info, manifest, SIGNAL, store).dropna(subset="error")
    assert failed["error"].tolist() == ["the metric returned nan"] * 3


@pytest.mark.usefixtures("quick_metrics")
def test_a_codec_that_raises_loses_its_clip_and_no_other(
    run: Run, manifest: Manifest, store: Store
) -> None:
    class Raises(Gain):
        def decode(self, encoded: Encoded) -> NDArray[np.float32]:
            if self.n_calls == 1:
                self.n_calls += 1
                raise RuntimeError("out of\nmemory")
            return super().decode(encoded)

    run([Raises(), Identity("other", None)])
    frame = gather(Gain().info, manifest, SIGNAL, store)
    failed = frame.dropna(subset="error")
    assert failed["clip"].unique().tolist() == ["talk/b"]
    assert len(failed) == 8
    assert failed["error"].unique().tolist() == ["RuntimeError: out of memory"]
    assert gather(Identity("other", None).info, manifest, SIGNAL, store)["error"].isna().all()


@pytest.mark.usefixtures("quick_metrics")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "a.wav: no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:900]), "a.wav: truncated, 856 of "),
        (lambda path: path.write_text("text"), "a.wav: not readable as audio"),
        (
            lambda path: soundfile.write(path, np.zeros(9), RATE),
            "a.wav: not the file of the manifest",
        ),
    ],
)
def test_an_unusable_file_is_named_from_its_folder_on_and_the_run_goes_on(
    run: Run, manifest: Manifest, store: Store, damage, told: str
) -> None:
    damage(manifest.clips[0].path)
    run([Gain()])
    frame = gather(Gain().info, manifest, SIGNAL, store)
    failed = frame.dropna(subset="error")
    assert failed["clip"].unique().tolist() == ["talk/a"]
    assert failed["error"].str.startswith(told).all()


def test_absolute_and_relative_paths_may_be_mixed(
    manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = manifest.clips
    monkeypatch.chdir(first.path.parent)
    mixed = replace(manifest, clips=(replace(first, path=Path(first.path.name)), *others))
    plan = plan_run([Gain().info], mixed, SIGNAL, store)
    assert [job.shown_path for job in plan.jobs] == ["a.wav", "b.wav", "c.wav"]


@pytest.mark.usefixtures("quick_metrics")
def test_a_codec_that_changes_during_a_run_fails_its_clips(
    manifest: Manifest, store: Store, inline_team: Callable[[Sequence[Codec]], Team]
) -> None:
    codec = Gain()
    before = replace(codec.info, revision="before")
    plan = plan_run([before, replace(before, name="gone")], manifest, SIGNAL, store)
    run_plan(plan, store, inline_team([codec]))
    for info in (before, replace(before, name="gone")):
        errors = gather(info, manifest, SIGNAL, store)["error"]
        assert errors.str.startswith("the codec could not be loaded again as it was").all()
    assert codec.n_calls == 0


def test_codecs_that_end_their_process_end_the_run_in_one_line(manifest: Manifest) -> None:
    told = r"^the codecs cannot be loaded: the codec process ended itself \(status 3\)$"
    with Team(Worker("codec", functools.partial(os._exit, 3)), [], 1.0) as team:
        with pytest.raises(RunError, match=told):
            team.codecs()
        with pytest.raises(RunError, match=told):
            team.unpaired(manifest)


@pytest.mark.usefixtures("quick_metrics")
def test_codecs_share_the_reading_of_a_clip(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = audio.read

    def counted(path: Path):
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(audio, "read", counted)
    run([Gain(), Identity("other", None), Identity("8k", 8_000)])
    assert read == ["a.wav", "b.wav", "c.wav"]


@pytest.mark.usefixtures("quick_metrics")
def test_an_interrupted_run_keeps_what_is_finished_and_resumes(
    run: Run, manifest: Manifest, store: Store
) -> None:
    run([Gain("whole")])
    codec = Gain()
    finished: list[Step] = []

    def interrupt_once(step: Step) -> None:
        finished.append(step)
        if len(finished) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([codec], interrupt_once)
    done = set(gather(codec.info, manifest, SIGNAL, store).dropna(subset="value")["clip"])
    assert done == {"talk/a"}
    assert [step.clip for step in run([codec])] == ["talk/b", "songs/c"]
    resumed = _values(gather(codec.info, manifest, SIGNAL, store))
    assert resumed == _values(gather(Gain("whole").info, manifest, SIGNAL, store))


@pytest.mark.usefixtures("quick_metrics")
def test_cells_that_another_run_computed_meanwhile_are_left_to_it(
    run: Run,
    manifest: Manifest,
    store: Store,
    inline_team: Callable[[Sequence[Codec]], Team],
) -> None:
    ours = Gain()
    plan = plan_run([ours.info], manifest, SIGNAL, store)
    run([Gain()])  # the other run, after we have planned
    steps: list[Step] = []
    run_plan(plan, store, inline_team([ours]), on_step=steps.append)
    assert ours.n_calls == 0
    assert [step.n_kept for step in steps] == [8, 8, 6]


@pytest.mark.usefixtures("quick_metrics")
def test_decoded_audio_does_not_outlive_the_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    most: list[int] = []

    def look(step: Step) -> None:
        most.append(len(list((tmp_path / "temporary").rglob("*.npy"))))

    run([Gain()], look)
    assert max(most) < 3
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.usefixtures("quick_metrics")
def test_a_full_disk_for_decoded_audio_ends_the_run_in_one_line(
    run: Run, manifest: Manifest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = np.save
    n_saved = 0

    def save_two(path: Path, array: NDArray[np.float32]) -> None:
        nonlocal n_saved
        n_saved += 1
        if n_saved > 2:
            raise OSError(28, "No space left on device", str(path))
        save(path, array)

    monkeypatch.setattr(np, "save", save_two)
    with pytest.raises(RunError, match=r"No space left on device.* what was finished is kept"):
        run([Gain()])
    assert set(gather(Gain().info, manifest, SIGNAL, store)["error"].dropna()) == {"not computed"}


class Tokens(Identity):
    """A codec of two codebooks of four entries, whose audio comes `late` samples late."""

    def __init__(self, late: int = 0) -> None:
        super().__init__("tokens", RATE)
        self._info = replace(self._info, n_codebooks=2, codebook_size=4, frame_rate_hz=100.0)
        self._late = late

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        n_frames = audio.shape[1] // 160
        codes = np.arange(2 * n_frames).reshape(1, 2, n_frames) % 4
        return replace(super().encode(audio, sample_rate), codes=codes)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        return np.roll(super().decode(encoded), self._late, axis=1)


@pytest.mark.usefixtures("quick_metrics")
def test_codes_are_stored_with_the_cells(run: Run, manifest: Manifest, store: Store) -> None:
    run([Tokens()])
    codes = codes_of(Tokens().info, manifest, SIGNAL, store)
    assert [clip.tolist() for clip in codes] == [(np.arange(20).reshape(2, 10) % 4).tolist()] * 3
    frame = gather(Tokens().info, manifest, SIGNAL, store)
    assert frame.loc[frame["metric"] == "frames", "value"].tolist() == [10.0] * 3


def _measured(team: Team, store: Store, *codecs: Codec) -> list[str]:
    return measure_delays([codec.info for codec in codecs], store, team)


@pytest.mark.usefixtures("quick_metrics")
def test_the_delay_is_measured_once_and_removed_beside_the_score(
    run: Run,
    manifest: Manifest,
    store: Store,
    inline_team: Callable[[Sequence[Codec]], Team],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(BESIDE["aligned_sdr"], function=f"{__name__}:aligned_difference")
    monkeypatch.setitem(BESIDE, "aligned_sdr", quick)
    late, sharp = Tokens(late=7), Identity("sharp", None)
    assert _measured(inline_team([late, sharp]), store, late, sharp) == []
    assert delay_of(late.info, store) == Delay(7, RATE, pytest.approx(1.0, abs=0.1))
    run([late, sharp])
    values = _values(gather(late.info, manifest, SIGNAL, store))
    assert values["talk/a", "aligned_sdr"] == 0.0
    assert values["talk/a", "sdr"] > 0.1
    # Without a delay there is nothing to remove.
    metrics = gather(sharp.info, manifest, SIGNAL, store)["metric"]
    assert "aligned_sdr" not in set(metrics)
    # Measured once: a team that knows no codec is not asked again.
    assert _measured(inline_team([]), store, late, sharp) == []


def test_the_delay_that_was_removed_is_part_of_the_version(manifest: Manifest) -> None:
    clip, info = manifest.clips[0], Tokens().info
    seven, eight = (wanted(clip, SIGNAL, info, Delay(n, RATE, 1.0)) for n in (7, 8))
    assert seven["aligned_sdr"].endswith(" delay=7@16000Hz")
    assert seven["aligned_sdr"] != eight["aligned_sdr"]
    assert seven["sdr"] == eight["sdr"]
    assert "aligned_sdr" not in wanted(clip, SIGNAL, info, Delay(0, RATE, 1.0))
    assert "aligned_sdr" not in wanted(clip, SIGNAL, info, Delay(None, RATE, None, "none"))


def test_a_codec_that_fails_on_the_probe_has_no_delay_and_is_told(
    store: Store, inline_team: Callable[[Sequence[Codec]], Team]
) -> None:
    class Raises(Gain):
        def decode(self, encoded: Encoded) -> NDArray[np.float32]:
            raise RuntimeError("no weights in /home/me/weights.bin")

    told = _measured(inline_team([Raises()]), store, Raises())
    assert told == ["gain: no constant delay: RuntimeError: no weights in weights.bin"]
    assert delay_of(Raises().info, store) is None


def test_real_metrics_in_processes_of_their_own(tmp_path: Path) -> None:
    """The reference has the best score that PESQ and STOI can give."""
    generator = np.random.default_rng(0)
    seconds = np.arange(2 * RATE) / RATE
    voiced = np.sin(2 * np.pi * 150 * seconds) + 0.3 * generator.standard_normal(len(seconds))
    path = tmp_path / "syllables.wav"
    soundfile.write(path, 0.2 * voiced * (np.sin(2 * np.pi * 3 * seconds) > 0), RATE)
    clip = replace(next(_clips(tmp_path)), path=path, sha256=audio.sha256(path))
    manifest = Manifest("one", "r1", (clip,))
    with (
        Store(tmp_path / "store.sqlite") as store,
        Team.of(["reference"], "cpu", 1, clip_timeout_s=60) as team,
    ):
        (info,) = team.codecs().infos
        run_plan(plan_run([info], manifest, SIGNAL, store), store, team)
        values = _values(gather(info, manifest, SIGNAL, store))
    assert values[clip.id, "pesq"] == pytest.approx(4.64, abs=0.005)
    assert values[clip.id, "stoi"] == pytest.approx(1.0, abs=1e-6)
    assert values[clip.id, "mel"] == 0
    assert values[clip.id, "sdr"] > 100
