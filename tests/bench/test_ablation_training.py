"""The trainings of an ablation: side by side, gone on with, each failure its own row's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import registry
from bench.ablation import training
from bench.ablation.folder import DONE, Run
from bench.ablation.training import Failed, train_all
from bench.trainable import Cost, NotTrainableError, Settings, Trained

pytestmark = pytest.mark.usefixtures("trainings_are_inline")


class Stub:
    """A trainer that counts; it can be told to fail or to be killed in a training."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.fails: dict[str, BaseException] = {}

    def train(
        self, settings: Settings, source: str, folder: Path, device: str, name: str
    ) -> Trained:
        self.begun.append((name, device))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state-00000002.pt").write_bytes(b"to go on from")
        if name in self.fails:
            raise self.fails[name]
        (folder / f"{name}.safetensors").write_bytes(b"weights")
        return Trained(name, f"{name}.safetensors", 5, 8.0, 60.0, "1 CPU thread")

    def cost(self, settings: Settings, source: str, folder: Path, device: str) -> Cost:
        folder.mkdir(parents=True)
        return Cost(2.0 if device == "cuda:0" else 3.0, 5.0)

    def settings(
        self, preset: str, variant: str, steps: int, batch: int, seed: int, given: Settings
    ) -> Settings:
        return {"growth_steps": steps // 5}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub()
    monkeypatch.setattr(registry, "trainable", lambda: made)
    return made


def runs(folder: Path) -> list[Run]:
    names = ("baseline", "window-40", "no-tconv")
    return [Run(name, 0, name, folder / name, {}) for name in names]


def test_a_killed_ablation_goes_on_with_what_is_not_done(stub: Stub, tmp_path: Path) -> None:
    stub.fails["window-40"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        train_all(runs(tmp_path), "corpus", ["cpu"], 1)
    assert [name for name, _ in stub.begun] == ["baseline", "window-40"]
    assert (tmp_path / "window-40" / "state-00000002.pt").is_file()
    stub.fails.clear()
    stub.begun.clear()
    found = train_all(runs(tmp_path), "corpus", ["cpu"], 1)
    assert [name for name, _ in stub.begun] == ["window-40", "no-tconv"]
    assert {one.steps for one in found.values() if isinstance(one, Trained)} == {5}
    stub.begun.clear()
    assert train_all(runs(tmp_path), "corpus", ["cpu"], 1) == found
    assert stub.begun == []


def test_what_is_done_keeps_no_checkpoint(stub: Stub, tmp_path: Path) -> None:
    train_all(runs(tmp_path), "corpus", ["cpu"], 1)
    for run in runs(tmp_path):
        left = {path.name for path in run.folder.iterdir()}
        assert left == {DONE, f"{run.codec}.safetensors"}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotTrainableError("no finite gradient"), "no finite gradient"),
        (RuntimeError("of /home/me/corpus/audio.i16"), "RuntimeError: of audio.i16"),
    ],
)
def test_a_failed_training_costs_its_own_row(
    stub: Stub, tmp_path: Path, error: Exception, said: str
) -> None:
    stub.fails["window-40"] = error
    found = train_all(runs(tmp_path), "corpus", ["cpu"], 1)
    assert found["window-40", 0] == Failed(said)
    assert isinstance(found["baseline", 0], Trained)
    assert isinstance(found["no-tconv", 0], Trained)
    assert runs(tmp_path)[1].done() is None


def test_a_note_without_its_weights_is_not_believed(stub: Stub, tmp_path: Path) -> None:
    train_all(runs(tmp_path), "corpus", ["cpu"], 1)
    (tmp_path / "baseline" / "baseline.safetensors").unlink()
    stub.begun.clear()
    train_all(runs(tmp_path), "corpus", ["cpu"], 1)
    assert [name for name, _ in stub.begun] == ["baseline"]


def test_timing_leaves_nothing_and_the_slowest_counts(stub: Stub, tmp_path: Path) -> None:
    cost = training.measure({}, "corpus", tmp_path / "timing", ["cuda:0", "cuda:1"], 1)
    assert cost == Cost(3.0, 5.0)
    assert list(tmp_path.iterdir()) == []


def test_trainings_are_shared_out_among_devices(stub: Stub, tmp_path: Path) -> None:
    train_all(runs(tmp_path), "corpus", ["cuda:0", "cuda:1"], 1)
    assert [device for _, device in stub.begun[:2]] == ["cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("seconds", "steps"),
    # 90 % of the time; a step takes 2 s, and a fifth as many steps of growth 5 s each.
    [(1000.0, 300), (100.0, 30), (20.0, 6), (2.0, 0)],
)
def test_steps_fill_a_share_of_the_hours(stub: Stub, seconds: float, steps: int) -> None:
    def taken_s(n: int) -> float:
        return 2.0 * n + 5.0 * (n // 5)

    with training.process(1) as worker:
        found = training.ask_steps(worker, "sqcodec-6k", seconds, Cost(2.0, 5.0), 1, {})
    assert taken_s(steps) <= 0.9 * seconds < taken_s(steps + 1)
    assert found == steps
