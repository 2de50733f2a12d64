"""The settings of a training run, and reading them from a TOML file.

A run writes its settings beside its checkpoints, and resumes with them unless told otherwise.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sqcodec.presets import get_config

PRECISIONS = ("fp32", "bf16")
# So many steps in a row without a finite gradient end a run.
MAX_SKIPPED_STEPS = 10
# Half of the largest STFT window, whose edges are reflected.
SHORTEST_CROP = 1025


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a run.

    A loss of weight 0 is not computed. By default a run is a first phase: waveform and
    spectrogram losses alone.

    Attributes:
        preset: which SQCodec.
        steps: optimizer steps of the whole run; the learning rate's cycle ends there.
        batch_size: crops per step, over all processes.
        crop_windows: length of a crop in windows of the inner transformer; shorter crops
            never train its look-back, but make for a faster start.
        crop_s: length of a crop in seconds instead; 0 to count in windows.
        growth_steps: steps of each level of growth before the run's first step (see `growth`);
            0 for none. It needs no perceptual or adversarial loss, and crops of half a second do.
        growth_crop_s: length of growth's crops in seconds.
        learning_rate: peak of the cycle (paper: 5e-4), for codec and discriminators alike.
        initial_learning_rate, final_learning_rate: its ends (paper: 3e-5 and 1e-6).
        rising_share: share of the run in which the rate rises.
        max_gradient_norm: of all parameters together (paper: 10,000).
        waveform_weight, stft_weight: of the losses (the authors' later code: 100 and 1).
        spread_weight: of the loss that keeps the quantizer's levels in use.
        perceptual_weight: of the difference of Whisper's latents; 1 to use it.
        perceptual_limit: where Equation (2) clamps it (the authors' later code: 5).
        whisper: file or folder of Whisper's weights; "" for an installed package or the hub.
        adversarial_weight: of what the discriminators say; 1 to use them.
        adversarial_limit: where Equation (2) clamps it (the authors' later code: 10).
        feature_weight: of feature matching in the adversarial loss (Equation 6: 2).
        discriminator_every: steps between updates of the discriminators (paper: 5 to 20).
        discriminator_weight_decay: (paper: 1e-5).
        discriminator_max_gradient_norm: (paper: 10).
        ema_decay: of the average of the weights, which is what is saved for use.
        kind_shares: how often each kind of audio is drawn, relative to the others; by default
            all that the corpus has, alike (paper: equal turns).
        gain_share: share of crops whose level is drawn; the others keep their recording's.
        polarity_share, equalizer_share, mixing_share: share of crops that are augmented so.
        precision: "fp32", or "bf16" for mixed precision.
        compile: compile the network with `torch.compile`: minutes at the first step, faster ones
            after it.
        seed: of initial weights, crops and quantizer noise.
        checkpoint_every, keep_checkpoints: steps between checkpoints; how many stay.
        validate_every, validation_batches: steps between validations, and their size.
    """

    preset: str
    steps: int = 100_000
    batch_size: int = 4
    crop_windows: float = 1.0
    crop_s: float = 0.0
    growth_steps: int = 0
    growth_crop_s: float = 0.56
    learning_rate: float = 5e-4
    initial_learning_rate: float = 3e-5
    final_learning_rate: float = 1e-6
    rising_share: float = 0.3
    max_gradient_norm: float = 10_000.0
    waveform_weight: float = 100.0
    stft_weight: float = 1.0
    spread_weight: float = 5.0
    perceptual_weight: float = 0.0
    perceptual_limit: float = 5.0
    whisper: str = ""
    adversarial_weight: float = 0.0
    adversarial_limit: float = 10.0
    feature_weight: float = 2.0
    discriminator_every: int = 10
    discriminator_weight_decay: float = 1e-5
    discriminator_max_gradient_norm: float = 10.0
    ema_decay: float = 0.999
    kind_shares: dict[str, float] = field(default_factory=dict)
    gain_share: float = 1.0
    polarity_share: float = 0.0
    equalizer_share: float = 0.0
    mixing_share: float = 0.0
    precision: str = "fp32"
    compile: bool = False
    seed: int = 0
    checkpoint_every: int = 1000
    keep_checkpoints: int = 3
    validate_every: int = 500
    validation_batches: int = 4

    def __post_init__(self) -> None:
        get_config(self.preset)
        for setting in fields(self):
            _check_type(setting.name, getattr(self, setting.name), str(setting.type))
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        for kind, share in self.kind_shares.items():
            if not isinstance(share, int | float) or share < 0:
                raise ValueError(f"kind_shares: {kind} must be a number from 0 on, got {share!r}")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.name.endswith("_weight") and value < 0:
                raise ValueError(f"{setting.name} must not be negative, got {value}")
            if setting.name.endswith(("_limit", "_norm")) and value <= 0:
                raise ValueError(f"{setting.name} must be positive, got {value}")
            if setting.name in _SHARES and not 0 <= value <= 1:
                raise ValueError(f"{setting.name} must lie between 0 and 1, got {value}")
        if not 0 < self.final_learning_rate <= self.initial_learning_rate <= self.learning_rate:
            raise ValueError("learning rates must be positive: final <= initial <= peak")
        if not 0 < self.rising_share < 1:
            raise ValueError(f"rising_share must lie between 0 and 1, got {self.rising_share}")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must lie in [0, 1), got {self.ema_decay}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {PRECISIONS}, got {self.precision!r}")
        if self.growth_steps < 0:
            raise ValueError(f"growth_steps must not be negative, got {self.growth_steps}")
        for length in (self.crop_length, self.growth_crop_length):
            if length < SHORTEST_CROP:
                raise ValueError(f"a crop must have {SHORTEST_CROP} samples or more, got {length}")

    @property
    def crop_length(self) -> int:
        """Samples per crop: a whole number of hops, at least one."""
        window_s = get_config(self.preset).receptive_field_s
        return self._whole_hops(self.crop_s or self.crop_windows * window_s)

    @property
    def growth_crop_length(self) -> int:
        """Samples per crop of growth: a whole number of hops, at least one."""
        return self._whole_hops(self.growth_crop_s)

    def _whole_hops(self, duration_s: float) -> int:
        config = get_config(self.preset)
        n_hops = round(duration_s * config.sample_rate / config.hop_length)
        return max(1, n_hops) * config.hop_length


