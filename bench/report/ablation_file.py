"""The JSON of an ablation, as `bench ablate` writes it and tables and curves read it.

Fields with a default came later than the first files, which are still read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Score:
    """A score, or a difference from the baseline's; or the reason why there is none.

    Attributes:
        value, low, high: with its 95 % interval where there is one.
        method: what the interval is, or why there is none.
        seeds: that the value is a mean over; 0 where an older file does not say.
        reason: "" where there is a value.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    seeds: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError("expected a value, or the reason why there is none")
        if (self.low is None) != (self.high is None):
            raise ValueError("expected both bounds or none")


@dataclass(frozen=True)
class TrainedRun:
    """A training: its checkpoint's name, or why it failed."""

    seed: int
    codec: str = ""
    failed: str = ""

    def __post_init__(self) -> None:
        if bool(self.codec) == bool(self.failed):
            raise ValueError("expected the name of its codec, or why it failed")


@dataclass(frozen=True)
class TrainedVariant:
    """A row: a training for each seed, and the scores by the table's columns."""

    name: str
    receptive_field_s: float
    look_back_s: float
    runs: tuple[TrainedRun, ...]
    scores: dict[str, Score]

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("expected a training at least")


@dataclass(frozen=True)
class Budget:
    """Of each training its steps, and seconds of audio; of all, seconds of compute, and hardware.

    Attributes:
        asked_hours: of compute, where the steps were taken from them.
    """

    steps: int
    seeds: int
    heard_s: float
    seconds_of_all: float
    hardware: tuple[str, ...]
    asked_hours: float | None = None


@dataclass(frozen=True)
class BaselineSettings:
    """Of the trainer's settings those that the table tells."""

    batch_size: int
    crop_s: float
    growth_steps: int
    waveform_weight: float
    stft_weight: float
    perceptual_weight: float
    adversarial_weight: float


@dataclass(frozen=True)
class TrainedOn:
    """The corpus."""

    name: str
    origin: str
    hours: float


@dataclass(frozen=True)
class ScoredOn:
    """The data set."""

    name: str
    revision: str
    n_clips: int


@dataclass(frozen=True)
class TaskJudge:
    """Who judged a task; `weights` are told in words, with the beginning of their SHA-256."""

    name: str
    of_paper: bool
    weights: str = ""


@dataclass(frozen=True)
class LossTeacher:
    """A trained network that a loss asked."""

    loss: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Curve:
    """A training's losses by step, in training and in validation."""

    variant: str
    seed: int
    step: tuple[int, ...]
    loss: tuple[float, ...]
    validated: tuple[int, ...]
    validation: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = [len(one) for one in (self.step, self.loss, self.validated, self.validation)]
        if lengths[0] != lengths[1] or lengths[2] != lengths[3]:
            raise ValueError("expected a loss for each step")


@dataclass(frozen=True)
class AblationFile:
    """The whole file; `given` are the settings that the user gave."""

    preset: str
    budget: Budget
    settings: BaselineSettings
    corpus: TrainedOn
    data: ScoredOn
    judges: dict[str, TaskJudge]
    variants: tuple[TrainedVariant, ...]
    curves: tuple[Curve, ...]
    given: dict[str, Any] = field(default_factory=dict)
    teacher: LossTeacher | None = None

    def __post_init__(self) -> None:
        if not self.variants:
            raise ValueError("expected a variant at least")
