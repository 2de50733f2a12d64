"""`sqcodec train`, run as a user runs it, on the preset ``tiny``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from typer.testing import CliRunner

import sqcodec
from sqcodec.cli import app
from sqcodec.presets import SQCodecConfig
from sqcodec.training import whisper_weights
from sqcodec.training.trainer import Trainer
from tones import save_whisper, write_corpus


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["train", *(str(argument) for argument in arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_the_demonstration_has_all_losses_and_leaves_weights_and_a_plot(
    tiny: SQCodecConfig, narrow_judges: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper = save_whisper(tmp_path)
    monkeypatch.setattr(whisper_weights, "find_whisper", lambda path: whisper)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.toml").write_text("crop_s = 0.1\n")
    status, out, err = run(
        *("--preset", "tiny", "--corpus", "mini-demo", "--steps", "2", "--config", "short.toml")
    )
    assert status == 0, err
    weights, plot = out.split()
    assert (weights, plot) == ("runs/tiny/weights.safetensors", "runs/tiny/losses.png")
    assert "a demonstration of training" in sqcodec.load(weights).info.weights
    assert Path(plot).read_bytes().startswith(b"\x89PNG")
    log = pd.read_csv("runs/tiny/log.csv")
    losses = log[["waveform", "stft", "perceptual", "adversarial", "feature"]]
    assert (losses > 0).all(axis=None)
    assert log["validation"].iloc[-1] > 0


def test_a_file_of_settings_and_a_resume_that_keeps_them(
    tiny: SQCodecConfig, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "corpus")
    settings = tmp_path / "settings.toml"
    settings.write_text("steps = 9\nbatch_size = 1\ncrop_s = 0.1\nema_decay = 0.5\n")
    common = ("--preset", "tiny", "--corpus", tmp_path / "corpus", "--out", tmp_path / "run")
    status, _, err = run(*common, "--config", settings, "--steps", "2")
    assert status == 0, err
    status, _, err = run(*common, "--resume", "--steps", "4", "--seed", "3")
    assert status == 0, err
    kept = json.loads((tmp_path / "run" / "settings.json").read_text())
    expected = {"steps": 4, "batch_size": 1, "crop_s": 0.1, "ema_decay": 0.5, "seed": 3}
    assert {name: kept[name] for name in expected} == expected
    assert len(pd.read_csv(tmp_path / "run" / "log.csv")) == 4


def test_a_folder_with_a_corrupt_file_names_it(tiny: SQCodecConfig, tmp_path: Path) -> None:
    folder = tmp_path / "audio"
    folder.mkdir()
    soundfile.write(folder / "a.wav", 0.1 * np.sin(np.arange(8_000)), 16_000)
    (folder / "torn.wav").write_bytes(b"RIFF")
    status, _, err = run(
        *("--preset", "tiny", "--corpus", folder, "--out", tmp_path / "run", "--steps", "1"),
        *("--batch-size", "1", "--cache", tmp_path / "cache"),
    )
    assert status == 0, err
    assert "1 corrupt files were skipped" in err
    assert "torn.wav cannot be decoded" in err
    assert "the corpus holds nothing out" in err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--resume",), "holds no run to resume"),
        (("--resume", "--init", "w"), "--init is for a new one"),
        (("--init", "nowhere.safetensors"), "cannot be read as safetensors"),
        (("--precision", "fp8"), "precision must be one of"),
        (("--preset", "sqcodec-3"), "did you mean sqcodec-3k"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
        (("--corpus", "nowhere"), "nowhere is no corpus"),
        (("--batch-size", "0"), "batch_size must be at least 1"),
        (("--device", "cdua"), "the device 'cdua' cannot be used"),
    ],
)
def test_one_line_and_status_2(
    more: tuple[str, ...], message: str, tiny: SQCodecConfig, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "corpus")
    status, _, err = run(
        *("--preset", "tiny", "--corpus", tmp_path / "corpus", "--out", tmp_path / "run"), *more
    )
    assert status == 2
    assert message in err
    assert err.strip().startswith("sqcodec train: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("stop_at", "message"),
    [(1, "stopped before the first checkpoint"), (2, "go on with --resume")],
)
def test_ctrl_c(
    stop_at: int,
    message: str,
    tiny: SQCodecConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_corpus(tmp_path / "corpus")
    settings = tmp_path / "settings.toml"
    settings.write_text("checkpoint_every = 1\nvalidation_batches = 1\ncrop_s = 0.1\n")
    train_step = Trainer._train_step

    def interrupted(trainer: Trainer, audio: torch.Tensor) -> dict[str, float]:
        if trainer.step + 1 == stop_at:
            raise KeyboardInterrupt
        return train_step(trainer, audio)

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    status, _, err = run(
        *("--preset", "tiny", "--corpus", tmp_path / "corpus", "--out", tmp_path / "run"),
        *("--config", settings, "--steps", "3"),
    )
    assert status == 130
    assert message in err
    assert "losses: waveform x 100, stft x 1, spread x 5; without perceptual and adversarial" in err


def test_a_device_without_room(
    tiny: SQCodecConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "corpus")

    def full(trainer: Trainer, audio: torch.Tensor) -> dict[str, float]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB. GPU 0 has ...")

    monkeypatch.setattr(Trainer, "_train_step", full)
    status, _, err = run(
        *("--preset", "tiny", "--corpus", tmp_path / "corpus", "--out", tmp_path / "run")
    )
    assert status == 2
    assert "CUDA out of memory: make batch_size or crop_windows (crop_s) smaller" in err


def test_an_empty_corpus(tiny: SQCodecConfig, tmp_path: Path) -> None:
    status, _, err = run("--preset", "tiny", "--corpus", tmp_path, "--out", tmp_path / "run")
    assert status == 2
    assert "holds no files ending in" in err


def test_whisper_that_is_not_there(
    tiny: SQCodecConfig, narrow_judges: None, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'whisper = "{tmp_path}"\n')
    status, _, err = run(
        *("--preset", "tiny", "--corpus", "mini-demo", "--config", settings),
        *("--out", tmp_path / "run"),
    )
    assert status == 2
    assert "no weights of Whisper" in err
    assert "perceptual_weight = 0" in err
