"""The trainer's setting `compile`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from sqcodec.cli import app
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.trainer import Trainer


def test_it_compiles_what_is_trained_and_not_the_average(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: compiled.append(self))
    monkeypatch.setenv("CXX", "true")
    Trainer(config, corpus, tmp_path / "plain")
    assert compiled == []
    trainer = Trainer(replace(config, compile=True), corpus, tmp_path / "run")
    assert compiled == [trainer.network.encoder, trainer.network.decoder]


def test_without_a_compiler_it_says_so(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    settings = tmp_path / "settings.toml"
    settings.write_text("compile = true\n")
    result = CliRunner().invoke(
        app,
        [
            *("train", "--preset", "tiny", "--corpus", str(tmp_path / "corpus")),
            *("--out", str(tmp_path / "run"), "--config", str(settings)),
        ],
    )
    assert result.exit_code == 2
    assert "compile=True needs a C++ compiler, and no-such-compiler is not" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # of its own use of TorchScript
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_compiled_run_trains_the_same(
    precision: str, config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    losses: list[list[float]] = []
    for compiled in (False, True):
        settings = replace(config, compile=compiled, precision=precision)
        trainer = Trainer(settings, corpus, tmp_path / str(compiled))
        rows: list[float] = []
        trainer.run(lambda row, rows=rows: rows.append(row["loss"]))
        losses.append(rows)
    rounding = 1e-4 if precision == "fp32" else 2e-2
    assert torch.allclose(*(torch.tensor(rows) for rows in losses), rtol=rounding)
