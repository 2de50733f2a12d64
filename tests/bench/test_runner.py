"""bench.runner: cells that are missing are computed, each fault stays with its clip."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from three_clips import RATE, Gain, Run, mean_difference, three_clips, values_of

from baselines.anchors import Identity
from bench import audio
from bench.codec import Codec, Encoded
from bench.datasets.manifest import Manifest
from bench.metrics import METRICS
from bench.plan import plan_run
from bench.runner import Step
from bench.runner import run as run_plan
from bench.store import Store
from bench.suites import SIGNAL
from bench.team import RunError, Team
from bench.views import gather


def fails_on_loud(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that cannot score clips above half scale: the second."""
    if np.abs(reference).max() > 0.5:
        raise ZeroDivisionError("loud")
    return mean_difference(reference, estimate, sample_rate)


def not_a_number(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    return float("nan")


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
    resumed = values_of(gather(codec.info, manifest, SIGNAL, store))
    assert resumed == values_of(gather(Gain("whole").info, manifest, SIGNAL, store))


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


def test_real_metrics_in_processes_of_their_own(tmp_path: Path) -> None:
    """The reference has the best score that PESQ and STOI can give."""
    generator = np.random.default_rng(0)
    seconds = np.arange(2 * RATE) / RATE
    voiced = np.sin(2 * np.pi * 150 * seconds) + 0.3 * generator.standard_normal(len(seconds))
    path = tmp_path / "syllables.wav"
    soundfile.write(path, 0.2 * voiced * (np.sin(2 * np.pi * 3 * seconds) > 0), RATE)
    clip = replace(next(three_clips(tmp_path)), path=path, sha256=audio.sha256(path))
    manifest = Manifest("one", "r1", (clip,))
    with (
        Store(tmp_path / "store.sqlite") as store,
        Team.of(["reference"], "cpu", 1, clip_timeout_s=60) as team,
    ):
        (info,) = team.codecs().infos
        run_plan(plan_run([info], manifest, SIGNAL, store), store, team)
        values = values_of(gather(info, manifest, SIGNAL, store))
    assert values[clip.id, "pesq"] == pytest.approx(4.64, abs=0.005)
    assert values[clip.id, "stoi"] == pytest.approx(1.0, abs=1e-6)
    assert values[clip.id, "mel"] == 0
    assert values[clip.id, "sdr"] > 100