_AT_LEAST_ONE = (
    "steps",
    "batch_size",
    "discriminator_every",
    "checkpoint_every",
    "keep_checkpoints",
    "validate_every",
    "validation_batches",
)
_SHARES = ("gain_share", "polarity_share", "equalizer_share", "mixing_share")


def check_settings(settings: dict[str, Any], origin: str) -> dict[str, Any]:
    """Return `settings` if every name is one of `TrainConfig`'s.

    Raises:
        ValueError: one is not; the message names it, `origin` and the nearest setting.
    """
    known = [setting.name for setting in fields(TrainConfig)]
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            raise ValueError(f"{origin}: there is no setting {name!r}; {hint}")
    return settings


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings from a TOML file.

    Raises:
        ValueError: it is no TOML, or names something that is no setting.
        OSError: it cannot be read.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML file: {error}") from error
    return check_settings(settings, str(path))


def _check_type(name: str, value: Any, annotation: str) -> None:
    """Raise unless `value` is of the annotated type; a whole number may stand for a float."""
    expected: tuple[type, ...] = {
        "int": (int,),
        "float": (int, float),
        "str": (str,),
        "bool": (bool,),
        "dict[str, float]": (dict,),
    }[annotation]
    if not isinstance(value, expected) or isinstance(value, bool) != (annotation == "bool"):
        raise ValueError(f"{name} must be of type {annotation}, got {value!r}")
