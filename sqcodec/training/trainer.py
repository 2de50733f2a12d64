"""The trainer: waveform and spectrogram losses, one-cycle learning rate, exact resume.

A run is a folder: ``state.pt`` (weights, optimizer, step; read with ``weights_only=True``),
``weights.safetensors`` (what `sqcodec.load` takes), ``log.csv`` (losses by step). Batches and
the quantizer's noise are functions of the seed and the step, so that a run cut in two gives
the weights of an uninterrupted one.

Source: SQCodec paper, sections 3.2 and 4.1.
"""

from __future__ import annotations

import csv
import json
import pickle
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import get_config
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.crops import CropSampler
from sqcodec.training.initial import initialise
from sqcodec.training.losses import spread_loss, stft_loss, waveform_loss
from sqcodec.weights import WeightsCard, replace_file, save_weights

# Batches of validation are drawn with a seed of their own, always the same ones.
VALIDATION_SEED = 20_260_101
LOG_COLUMNS = (
    "step",
    "loss",
    "waveform",
    "stft",
    "spread",
    "learning_rate",
    "audio_s_per_s",
    "validation",
)
# So many steps in a row without a finite gradient end the run.
MAX_SKIPPED_STEPS = 10


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a run.

    Attributes:
        preset: which SQCodec.
        steps: optimizer steps of the whole run; the learning rate's cycle ends there.
        batch_size: crops per step.
        crop_windows: length of a crop in windows of the inner transformer; shorter crops
            would never train the look-back.
        learning_rate: peak of the cycle (paper: 5e-4).
        initial_learning_rate, final_learning_rate: its ends (paper: 3e-5 and 1e-6).
        rising_share: share of the run in which the rate rises.
        max_gradient_norm: of all parameters together (paper: 10,000).
        waveform_weight, stft_weight: of the losses (the authors' later code: 100 and 1).
        spread_weight: of the loss that keeps the quantizer's levels in use.
        kind_shares: how often speech, music and effects are drawn (paper: equally).
        seed: of initial weights, crops and quantizer noise.
        checkpoint_every: steps between checkpoints.
        validate_every, validation_batches: steps between validations, and their size.
    """

    preset: str
    steps: int
    batch_size: int = 4
    crop_windows: int = 1
    learning_rate: float = 5e-4
    initial_learning_rate: float = 3e-5
    final_learning_rate: float = 1e-6
    rising_share: float = 0.3
    max_gradient_norm: float = 10_000.0
    waveform_weight: float = 100.0
    stft_weight: float = 1.0
    spread_weight: float = 5.0
    kind_shares: dict[str, float] = field(
        default_factory=lambda: {"speech": 1.0, "music": 1.0, "effects": 1.0}
    )
    seed: int = 0
    checkpoint_every: int = 100
    validate_every: int = 100
    validation_batches: int = 4

    def __post_init__(self) -> None:
        get_config(self.preset)
        for name in ("steps", "batch_size", "crop_windows", "checkpoint_every", "validate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.final_learning_rate <= self.initial_learning_rate <= self.learning_rate:
            raise ValueError("learning rates must be positive: final <= initial <= peak")
        if not 0 < self.rising_share < 1:
            raise ValueError(f"rising_share must lie between 0 and 1, got {self.rising_share}")


class Trainer:
    """Trains one network in one run folder.

    Args:
        config: the settings; on resume, steps and learning rates may differ from the
            earlier part's.
        corpus: packed audio at the preset's sample rate.
        folder: of the run; created.
        device: where to compute.
        resume: continue from the folder's ``state.pt``.

    Raises:
        TrainingError: the folder holds a run and `resume` is false, or the other way round,
            or its state is of another preset; the corpus does not fit.
    """

    def __init__(
        self,
        config: TrainConfig,
        corpus: PackedCorpus,
        folder: Path,
        *,
        device: str = "cpu",
        resume: bool = False,
    ) -> None:
        self.config = config
        self.folder = folder
        self.device = torch.device(device)
        self.corpus = corpus
        model_config = get_config(config.preset)
        if corpus.sample_rate != model_config.sample_rate:
            raise TrainingError(
                f"{config.preset} needs audio at {model_config.sample_rate} Hz, "
                f"the corpus is packed at {corpus.sample_rate} Hz; pack it again"
            )
        crop_length = config.crop_windows * model_config.window_length
        try:
            self.crops = CropSampler(corpus, "train", crop_length, config.kind_shares)
            self.validation = CropSampler(corpus, "val", crop_length, config.kind_shares)
        except ValueError as error:
            raise TrainingError(str(error)) from error
        self.crop_duration_s = crop_length / model_config.sample_rate
        self.network = SQCodecNetwork(model_config)
        initialise(self.network, config.seed)
        self.network.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.initial_learning_rate
        )
        self.step = 0
        self._skipped = 0
        self.heard_s = 0.0
        self.seconds = 0.0
        if resume:
            self._load_state()
        elif self.state_path.exists():
            raise TrainingError(f"{folder} holds a run already; resume it or name another folder")
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=config.learning_rate,
            total_steps=config.steps + 1,
            pct_start=config.rising_share,
            div_factor=config.learning_rate / config.initial_learning_rate,
            final_div_factor=config.initial_learning_rate / config.final_learning_rate,
            last_epoch=self.step - 1 if self.step else -1,
        )

    @property
    def state_path(self) -> Path:
        """The full state of the run."""
        return self.folder / "state.pt"

    @property
    def weights_path(self) -> Path:
        """The weights of the last checkpoint."""
        return self.folder / "weights.safetensors"

    def run(self, on_step: Callable[[dict[str, float]], None] = lambda row: None) -> None:
        """Train to the last step, with checkpoints; `on_step` gets each step's log row.

        Raises:
            TrainingError: the loss stopped being finite; the last checkpoint is kept.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._trim_log()
        while self.step < self.config.steps:
            row = self._train_step()
            is_last = self.step == self.config.steps
            if self.step % self.config.validate_every == 0 or is_last:
                row["validation"] = self.validate()
            self._log(row)
            if self.step % self.config.checkpoint_every == 0 or is_last:
                self.save()
            on_step(row)

    def _train_step(self) -> dict[str, float]:
        config = self.config
        started = time.perf_counter()
        audio = self.crops.batch(config.batch_size, config.seed, self.step).to(self.device)
        torch.manual_seed(_noise_seed(config.seed, self.step))
        self.network.train()
        losses = self._losses(audio)
        loss = self._total(losses)
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
        learning_rate = float(self.scheduler.get_last_lr()[0])
        if torch.isfinite(norm):
            self._skipped = 0
        else:
            self._skipped += 1
            self.optimizer.zero_grad()  # a parameter without a gradient is not touched
        if self._skipped == MAX_SKIPPED_STEPS:
            raise TrainingError(
                f"no finite gradient in {MAX_SKIPPED_STEPS} steps in a row, the last of them "
                f"{self.step}; the last checkpoint is kept, try a lower learning rate"
            )
        self.optimizer.step()
        self.scheduler.step()
        self.step += 1
        seconds = time.perf_counter() - started
        heard_s = config.batch_size * self.crop_duration_s
        self.heard_s += heard_s
        self.seconds += seconds
        return {
            "step": self.step,
            "loss": loss.item(),
            **{name: value.item() for name, value in losses.items()},
            "learning_rate": learning_rate,
            "audio_s_per_s": heard_s / seconds,
        }

    def _losses(self, audio: Tensor) -> dict[str, Tensor]:
        network = self.network
        latent = network.encoder(audio)
        estimate = network.decoder(network.quantizer(latent))
        return {
            "waveform": waveform_loss(audio, estimate),
            "stft": stft_loss(audio, estimate),
            "spread": spread_loss(network.quantizer.project_in(latent)),
        }

    def _total(self, losses: dict[str, Tensor]) -> Tensor:
        config = self.config
        return (
            config.waveform_weight * losses["waveform"]
            + config.stft_weight * losses["stft"]
            + config.spread_weight * losses["spread"]
        )

    @torch.no_grad()
    def validate(self) -> float:
        """Return the weighted loss on held-out crops, always the same ones, with real codes."""
        config = self.config
        self.network.eval()
        total = 0.0
        for i in range(config.validation_batches):
            audio = self.validation.batch(config.batch_size, VALIDATION_SEED, i).to(self.device)
            total += self._total(self._losses(audio)).item()
        return total / config.validation_batches

    def save(self) -> None:
        """Write the state and the weights, each atomically."""
        state = {
            "preset": self.config.preset,
            "step": self.step,
            "heard_s": self.heard_s,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        replace_file(self.state_path, lambda path: torch.save(state, path))
        save_weights(self.weights_path, self.network, self.card(), torch.float16)

    def card(self) -> WeightsCard:
        """Return where the weights come from."""
        totals = self.corpus.summary.get("totals", {})
        hours = {kind: f"{totals[kind]['hours']:.1f} h" for kind in totals}
        return WeightsCard(
            preset=self.config.preset,
            description=(
                f"trained here for {self.step} steps on {self.heard_s / 3600:.1f} h of crops "
                "from free audio in Debian packages "
                f"({', '.join(f'{kind} {text}' for kind, text in hours.items())})"
            ),
            training=json.dumps(
                asdict(self.config)
                | {
                    "steps_done": self.step,
                    "hours_heard": round(self.heard_s / 3600, 4),
                    "hours_of_compute": round(self.seconds / 3600, 4),
                    "device": str(self.device),
                    "packages": self.corpus.summary.get("packages", {}),
                }
            ),
        )

    def _load_state(self) -> None:
        try:
            state: dict[str, Any] = torch.load(
                self.state_path, map_location=self.device, weights_only=True
            )
        except FileNotFoundError:
            raise TrainingError(f"{self.folder} holds no run to resume") from None
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            raise TrainingError(f"{self.state_path} cannot be read: {error}") from error
        if state.get("preset") != self.config.preset:
            raise TrainingError(
                f"{self.state_path} is a run of {state.get('preset')}, not {self.config.preset}"
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for group in self.optimizer.param_groups:
            # The schedule reads its ends from here; a resumed run may change them.
            group["initial_lr"] = self.config.initial_learning_rate
            group["max_lr"] = self.config.learning_rate
            group["min_lr"] = self.config.final_learning_rate
        self.step, self.heard_s = state["step"], state["heard_s"]
        self.seconds = state["seconds"]
        if self.step > self.config.steps:
            raise TrainingError(f"the run is at step {self.step}, past {self.config.steps}")

    @property
    def _log_path(self) -> Path:
        return self.folder / "log.csv"

    def _trim_log(self) -> None:
        """Start the log, or drop its rows past the checkpoint that the run resumes from."""
        rows: list[dict[str, str]] = []
        if self._log_path.exists():
            with open(self._log_path, newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= self.step]

        def write(path: Path) -> None:
            with open(path, "w", newline="") as file:
                writer = csv.DictWriter(file, LOG_COLUMNS)
                writer.writeheader()
                writer.writerows(rows)

        replace_file(self._log_path, write)

    def _log(self, row: dict[str, float]) -> None:
        with open(self._log_path, "a", newline="") as file:
            csv.DictWriter(file, LOG_COLUMNS).writerow(
                {key: f"{value:.6g}" for key, value in row.items()}
            )


def _noise_seed(seed: int, step: int) -> int:
    """Mix seed and step, so that runs of neighbouring seeds do not share their noise."""
    return (seed * 1_000_003 + step) & 0x7FFF_FFFF
