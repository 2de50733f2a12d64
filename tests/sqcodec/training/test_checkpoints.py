"""Checkpoints: the last ones are kept, and no failure to write costs an older one."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

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
    return {"preset": "tiny", "step": step, "values": torch.full((20_000,), float(step))}


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


def test_settings_come_back(config: TrainConfig, tmp_path: Path) -> None:
    assert load_settings(tmp_path) == {}
    save_settings(tmp_path, config)
    assert TrainConfig(**load_settings(tmp_path)) == config
    (tmp_path / "settings.json").write_text('{"colour": 1}')
    with pytest.raises(TrainingError, match="no setting 'colour'"):
        load_settings(tmp_path)
