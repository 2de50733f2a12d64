"""The trainer: it learns, it resumes exactly, it refuses what does not fit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sqcodec
from sqcodec.presets import PRESETS
from sqcodec.training.checkpoints import TrainingError
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.trainer import Trainer
from sqcodec.weights import WeightsCard, save_weights
from tones import write_corpus


@pytest.mark.parametrize("settings", ["config", "all_losses"])
def test_a_run_cut_in_two_gives_the_same_weights(
    settings: str, corpus: PackedCorpus, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = request.getfixturevalue(settings)
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
    for ours, theirs in ((resumed.network, whole.network), (resumed.averaged, whole.averaged)):
        expected = theirs.state_dict()
        for key, value in ours.state_dict().items():
            assert torch.equal(value, expected[key]), key
    if whole.objective.adversary is not None:
        expected = whole.objective.adversary.discriminators.state_dict()
        for key, value in resumed.objective.adversary.discriminators.state_dict().items():
            assert torch.equal(value, expected[key]), key
    assert resumed.heard_s == whole.heard_s
    logs = [
        pd.read_csv(tmp_path / run / "log.csv").drop(columns="audio_s_per_s")
        for run in ("whole", "cut")
    ]
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
    config = replace(config, steps=150, learning_rate=5e-3, validate_every=1000)
    config = replace(config, checkpoint_every=1000, spread_weight=0.5)
    trainer = Trainer(config, corpus, tmp_path / "run")
    batch = trainer.crops.batch(1, 0, 0)
    trainer.crops.batch = lambda batch_size, seed, step, first: batch
    losses: list[float] = []
    trainer.run(lambda row: losses.append(row["waveform"]))
    assert np.mean(losses[-10:]) < losses[0] / 10


def test_a_gradient_reaches_every_parameter(
    all_losses: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(all_losses, steps=1), corpus, tmp_path / "run")
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer.run()
    for name, parameter in trainer.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # The normalisation behind these biases takes them out again.
        cancelled = re.search(r"decoder\.stages.*branches\.\d\.bias", name)
        assert parameter.grad.abs().max() > 0 or cancelled, name
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


def test_every_loss_is_logged(
    all_losses: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(all_losses, steps=3), corpus, tmp_path / "run")
    trainer.run()
    log = pd.read_csv(trainer.log.path)
    assert log[["waveform", "stft", "perceptual", "adversarial", "feature"]].gt(0).all(axis=None)
    assert list(log["discriminator"].notna()) == [True, False, True]
    assert trainer.log.plot().read_bytes().startswith(b"\x89PNG")


def test_losses_of_weight_0_are_not_computed(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(config, steps=1), corpus, tmp_path / "run")
    trainer.run()
    assert (trainer.objective.whisper, trainer.objective.adversary) == (None, None)
    assert pd.read_csv(trainer.log.path)["perceptual"].isna().all()


def test_settings_may_change_on_resume(
    config: TrainConfig, all_losses: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    short = replace(config, steps=2, crop_s=0.08)
    Trainer(short, corpus, tmp_path / "run").run()
    changed = replace(all_losses, steps=4, learning_rate=2e-3, rising_share=0.7)
    resumed = Trainer(changed, corpus, tmp_path / "run", resume=True)
    resumed.run()
    log = pd.read_csv(resumed.log.path)
    assert list(log["adversarial"].notna()) == [False, False, True, True]
    anew = Trainer(changed, corpus, tmp_path / "anew")
    anew.run()
    rates = pd.read_csv(anew.log.path)["learning_rate"]
    assert list(log["learning_rate"][2:]) == list(rates[2:])
    assert log["learning_rate"][1] != rates[1]


def test_a_rise_of_one_step(config: TrainConfig, corpus: PackedCorpus, tmp_path: Path) -> None:
    config = replace(config, steps=9, rising_share=0.1)  # 0.1 * (9 + 1) == 1
    trainer = Trainer(config, corpus, tmp_path / "run")
    assert trainer.scheduler.get_last_lr()[0] == pytest.approx(config.initial_learning_rate)
    trainer.run()
    assert trainer.step == 9


def test_begins_with_given_weights(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    first = Trainer(config, corpus, tmp_path / "first")
    path = tmp_path / "weights.safetensors"
    save_weights(path, first.network, WeightsCard("tiny", "for a test"))
    other = replace(config, seed=1)
    begun = Trainer(other, corpus, tmp_path / "second", initial_weights=path)
    expected = first.network.state_dict()
    for key, value in begun.network.state_dict().items():
        torch.testing.assert_close(value, expected[key])
    drawn = Trainer(other, corpus, tmp_path / "third")
    bias = "decoder.project.bias"
    assert not torch.equal(drawn.network.state_dict()[bias], expected[bias])


def test_weights_of_another_preset_to_begin_with(
    config: TrainConfig,
    corpus: PackedCorpus,
    tmp_path: Path,
    tiny_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PRESETS, "other", replace(PRESETS["tiny"], name="other"))
    with pytest.raises(TrainingError, match="has weights of tiny, not other"):
        Trainer(
            replace(config, preset="other"), corpus, tmp_path / "run", initial_weights=tiny_weights
        )


def test_the_average_follows_the_weights(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    trainer = Trainer(replace(config, steps=3, ema_decay=0.5), corpus, tmp_path / "run")
    bias = trainer.network.decoder.project.bias
    seen: list[torch.Tensor] = []
    trainer.run(lambda row: seen.append(bias.detach().clone()))
    # The first is copied; decays are min(0.5, 2 / 11) and min(0.5, 3 / 12).
    expected = seen[0] * 2 / 11 + seen[1] * 9 / 11
    expected = expected * 3 / 12 + seen[2] * 9 / 12
    torch.testing.assert_close(trainer.averaged.module.decoder.project.bias, expected)


def test_bf16_trains_and_agrees_roughly_with_fp32(
    all_losses: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    rows: dict[str, dict[str, float]] = {}
    for precision in ("fp32", "bf16"):
        config = replace(all_losses, steps=1, precision=precision)
        trainer = Trainer(config, corpus, tmp_path / precision)
        trainer.run(lambda row, of=precision: rows.update({of: row}))
    for name in ("waveform", "stft", "perceptual", "adversarial"):
        assert rows["bf16"][name] == pytest.approx(rows["fp32"][name], rel=0.1)
    assert rows["bf16"]["stft"] != rows["fp32"]["stft"]


def test_nothing_held_out_means_no_validation(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    corpus.clips["split"] = "train"
    trainer = Trainer(replace(config, steps=1), corpus, tmp_path / "run")
    trainer.run()
    assert trainer.validation is None
    assert pd.read_csv(trainer.log.path)["validation"].isna().all()


@pytest.mark.parametrize("shares", [{"music": 1.0}, {"music": 1.0, "speech": 0.0}])
def test_no_other_kind_stands_in_for_validation(
    shares: dict[str, float], config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    corpus.clips["kind"] = ["music"] * 3 + ["speech"] * 6
    trainer = Trainer(replace(config, kind_shares=shares), corpus, tmp_path / "run")
    assert trainer.validation is None


def test_growth_leaves_given_weights_alone(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path, tiny_weights: Path
) -> None:
    with pytest.raises(TrainingError, match="leave out growth_steps, or --init"):
        Trainer(
            replace(config, growth_steps=2), corpus, tmp_path / "run", initial_weights=tiny_weights
        )


def test_growth_comes_before_the_first_step_and_once(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    config = replace(config, steps=2, growth_steps=2, growth_crop_s=0.1)
    seen: list[tuple[int, int]] = []

    def stop(row: dict[str, float]) -> None:
        raise KeyboardInterrupt

    def grown(level: int, step: int, waveform: float, stft: float) -> None:
        seen.append((level, step))

    whole = Trainer(config, corpus, tmp_path / "whole")
    whole.run(on_growth=grown)
    assert seen == [(0, 0), (0, 1), (1, 0), (1, 1)]
    with pytest.raises(KeyboardInterrupt):
        Trainer(config, corpus, tmp_path / "cut").run(stop)
    resumed = Trainer(config, corpus, tmp_path / "cut", resume=True)
    assert resumed.step == 0
    assert resumed.heard_s == pytest.approx(4 * 2 * 0.1, rel=0.05)
    resumed.run(on_growth=grown)
    assert len(seen) == 4
    expected = whole.network.state_dict()
    for name, value in resumed.network.state_dict().items():
        assert torch.equal(value, expected[name]), name
