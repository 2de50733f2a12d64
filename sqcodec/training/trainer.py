"""The trainer: all losses of the paper, one-cycle learning rate, exact resume.

Batches and the quantizer's noise are functions of the seed and the step, so that a run cut in
two gives the weights of an uninterrupted one. A run's files are described in `checkpoints`.

Source: SQCodec paper, sections 3.2 and 4.1.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from sqcodec.model import SQCodecNetwork
from sqcodec.presets import get_config
from sqcodec.training.checkpoints import (
    TrainingError,
    load_state,
    save_settings,
    save_state,
    state_paths,
    weights_path,
    writing,
)
from sqcodec.training.compiled import compile_network
from sqcodec.training.config import MAX_SKIPPED_STEPS, TrainConfig
from sqcodec.training.corpus import PackedCorpus
from sqcodec.training.crops import CropSampler, samplers
from sqcodec.training.growth import grow
from sqcodec.training.initial import initialise
from sqcodec.training.log import Log
from sqcodec.training.losses import spread_loss, stft_loss, waveform_loss
from sqcodec.training.objective import Objective
from sqcodec.training.processes import Processes
from sqcodec.training.schedule import one_cycle
from sqcodec.weights import WeightsCard, load_weights, save_weights

# Batches of validation are drawn with a seed of their own, always the same ones.
VALIDATION_SEED = 20_260_101
_GROWTH_SEED = 20_260_102

Row = dict[str, float]


class Trainer:
    """Trains one network in one run folder.

    Args:
        config: the settings; on resume, they may differ from the earlier part's in all but
            the preset.
        corpus: packed audio at the preset's sample rate.
        folder: of the run; created.
        device: where to compute.
        resume: continue from the folder's newest checkpoint.
        initial_weights: weights file of the same preset to begin with; None for random ones.
        processes: those that train together.

    Raises:
        TrainingError: the folder holds a run and `resume` is false, or the other way round,
            or its state is of another preset; corpus or weights do not fit.
        WhisperNotFoundError: the perceptual loss is wanted and Whisper's weights are missing.
        CheckpointError: the initial weights cannot be read.
        CompilerNotFoundError: the network is to be compiled and there is no C++ compiler.
    """

    def __init__(
        self,
        config: TrainConfig,
        corpus: PackedCorpus,
        folder: Path,
        *,
        device: str = "cpu",
        resume: bool = False,
        initial_weights: Path | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.config = config
        self.folder = folder
        self.device = torch.device(device)
        self.corpus = corpus
        self.processes = processes or Processes()
        self.log = Log(folder)
        model_config = get_config(config.preset)
        self.sample_rate = model_config.sample_rate
        if corpus.sample_rate != self.sample_rate:
            raise TrainingError(
                f"{config.preset} needs audio at {self.sample_rate} Hz, "
                f"the corpus is packed at {corpus.sample_rate} Hz; pack it again"
            )
        if config.batch_size % self.processes.count:
            raise TrainingError(
                f"a batch of {config.batch_size} crops cannot be shared evenly by "
                f"{self.processes.count} processes"
            )
        if initial_weights is not None and config.growth_steps:
            raise TrainingError("growth is for random weights: leave out growth_steps, or --init")
        if not resume and state_paths(folder):
            raise TrainingError(f"{folder} holds a run already; resume it or name another folder")
        self.crop_duration_s = config.crop_length / self.sample_rate
        try:
            self.crops, self.validation = samplers(corpus, config)
        except ValueError as error:
            raise TrainingError(str(error)) from error
        self.network = SQCodecNetwork(model_config)
        if initial_weights is None:
            initialise(self.network, config.seed)
        else:
            self._begin_with(initial_weights)
        self.network.to(self.device)
        self.averaged = AveragedModel(self.network, multi_avg_fn=self._average)
        if config.compile:
            compile_network(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.initial_learning_rate, fused=True
        )
        self.objective = Objective(config, self.sample_rate, self.device, self.processes)
        self._is_new = not resume
        self.step = 0
        self.skipped = 0
        self._skipped_in_a_row = 0
        self.heard_s = 0.0
        self.seconds = 0.0
        if resume:
            state = load_state(folder, config.preset, self.device)
            try:
                self._restore(state)
            except TrainingError:
                raise
            except (RuntimeError, ValueError, KeyError) as error:
                raise TrainingError(f"the state in {folder} cannot be resumed: {error}") from error
        self.scheduler = one_cycle(self.optimizer, config, self.step)

    @property
    def weights_path(self) -> Path:
        """The weights of the newest checkpoint."""
        return weights_path(self.folder)

    def run(
        self,
        on_step: Callable[[Row], None] = lambda row: None,
        on_growth: Callable[[int, int, float, float], None] = lambda *_: None,
    ) -> None:
        """Train to the last step, with checkpoints; `on_step` gets each step's log row.

        `on_growth` gets level, step, waveform and STFT loss of each step of growth.

        Raises:
            TrainingError: gradients stopped being finite, or a checkpoint cannot be written;
                the last checkpoint is kept.
        """
        config = self.config
        if self.processes.is_first:
            with writing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
            save_settings(self.folder, config)
            self.log.start(self.step)
        if self._is_new and config.growth_steps:
            self._grow(on_growth)
        if not self._is_new and self.step == config.steps and self.processes.is_first:
            self.save()  # it may have been killed between its last checkpoint and the weights
        with ThreadPoolExecutor(1) as pool:  # draws the next batch while one is computed
            drawn = pool.submit(self._draw, self.step)
            while self.step < config.steps:
                started = time.perf_counter()
                audio, drawn = self._next(drawn, pool)
                row = self._train_step(audio)
                heard_s = config.batch_size * self.crop_duration_s
                row["audio_s_per_s"] = heard_s / (time.perf_counter() - started)
                is_last = self.step == config.steps
                if self.processes.is_first:
                    if self.step % config.validate_every == 0 or is_last:
                        row["validation"] = self.validate()
                    self.log.write(row)
                    if self.step % config.checkpoint_every == 0 or is_last:
                        self.save()
                    on_step(row)

    def compute_clock(self) -> float:
        """A clock of compute, seconds: on a CPU the time that this process had it, by threads.

        So that what a training costs does not depend on what else the machine does. On a GPU
        it is the time that passes.
        """
        if self.device.type != "cpu":
            return time.perf_counter()
        return time.process_time() / torch.get_num_threads()

    def _grow(self, on_growth: Callable[[int, int, float, float], None]) -> None:
        """Let the convolutional stages learn from the outside in; a checkpoint of step 0 ends it.

        Every process does the same; the first one's outcome is everyone's.
        """
        config = self.config
        crops = CropSampler(
            self.corpus, "train", config.growth_crop_length, config.kind_shares, config
        )
        started = self.compute_clock()

        def batch(step: int) -> Tensor:
            self.heard_s += config.batch_size * config.growth_crop_length / self.sample_rate
            return crops.batch(config.batch_size, _GROWTH_SEED + config.seed, step)

        self.network.train()
        grow(self.network, batch, config.growth_steps, seed=config.seed, on_step=on_growth)
        self.seconds += self.compute_clock() - started
        self.processes.share(list(self.network.parameters()))
        self.averaged.module.load_state_dict(self.network.state_dict())
        if self.processes.is_first:
            self.save()

    def _draw(self, step: int) -> Tensor:
        """Return this process's part of a step's batch, [B, T]."""
        share = self.config.batch_size // self.processes.count
        first = self.processes.rank * share
        return self.crops.batch(share, self.config.seed, step, first)

    def _next(
        self, drawn: Future[Tensor], pool: ThreadPoolExecutor
    ) -> tuple[Tensor, Future[Tensor]]:
        """Return the batch that was being drawn, and the future of the one after it."""
        try:
            audio = drawn.result()
        except ValueError as error:
            raise TrainingError(str(error)) from error
        return audio.to(self.device), pool.submit(self._draw, self.step + 1)

    def _train_step(self, audio: Tensor) -> Row:
        config = self.config
        computed = self.compute_clock()
        torch.manual_seed(_noise_seed(config.seed, self.step, self.processes.rank))
        learning_rate = float(self.scheduler.get_last_lr()[0])
        self.network.train()
        estimate, projected = self.objective.reconstruct(self.network, audio)
        logged: dict[str, Tensor] = {}
        adversary = self.objective.adversary
        if adversary is not None and adversary.is_due(self.step):
            logged["discriminator"] = adversary.update(audio, estimate, learning_rate)
        losses = self.objective.losses(audio, estimate) | {"spread": spread_loss(projected)}
        loss = self.objective.total(losses)
        self.optimizer.zero_grad()
        loss.backward()
        norm = self._update()
        self.scheduler.step()
        self.step += 1
        logged |= {"loss": loss, **losses}
        means = self.processes.average(torch.stack([value.detach() for value in logged.values()]))
        row = dict(zip(logged, means.tolist(), strict=True))
        self.heard_s += config.batch_size * self.crop_duration_s
        self.seconds += self.compute_clock() - computed
        return {
            "step": self.step,
            **row,
            "gradient_norm": norm,
            "skipped": self.skipped,
            "learning_rate": learning_rate,
        }

    def _update(self) -> float:
        """Apply the gradients unless one is not finite; return their norm before clipping."""
        parameters = list(self.network.parameters())
        self.processes.average_gradients(parameters)
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.max_gradient_norm))
        if math.isfinite(norm):
            self._skipped_in_a_row = 0
        else:
            self.skipped += 1
            self._skipped_in_a_row += 1
            self.optimizer.zero_grad()  # a parameter without a gradient is not touched
        if self._skipped_in_a_row == MAX_SKIPPED_STEPS:
            raise TrainingError(
                f"no finite gradient in {MAX_SKIPPED_STEPS} steps in a row, the last of them "
                f"{self.step}; the last checkpoint is kept, try a lower learning rate"
            )
        self.optimizer.step()
        self.averaged.update_parameters(self.network)
        return norm

    @torch.no_grad()
    def validate(self) -> float:
        """Return the weighted waveform and STFT losses of the averaged weights.

        On held-out crops, always the same ones, with real codes; NaN where the corpus holds
        nothing out. The other losses are left out so that all phases of training compare.
        """
        if self.validation is None:
            return math.nan
        config = self.config
        network = self.averaged.module.eval()
        total = 0.0
        for i in range(config.validation_batches):
            audio = self.validation.batch(config.batch_size, VALIDATION_SEED, i).to(self.device)
            estimate, _ = self.objective.reconstruct(network, audio)
            total += config.waveform_weight * waveform_loss(audio, estimate).item()
            total += config.stft_weight * stft_loss(audio, estimate).item()
        return total / config.validation_batches

    def save(self) -> None:
        """Write the state and the weights, each atomically."""
        state = {
            "preset": self.config.preset,
            "step": self.step,
            "skipped": self.skipped,
            "heard_s": self.heard_s,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        if self.objective.adversary is not None:
            state["adversary"] = self.objective.adversary.state_dict()
        save_state(self.folder, state, self.config.keep_checkpoints)
        averaged = self.averaged.module
        assert isinstance(averaged, SQCodecNetwork)
        with writing(self.weights_path):
            save_weights(self.weights_path, averaged, self.card(), torch.float16)

    def card(self) -> WeightsCard:
        """Return where the weights come from."""
        totals = self.corpus.summary.get("totals", {})
        hours = ", ".join(f"{kind} {totals[kind]['hours']:.1f} h" for kind in totals)
        return WeightsCard(
            preset=self.config.preset,
            description=(
                f"trained for {self.step} steps on {self.heard_s / 3600:.1f} h of crops "
                f"from {self.corpus.summary.get('origin', 'a packed corpus')} ({hours})"
            ),
            training=json.dumps(
                asdict(self.config)
                | {
                    "steps_done": self.step,
                    "hours_heard": round(self.heard_s / 3600, 4),
                    "hours_of_compute": round(self.seconds / 3600, 4),
                    "device": str(self.device),
                    "processes": self.processes.count,
                    "packages": self.corpus.summary.get("packages", {}),
                }
            ),
        )

    def _begin_with(self, path: Path) -> None:
        network, card = load_weights(path)
        if card.preset != self.config.preset:
            raise TrainingError(f"{path} has weights of {card.preset}, not {self.config.preset}")
        self.network.load_state_dict(network.state_dict())

    def _restore(self, state: dict[str, Any]) -> None:
        config = self.config
        self.step, self.heard_s = state["step"], state["heard_s"]
        self.seconds, self.skipped = state["seconds"], state.get("skipped", 0)
        if self.step > config.steps:
            raise TrainingError(f"the run is at step {self.step}, past {config.steps}")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if "averaged" in state:
            self.averaged.load_state_dict(state["averaged"])
        # A resumed run may be the first that has an adversary.
        if self.objective.adversary is not None and "adversary" in state:
            self.objective.adversary.load_state_dict(state["adversary"])

    def _average(
        self,
        averages: tuple[Tensor, ...] | list[Tensor],
        values: tuple[Tensor, ...] | list[Tensor],
        n_averaged: Tensor | int,
    ) -> None:
        """Exponential moving averages, over fewer steps in the beginning."""
        decay = min(self.config.ema_decay, float((1 + n_averaged) / (10 + n_averaged)))
        torch._foreach_lerp_(averages, values, 1 - decay)


def _noise_seed(seed: int, step: int, rank: int) -> int:
    """Mix the numbers, so that neighbouring seeds and processes do not share their noise."""
    return (seed * 1_000_003 + step + rank * 7_919_000_003) & 0x7FFF_FFFF_FFFF
