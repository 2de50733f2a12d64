"""The trainer: it learns, it resumes exactly, it refuses what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sqcodec
from sqcodec.presets import SQCodecConfig
from sqcodec.training.corpus import CLIP_COLUMNS, PackedCorpus
from sqcodec.training.crops import CropSampler
from sqcodec.training.trainer import TrainConfig, Trainer, TrainingError

SPEECH_ONLY = {"speech": 1.0}


def write_corpus(folder: Path, sample_rate: int = 16000) -> PackedCorpus:
    """A corpus of tones: long and short clips of three speakers, one of them for validation."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, parts, position = [], [], 0
    for speaker in ("a", "b", "v"):
        for i, n_samples in enumerate((4000, 500, 300)):
            time = np.arange(n_samples) / sample_rate
            tone = 8000 * np.sin(2 * np.pi * rng.uniform(100, 600) * time)
            parts.append(tone.astype("<i2"))
            split = "val" if speaker == "v" else "train"
            origin = ("speech", "p", speaker, speaker, "en", "CC0-1.0", split)
            rows.append((f"{speaker}{i}", *origin, position, n_samples))
            position += n_samples
    (folder / "audio.i16").write_bytes(np.concatenate(parts).tobytes())
    pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).to_csv(folder / "clips.csv", index=False)
    totals = {"speech": {"hours": round(position / sample_rate / 3600, 3)}}
    summary = {"sample_rate": sample_rate, "totals": totals, "packages": {}}
    (folder / "corpus.json").write_text(json.dumps(summary))
    return PackedCorpus.open(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> PackedCorpus:
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def config(tiny: SQCodecConfig) -> TrainConfig:
    return TrainConfig(
        preset="tiny",
        steps=6,
        batch_size=2,
        kind_shares=SPEECH_ONLY,
        learning_rate=1e-3,
        checkpoint_every=3,
        validate_every=3,
        validation_batches=1,
    )


def test_a_run_cut_in_two_gives_the_same_weights(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    whole = Trainer(config, corpus, tmp_path / "whole")
    whole.run()

    def cut(row: dict[str, float]) -> None:
        if row["step"] == 5:  # past the checkpoint at step 3
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(config, corpus, tmp_path / "cut").run(cut)
    resumed = Trainer(config, corpus, tmp_path / "cut", resume=True)
    assert resumed.step == 3
    resumed.run()
    expected = whole.network.state_dict()
    for key, value in resumed.network.state_dict().items():
        assert torch.equal(value, expected[key]), key
    assert resumed.heard_s == whole.heard_s
    columns = ["step", "loss", "learning_rate", "validation"]
    logs = [pd.read_csv(tmp_path / run / "log.csv")[columns] for run in ("whole", "cut")]
    pd.testing.assert_frame_equal(logs[0], logs[1])


def test_checkpoint_loads_and_names_its_origin(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(config, corpus, tmp_path / "run")
    trainer.run()
    codec = sqcodec.load(trainer.weights_path)
    assert codec.padding == "hop"
    assert "6 steps" in codec.info.weights
    audio = torch.from_numpy(corpus.read(0))
    assert codec.decode(codec.encode(audio), len(audio)).shape == audio.shape


def test_overfits_one_clip(config: TrainConfig, corpus: PackedCorpus, tmp_path: Path) -> None:
    config = replace(
        config, steps=300, learning_rate=3e-3, checkpoint_every=1000, validate_every=1000
    )
    trainer = Trainer(config, corpus, tmp_path / "run")
    batch = trainer.crops.batch(1, 0, 0)
    trainer.crops.batch = lambda batch_size, seed, step: batch
    losses: list[float] = []
    trainer.run(lambda row: losses.append(row["waveform"]))
    assert np.mean(losses[-10:]) < losses[0] / 5


def test_a_gradient_reaches_every_parameter(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(config, steps=1), corpus, tmp_path / "run")
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer.run()
    for name, parameter in trainer.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert not torch.equal(parameter, before[name]), name


def test_learning_rate_goes_up_and_down(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    rates: list[float] = []
    config = replace(config, steps=20, checkpoint_every=100, validate_every=100)
    Trainer(config, corpus, tmp_path / "run").run(lambda row: rates.append(row["learning_rate"]))
    assert rates[0] == pytest.approx(config.initial_learning_rate)
    assert max(rates) == pytest.approx(config.learning_rate, rel=0.05)
    assert rates[-1] < config.initial_learning_rate


def test_a_loss_that_is_not_finite_stops_the_run(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(config, steps=50), corpus, tmp_path / "run")
    with torch.no_grad():
        trainer.network.decoder.last.conv.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match="no finite gradient in 10 steps in a row"):
        trainer.run()
    assert trainer.step == 9


def test_a_single_step_without_a_finite_gradient_changes_nothing(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(config, steps=2), corpus, tmp_path / "run")
    weight = trainer.network.decoder.last.conv.bias
    with torch.no_grad():
        weight.fill_(float("nan"))
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}

    def mend(row: dict[str, float]) -> None:
        if row["step"] == 1:
            for name, parameter in trainer.network.named_parameters():
                assert torch.equal(parameter.nan_to_num(), before[name].nan_to_num()), name
            with torch.no_grad():
                weight.fill_(0.0)

    trainer.run(mend)
    assert all(torch.isfinite(p).all() for p in trainer.network.parameters())


def test_an_existing_run_is_not_overwritten(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    Trainer(config, corpus, tmp_path / "run").run()
    with pytest.raises(TrainingError, match="holds a run already"):
        Trainer(config, corpus, tmp_path / "run")


def test_nothing_to_resume(config: TrainConfig, corpus: PackedCorpus, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no run to resume"):
        Trainer(config, corpus, tmp_path / "run", resume=True)


def test_state_of_another_preset(config: TrainConfig, corpus: PackedCorpus, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    torch.save({"preset": "sqcodec-6k"}, tmp_path / "run" / "state.pt")
    with pytest.raises(TrainingError, match="is a run of sqcodec-6k, not tiny"):
        Trainer(config, corpus, tmp_path / "run", resume=True)


def test_corrupt_state(config: TrainConfig, corpus: PackedCorpus, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(TrainingError, match="cannot be read"):
        Trainer(config, corpus, tmp_path / "run", resume=True)


def test_corpus_at_another_rate(config: TrainConfig, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus24", sample_rate=24000)
    with pytest.raises(TrainingError, match="packed at 24000 Hz"):
        Trainer(config, corpus, tmp_path / "run")


def test_a_kind_that_the_corpus_lacks(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    config = replace(config, kind_shares={"speech": 1.0, "music": 1.0})
    with pytest.raises(TrainingError, match="has no music in its train split"):
        Trainer(config, corpus, tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"preset": "sqcodec-4k"}, "no SQCodec preset"),
        ({"learning_rate": 1e-6}, "final <= initial <= peak"),
        ({"rising_share": 1.0}, "between 0 and 1"),
    ],
)
def test_bad_settings(config: TrainConfig, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(config, **changes)


def test_crops_depend_on_seed_and_step_alone(corpus: PackedCorpus) -> None:
    crops = CropSampler(corpus, "train", 1600, SPEECH_ONLY)
    batch = crops.batch(3, seed=5, step=7)
    assert batch.shape == (3, 1600)
    assert torch.equal(batch, crops.batch(3, seed=5, step=7))
    assert not torch.equal(batch, crops.batch(3, seed=5, step=8))
    assert not torch.equal(batch, crops.batch(3, seed=6, step=7))


def test_short_clips_are_joined_with_their_own_group(corpus: PackedCorpus) -> None:
    crops = CropSampler(corpus, "train", 20_000, SPEECH_ONLY)
    assert crops.batch(2, 0, 0).abs().max() <= 1


def test_no_crop_comes_from_the_other_split(corpus: PackedCorpus) -> None:
    read: list[int] = []
    original = corpus.read

    def spy(clip_index: int, start: int = 0, n_samples: int | None = None) -> np.ndarray:
        read.append(clip_index)
        return original(clip_index, start, n_samples)

    corpus.read = spy
    CropSampler(corpus, "train", 6000, SPEECH_ONLY).batch(20, 0, 0)
    assert set(corpus.clips["split"].iloc[read]) == {"train"}


def test_silent_audio_is_refused(corpus: PackedCorpus) -> None:
    corpus.read = lambda clip_index, start=0, n_samples=None: np.zeros(n_samples or 100, np.float32)
    with pytest.raises(ValueError, match="in a row were silent"):
        CropSampler(corpus, "train", 1600, SPEECH_ONLY).batch(1, 0, 0)
