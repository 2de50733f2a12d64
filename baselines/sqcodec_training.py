"""Training SQCodec and its ablations, over the public API of `sqcodec.training`.

All variants of a preset share their schedule and the order of their crops, which follow from
the settings and the seed; so a crop's length is fixed in seconds, by the baseline's window.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import statistics
from dataclasses import asdict
from pathlib import Path

import torch

from bench.trainable import (
    BASELINE,
    CorpusFacts,
    Cost,
    NotTrainableError,
    Settings,
    Teacher,
    Trained,
    Variant,
)
from sqcodec.presets import PRESETS, ablations, get_config
from sqcodec.training.checkpoints import TrainingError, state_paths
from sqcodec.training.config import TrainConfig, check_settings
from sqcodec.training.corpora import open_corpus
from sqcodec.training.corpus import CLIP_COLUMNS, PackedCorpus
from sqcodec.training.trainer import Row, Trainer
from sqcodec.training.whisper_weights import HUB_REPOSITORY, find_whisper
from sqcodec.weights import file_hash

NO_PERCEPTUAL_LOSS = "no-perceptual-loss"

# A crop of two windows is the shortest in which a frame can look back a whole one.
_CROP_WINDOWS = 2.0
_MOST_GROWTH_STEPS = 300
_GROWTH_SHARE = 0.2
_CHECKPOINTS = 10
_LEAST_BETWEEN_CHECKPOINTS = 25  # each is hundreds of megabytes
_OURS = {"preset": "--preset", "steps": "the budget", "batch_size": "--batch", "seed": "--seeds"}

_COST_STEPS = 6
_COST_GROWTH_STEPS = 2
_COST_DISCRIMINATOR_EVERY = 2


def variants(preset: str) -> tuple[Variant, ...]:
    """The baseline and the six variants of Table 3, made of any preset.

    Raises:
        NotTrainableError: there is no such preset.
    """
    if preset not in PRESETS:
        raise NotTrainableError(f"no preset is called {preset!r}; there are {', '.join(PRESETS)}")
    base = get_config(preset)
    configs = {BASELINE: base}
    configs |= {
        name.removeprefix(f"{preset}-"): config for name, config in ablations(preset).items()
    }
    changes = {NO_PERCEPTUAL_LOSS: {"perceptual_weight": 0.0}}
    configs |= dict.fromkeys(changes, base)
    return tuple(
        Variant(
            name,
            config.name,
            changes.get(name, {}),
            config.receptive_field_s,
            config.look_back_s,
        )
        for name, config in configs.items()
    )


def settings(
    preset: str, variant: str, steps: int, batch: int, seed: int, given: Settings
) -> Settings:
    """Every setting of a training; `given` are the user's, for all variants alike.

    All of the paper's losses unless `given` says otherwise.

    Raises:
        NotTrainableError: a setting is unknown, wrong, or not for the user to give, or leaves
            the variant no different from the baseline.
    """
    for name, option in _OURS.items():
        if name in given:
            raise NotTrainableError(f"the setting {name} is not for a file: {option} decides it")
    chosen = next(one for one in variants(preset) if one.name == variant)
    if variant == NO_PERCEPTUAL_LOSS and given.get("perceptual_weight") == 0:
        raise NotTrainableError(
            f"the baseline has no perceptual loss: leave {variant} out of --variants"
        )
    given = dict(given)
    window_s = get_config(preset).receptive_field_s
    crop_windows = given.pop("crop_windows", _CROP_WINDOWS)
    every = max(1, steps // _CHECKPOINTS)
    try:
        check_settings(given, "the settings")
        shared: Settings = {
            "crop_s": float(crop_windows) * window_s,
            "growth_steps": min(_MOST_GROWTH_STEPS, round(_GROWTH_SHARE * steps)),
            "perceptual_weight": 1.0,
            "adversarial_weight": 1.0,
            "checkpoint_every": max(every, _LEAST_BETWEEN_CHECKPOINTS),
            "keep_checkpoints": 1,
            "validate_every": every,
            "validation_batches": 2,
        }
        own = {"preset": chosen.codec, "steps": steps, "batch_size": batch, "seed": seed}
        config = TrainConfig(**(shared | given | own | dict(chosen.changes)))
    except (ValueError, TypeError) as error:
        raise NotTrainableError(str(error)) from error
    if config.perceptual_weight:
        try:
            find_whisper(config.whisper)
        except FileNotFoundError as error:
            raise NotTrainableError(str(error)) from error
    return asdict(config)


def corpus(preset: str, source: str) -> CorpusFacts:
    """What a corpus holds, after packing it where it is not packed.

    Raises:
        NotTrainableError: it is missing, cannot be read, or is packed at another rate.
    """
    sample_rate = get_config(preset).sample_rate
    opened = _open(source, sample_rate)
    if opened.sample_rate != sample_rate:
        raise NotTrainableError(
            f"{source} is packed at {opened.sample_rate} Hz, {preset} needs {sample_rate} Hz: "
            "pack it again"
        )
    rows = opened.clips[list(CLIP_COLUMNS)].to_csv(index=False)
    n_samples = int(opened.clips["n_samples"].sum())
    return CorpusFacts(
        name=Path(source).name,
        origin=str(opened.summary.get("origin", "a packed corpus")),
        hours=n_samples / opened.sample_rate / 3600,
        revision=hashlib.sha256(rows.encode()).hexdigest()[:16],
    )


def teacher(settings: Settings) -> Teacher | None:
    """Whisper, where the perceptual loss is used; its weights are those that are found now.

    Raises:
        NotTrainableError: they are missing.
    """
    if not settings["perceptual_weight"]:
        return None
    try:
        file = find_whisper(settings["whisper"])
        sha256 = file_hash(file)
    except OSError as error:
        raise NotTrainableError(str(error)) from error
    # What a user names may be any Whisper; what is found without a name is this one.
    name = file.name if settings["whisper"] else HUB_REPOSITORY.rpartition("/")[2]
    return Teacher("perceptual", name, sha256)


def cost(settings: Settings, source: str, folder: Path, device: str) -> Cost:
    """Time a few steps, with updates of the discriminators at their share; `folder` is removed.

    Raises:
        NotTrainableError: as `train`.
    """
    config = TrainConfig(**settings)
    short = {
        "steps": _COST_STEPS,
        "growth_steps": _COST_GROWTH_STEPS if config.growth_steps else 0,
        "discriminator_every": _COST_DISCRIMINATOR_EVERY,
        "checkpoint_every": _COST_STEPS,
        "validate_every": _COST_STEPS,
        "validation_batches": 1,
    }
    plain_s: list[float] = []
    with_update_s: list[float] = []
    grown_s: list[float] = []

    shutil.rmtree(folder, ignore_errors=True)
    try:
        trainer = _trainer(settings | short, source, folder, device)
        passed_s = 0.0

        def on_step(row: Row) -> None:
            nonlocal passed_s
            number = int(row["step"]) - 1
            if number >= _COST_DISCRIMINATOR_EVERY:  # the first ones warm up
                is_update = number % _COST_DISCRIMINATOR_EVERY == 0
                (with_update_s if is_update else plain_s).append(trainer.seconds - passed_s)
            passed_s = trainer.seconds

        started_s = trainer.compute_clock()
        trainer.run(on_step, lambda *_: grown_s.append(trainer.compute_clock() - started_s))
    except TrainingError as error:
        raise NotTrainableError(str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    plain, updated = statistics.mean(plain_s), statistics.mean(with_update_s)
    step_s = plain + max(0.0, updated - plain) / config.discriminator_every
    return Cost(step_s, grown_s[-1] / _COST_GROWTH_STEPS if grown_s else 0.0)


def train(settings: Settings, source: str, folder: Path, device: str, name: str) -> Trained:
    """Train in `folder`, from its last checkpoint if it has one; the weights get that name.

    Raises:
        NotTrainableError: the training cannot begin or go on.
    """
    try:
        trainer = _trainer(settings, source, folder, device)
        trainer.run()
    except TrainingError as error:
        raise NotTrainableError(str(error)) from error
    weights = trainer.weights_path.replace(folder / f"{name}.safetensors")
    return Trained(
        codec=f"{name}-{file_hash(weights)[:8]}",
        weights=weights.name,
        steps=trainer.step,
        heard_s=trainer.heard_s,
        seconds=trainer.seconds,
        hardware=_hardware(device),
    )


def _trainer(settings: Settings, source: str, folder: Path, device: str) -> Trainer:
    config = TrainConfig(**settings)
    opened = _open(source, get_config(config.preset).sample_rate)
    resume = bool(state_paths(folder))
    return Trainer(config, opened, folder, device=device, resume=resume)


def _open(source: str, sample_rate: int) -> PackedCorpus:
    try:
        return open_corpus(source, sample_rate)
    except (OSError, ValueError) as error:
        raise NotTrainableError(str(error)) from error


def _hardware(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    n_threads = torch.get_num_threads()
    return f"{n_threads} CPU thread{'s' if n_threads > 1 else ''}, {_processor()}"


def _processor() -> str:
    """The processor by its own name where the system tells it, its architecture elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.machine()
