"""The trainer of ablations: what variants are, one schedule for all, and going on exactly."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from baselines import sqcodec_training
from bench.trainable import BASELINE, SETTINGS_FILE, NotTrainableError, Settings, Teacher
from sqcodec.presets import PRESETS, SQCodecConfig, TransformerConfig, get_config
from sqcodec.training.trainer import Trainer
from tones import write_corpus

TINY = SQCodecConfig(
    name="tiny",
    sample_rate=16000,
    encoder_rates=(8, 8),
    decoder_rates=(8, 8),
    fsq_levels=(5, 5, 5),
    inner=TransformerConfig(depth=1, window=25),
    encoder_widths=(8, 16, 24),
    encoder_depths=(1, 1, 1),
    decoder_widths=(24, 16, 8),
    decoder_depths=(1, 1),
    latent_width=32,
)
PLAIN = {"perceptual_weight": 0.0, "adversarial_weight": 0.0}
# name: W x 45 / 16000 s, and (4 W - 1) x 45 / 16000 s through three layers, by hand.
BY_HAND = {
    "baseline": (0.84375, 3.3721875),
    "window-150": (0.421875, 1.6846875),
    "window-75": (0.2109375, 0.8409375),
    "window-40": (0.1125, 0.4471875),
    "no-tconv": (0.84375, 3.3721875),
    "no-teconv": (0.84375, 3.3721875),
    "no-perceptual-loss": (0.84375, 3.3721875),
}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> SQCodecConfig:
    monkeypatch.setitem(PRESETS, TINY.name, TINY)
    return TINY


def settings(variant: str = BASELINE, steps: int = 6, **given: object) -> Settings:
    return sqcodec_training.settings("tiny", variant, steps, 1, 0, {**PLAIN, **given})


def test_receptive_fields_and_look_backs_are_those_of_hand() -> None:
    found = {
        one.name: (one.receptive_field_s, one.look_back_s)
        for one in sqcodec_training.variants("sqcodec-6k")
    }
    assert list(found) == list(BY_HAND)
    for name, seconds in BY_HAND.items():
        assert found[name] == pytest.approx(seconds), name


@pytest.mark.parametrize(("depth", "window"), [(1, 4), (2, 5), (3, 3)])
def test_the_look_back_is_what_gradients_reach(depth: int, window: int) -> None:
    """Independent of the formula: the farthest frame that the last one of a window depends on."""
    from sqcodec.local_transformer import LocalTransformer

    torch.manual_seed(0)
    block = TransformerConfig(depth, window)
    stack = LocalTransformer(8, block).double()
    x = torch.randn(1, 6 * window, 8, dtype=torch.float64, requires_grad=True)
    last = 5 * window - 1
    (gradient,) = torch.autograd.grad(stack(x)[0, last].square().sum(), x)
    first = int(gradient[0].abs().sum(-1).nonzero().min())
    config = replace(TINY, inner=block)
    n_frames = config.look_back_s * config.sample_rate / config.hop_length
    assert last - first == pytest.approx(n_frames)


def test_variants_share_all_settings_but_their_changes() -> None:
    made = {
        one.name: sqcodec_training.settings("sqcodec-6k", one.name, 50, 4, 1, {"whisper": __file__})
        for one in sqcodec_training.variants("sqcodec-6k")
    }
    base = made[BASELINE]
    assert base["crop_s"] == pytest.approx(2 * 0.84375)
    assert (base["perceptual_weight"], base["adversarial_weight"]) == (1.0, 1.0)
    assert (base["steps"], base["batch_size"], base["seed"]) == (50, 4, 1)
    for name, own in made.items():
        others = {key for key in base if own[key] != base[key]}
        expected = {"baseline": set(), "no-perceptual-loss": {"perceptual_weight"}}
        assert others == expected.get(name, {"preset"}), name


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stepz": 3}, "there is no setting 'stepz'; did you mean steps?"),
        ({"steps": 3}, "the setting steps is not for a file: the budget decides it"),
        ({"precision": "fp8"}, "precision must be one of"),
        ({"perceptual_weight": 1.0, "whisper": "nowhere"}, "no weights of Whisper at nowhere"),
    ],
)
def test_wrong_settings_are_told(given: Settings, said: str) -> None:
    with pytest.raises(NotTrainableError, match=re.escape(said)):
        sqcodec_training.settings("sqcodec-6k", BASELINE, 5, 1, 0, {**PLAIN, **given})


@pytest.mark.parametrize("given", [{"perceptual_weight": 0}, {"perceptual_weight": 0.0}])
def test_a_variant_that_is_the_baseline_is_refused(given: Settings) -> None:
    said = "the baseline has no perceptual loss: leave no-perceptual-loss out of --variants"
    with pytest.raises(NotTrainableError, match=said):
        sqcodec_training.settings("sqcodec-6k", "no-perceptual-loss", 5, 1, 0, given)
    sqcodec_training.settings("sqcodec-6k", "no-tconv", 5, 1, 0, given)


def test_the_teacher_is_the_whisper_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.bin").write_bytes(b"whisper")
    sha256 = hashlib.sha256(b"whisper").hexdigest()
    named = {"perceptual_weight": 0.2, "whisper": str(tmp_path)}
    assert sqcodec_training.teacher(named) == Teacher("perceptual", "model.bin", sha256)
    assert sqcodec_training.teacher({**named, "perceptual_weight": 0.0}) is None
    monkeypatch.setattr(sqcodec_training, "find_whisper", lambda path: tmp_path / "model.bin")
    found = sqcodec_training.teacher({**named, "whisper": ""})
    assert found == Teacher("perceptual", "whisper-tiny.en", sha256)
    monkeypatch.undo()
    with pytest.raises(NotTrainableError, match="no weights of Whisper at nowhere"):
        sqcodec_training.teacher({**named, "whisper": "nowhere"})


def test_a_run_keeps_its_settings_from_the_beginning(tiny: SQCodecConfig, tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    own = settings(steps=1, learning_rate=1e-3)
    sqcodec_training.train(own, str(tmp_path / "corpus"), tmp_path / "run", "cpu", "w")
    assert json.loads((tmp_path / "run" / SETTINGS_FILE).read_text()) == own


def test_wrong_presets_and_corpora_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotTrainableError, match="no preset is called 'sqcodec-6'; there are"):
        sqcodec_training.variants("sqcodec-6")
    with pytest.raises(NotTrainableError, match="is no corpus: neither a folder"):
        sqcodec_training.corpus("sqcodec-6k", str(tmp_path / "missing"))
    write_corpus(tmp_path / "corpus", sample_rate=24000)
    with pytest.raises(NotTrainableError, match="packed at 24000 Hz, sqcodec-6k needs 16000 Hz"):
        sqcodec_training.corpus("sqcodec-6k", str(tmp_path / "corpus"))


def test_what_a_corpus_holds() -> None:
    facts = sqcodec_training.corpus("sqcodec-6k", "mini-demo")
    assert facts == sqcodec_training.corpus("sqcodec-6k", "mini-demo")
    assert (facts.name, facts.hours) == ("mini-demo", pytest.approx(36 / 3600))
    assert facts.origin.startswith("synthetic sounds")


def test_a_killed_training_goes_on_to_the_same_weights(
    tiny: SQCodecConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "corpus")
    source = str(tmp_path / "corpus")
    own = settings(checkpoint_every=2, growth_steps=1)
    whole = sqcodec_training.train(own, source, tmp_path / "whole", "cpu", "w")
    assert (whole.steps, whole.weights) == (6, "w.safetensors")

    step = Trainer._train_step

    def killed(trainer: Trainer, audio: torch.Tensor) -> dict[str, float]:
        if trainer.step == 4:
            raise KeyboardInterrupt
        return step(trainer, audio)

    monkeypatch.setattr(Trainer, "_train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        sqcodec_training.train(own, source, tmp_path / "cut", "cpu", "w")
    begun: list[int] = []

    def counted(trainer: Trainer, audio: torch.Tensor) -> dict[str, float]:
        begun.append(trainer.step)
        return step(trainer, audio)

    monkeypatch.setattr(Trainer, "_train_step", counted)
    resumed = sqcodec_training.train(own, source, tmp_path / "cut", "cpu", "w")
    assert begun == [4, 5]
    assert resumed.heard_s == whole.heard_s
    expected = load_file(tmp_path / "whole" / "w.safetensors")
    for key, value in load_file(tmp_path / "cut" / "w.safetensors").items():
        assert torch.equal(value, expected[key]), key


def test_killed_between_checkpoint_and_weights_it_writes_the_weights(
    tiny: SQCodecConfig, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "corpus")
    source, folder = str(tmp_path / "corpus"), tmp_path / "run"
    first = sqcodec_training.train(settings(steps=2), source, folder, "cpu", "w")
    weights = load_file(folder / "w.safetensors")
    (folder / "w.safetensors").unlink()
    again = sqcodec_training.train(settings(steps=2), source, folder, "cpu", "w")
    assert (again.steps, again.heard_s) == (2, first.heard_s)
    for key, value in load_file(folder / "w.safetensors").items():
        assert torch.equal(value, weights[key]), key


def test_a_step_costs_time_and_leaves_nothing(tiny: SQCodecConfig, tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    own = settings(steps=100)
    cost = sqcodec_training.cost(own, str(tmp_path / "corpus"), tmp_path / "timing", "cpu")
    assert cost.step_s > 0
    assert cost.growth_step_s > 0
    assert not (tmp_path / "timing").exists()


def test_variants_of_any_preset_are_known_by_name() -> None:
    narrow = get_config("sqcodec-3k-window-75")
    assert (narrow.inner.window, narrow.hop_length) == (75, 90)
    assert [one.codec for one in sqcodec_training.variants("sqcodec-3k")][3] == (
        "sqcodec-3k-window-40"
    )
