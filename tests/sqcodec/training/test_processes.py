"""Two processes started by torchrun compute what one does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sqcodec.training.checkpoints import TrainingError, save_settings
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.processes import Processes, joined
from sqcodec.training.trainer import Trainer

# Sums of float32 in another order; gradients of logarithms enlarge what they differ by, to 1.4e-4
# on one processor of several. A share that is left out or counted twice differs by about 1.
ROUNDING = 1e-3
HELPERS = Path(__file__).parents[1]

# Without noise, and without the spread loss, which looks at a batch as a whole, the mean of
# two half batches' gradients is the batch's.
SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])
from conftest import TINY
from sqcodec.presets import PRESETS
from sqcodec.training.checkpoints import load_settings
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.processes import joined
from sqcodec.training.trainer import Trainer

PRESETS["tiny"] = TINY
folder = Path(sys.argv[2])
with joined("cpu") as (processes, device):
    assert processes.count == 2
    config = TrainConfig(**load_settings(folder))
    corpus = PackedCorpus.open(folder / "corpus")
    trainer = Trainer(config, corpus, folder / "two", device=device, processes=processes)
    quantizer = trainer.network.quantizer.eval()
    quantizer.train = lambda mode=True: quantizer
    trainer.run()
    gradients = {name: p.grad for name, p in trainer.network.named_parameters()}
    torch.save(gradients, folder / f"gradients-{processes.rank}.pt")
    torch.save(trainer.network.state_dict(), folder / f"weights-{processes.rank}.pt")
"""


def test_two_processes_compute_what_one_does(
    all_losses: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    # Clamps look at a process's own part of the batch. The subprocesses' discriminators would
    # have their full width.
    config = replace(all_losses, steps=1, spread_weight=0.0, adversarial_weight=0.0)
    config = replace(config, perceptual_limit=1e6)
    save_settings(tmp_path, config)
    one = Trainer(config, corpus, tmp_path / "one")
    quantizer = one.network.quantizer.eval()
    quantizer.train = lambda mode=True: quantizer
    one.run()
    script = tmp_path / "two.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), str(HELPERS), str(tmp_path)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(tmp_path / f"weights-{rank}.pt") for rank in (0, 1))
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    gradients = torch.load(tmp_path / "gradients-0.pt")
    pairs = [(gradients[name], p.grad) for name, p in one.network.named_parameters()]
    actual, expected = (torch.cat([pair[i].flatten() for pair in pairs]) for i in (0, 1))
    assert (actual - expected).norm() < ROUNDING * expected.norm()
    rows = (tmp_path / "two" / "log.csv").read_text().splitlines()
    assert len(rows) == 2


def test_a_batch_that_cannot_be_shared(
    config: TrainConfig, corpus: PackedCorpus, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="2 crops cannot be shared evenly by 3 processes"):
        Trainer(config, corpus, tmp_path / "run", processes=Processes(0, 3))


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("meta") as (processes, device):
        assert (processes, device) == (Processes(), "meta")
    assert processes.is_first
    parameter = torch.zeros(2, requires_grad=True)
    parameter.grad = torch.ones(2)
    processes.average_gradients([parameter])
    assert torch.equal(parameter.grad, torch.ones(2))


@pytest.mark.parametrize("device", ["cdua", "cuda:99"])
def test_a_device_that_is_not_there(device: str) -> None:
    with (
        pytest.raises(TrainingError, match=f"the device '{device}' cannot be used: "),
        joined(device),
    ):
        pass


def _torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "sqcodec", "train", *arguments),
        ],
        capture_output=True,
        text=True,
    )


def test_the_program_started_by_torchrun(corpus: PackedCorpus, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("crop_s = 0.1\nvalidation_batches = 1\nbatch_size = 2\n")
    run = tmp_path / "run"
    common = ("--preset", "sqcodec-3k", "--corpus", str(tmp_path / "corpus"), "--out", str(run))
    done = _torchrun(*common, "--config", str(settings), "--steps", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(run / "weights.safetensors"), str(run / "losses.png")]
    done = _torchrun(*common, "--steps", "3", "--resume")
    assert done.returncode == 0, done.stderr
    steps = [row.split(",")[0] for row in (run / "log.csv").read_text().split()]
    assert steps == ["step", "1", "2", "3"]


def test_what_ends_one_process_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = _torchrun("--preset", "sqcodec-3k", "--corpus", str(tmp_path / "empty"))
    assert done.returncode == 1
    assert done.stderr.count("holds no files ending in") == 1
    ours, torchrun, _ = done.stderr.partition("torch/distributed/elastic")
    assert torchrun
    assert "Traceback" not in ours
