"""Checkpoints: the last ones are kept, and no failure to write costs an older one."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sqcodec.training import trainer as trainer_module
from sqcodec.training.checkpoints import (
    TrainingError,
    load_settings,
    load_state,
    save_settings,
    save_state,
    state_paths,
)
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.trainer import Trainer

CPU = torch.device("cpu")


@contextmanager
def little_room(n_bytes: int) -> Iterator[None]:
    """No file may grow beyond `n_bytes`: writing more fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def state(step: int) -> dict[str, object]:
    values = torch.full((20_000,), float(step))
    return {
        **{"preset": "tiny", "step": step, "heard_s": 0.0, "seconds": 0.0},
        **{"network": {}, "optimizer": {}, "values": values},
    }


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        save_state(tmp_path, state(step), keep=2)
    assert [path.name for path in state_paths(tmp_path)] == [
        "state-00000015.pt",
        "state-00000020.pt",
    ]
    assert load_state(tmp_path, "tiny", CPU)["step"] == 20


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    save_state(tmp_path, state(1), keep=1)
    with (
        pytest.raises(TrainingError, match=r"cannot be written .* older checkpoints are kept"),
        little_room(10_000),
    ):
        save_state(tmp_path, state(2), keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["state-00000001.pt"]
    assert load_state(tmp_path, "tiny", CPU)["values"].eq(1).all()


def test_a_run_goes_on_after_a_full_disk(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    def fill(row: dict[str, float]) -> None:
        if row["step"] == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(TrainingError, match="--resume"):
            Trainer(config, corpus, tmp_path / "run").run(fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    resumed = Trainer(config, corpus, tmp_path / "run", resume=True)
    assert resumed.step == 3
    resumed.run()
    assert resumed.step == 6


def test_what_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run to resume"):
        load_state(tmp_path, "tiny", CPU)
    save_state(tmp_path, state(1), keep=1)
    with pytest.raises(TrainingError, match="is a run of tiny, not sqcodec-6k"):
        load_state(tmp_path, "sqcodec-6k", CPU)
    (tmp_path / "state-00000002.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(TrainingError, match=r"state-00000002\.pt cannot be read .* remove it"):
        load_state(tmp_path, "tiny", CPU)


def test_damage_is_noticed(tmp_path: Path) -> None:
    save_state(tmp_path, state(1), keep=1)
    (path,) = state_paths(tmp_path)
    whole = path.read_bytes()
    place = whole.index(np.float32(1).tobytes() * 8) + 13  # in the midst of the values
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(TrainingError, match="is damaged"):
        load_state(tmp_path, "tiny", CPU)
    path.write_bytes(whole[:-1000])
    with pytest.raises(TrainingError, match="cannot be read"):
        load_state(tmp_path, "tiny", CPU)


@pytest.mark.parametrize(
    ("content", "message"),
    [({"preset": "tiny", "step": 1}, "it has no heard_s"), ([1], "it has no preset"), (5, "")],
)
def test_what_is_no_state(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "state-00000001.pt")
    with pytest.raises(TrainingError, match=rf"cannot be read \(.*{message}"):
        load_state(tmp_path, "tiny", CPU)


def test_a_state_of_another_network(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    save_state(tmp_path, state(1), keep=1)
    with pytest.raises(TrainingError, match=r"the state in .* cannot be resumed"):
        Trainer(config, corpus, tmp_path, resume=True)


@pytest.mark.parametrize("name", ["weights.safetensors", "log.csv"])
def test_no_room_for_the_smaller_files(
    name: str,
    config: TrainConfig,
    corpus: PackedCorpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer_module, "save_state", lambda *_: None)
    trainer = Trainer(config, corpus, tmp_path / "run")
    trainer.run()
    (tmp_path / "run" / "log.csv").write_bytes(b"," * 10_000)
    before = trainer.weights_path.read_bytes()
    expected = pytest.raises(TrainingError, match=rf"{name} cannot be written .* --resume")
    with expected, little_room(10_000):
        trainer.save() if name.startswith("weights") else trainer.log.write({"step": 7})
    assert trainer.weights_path.read_bytes() == before


def test_a_row_that_was_cut_is_dropped(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    Trainer(config, corpus, tmp_path / "run").run()
    path = tmp_path / "run" / "log.csv"
    with open(path, "a") as file:
        file.write("1")
    resumed = Trainer(replace(config, steps=8), corpus, tmp_path / "run", resume=True)
    resumed.run()
    assert [int(row.split(",")[0]) for row in path.read_text().split()[1:]] == [*range(1, 9)]


def test_settings_come_back(config: TrainConfig, tmp_path: Path) -> None:
    assert load_settings(tmp_path) == {}
    save_settings(tmp_path, config)
    assert TrainConfig(**load_settings(tmp_path)) == config
    (tmp_path / "settings.json").write_text('{"colour": 1}')
    with pytest.raises(TrainingError, match="no setting 'colour'"):
        load_settings(tmp_path)
    (tmp_path / "settings.json").write_text("5")
    with pytest.raises(TrainingError, match="it holds no settings"):
        load_settings(tmp_path)
