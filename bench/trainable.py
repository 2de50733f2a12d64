"""The contract of a codec that can be trained in variants: what `bench ablate` asks of it.

A module that offers it has ``variants``, ``settings``, ``corpus``, ``teacher``, ``cost`` and
``train``, as `Trainable` says. It is reached through `bench.registry.trainable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

BASELINE = "baseline"
"""The variant that all others are compared with."""

SETTINGS_FILE = "settings.json"
"""In a training's folder, from its beginning on: its settings."""

Settings = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One row of an ablation.

    Attributes:
        name: as `--variants` takes it.
        codec: the configuration that is trained.
        changes: settings of the training in which it differs from the baseline's.
        receptive_field_s: what the paper's Table 3 calls so, seconds.
        look_back_s: how far back its stack of layers sees, seconds.
    """

    name: str
    codec: str
    changes: Mapping[str, Any]
    receptive_field_s: float
    look_back_s: float


@dataclass(frozen=True)
class CorpusFacts:
    """What is trained on.

    Attributes:
        name: as `--corpus` named it, without the folders before it.
        origin: where its audio comes from, in a few words.
        hours: of audio, all kinds.
        revision: a hash of its clips.
    """

    name: str
    origin: str
    hours: float
    revision: str


@dataclass(frozen=True)
class Teacher:
    """A trained network that a loss asks.

    Attributes:
        loss: which.
        name: of the network where it is known, else of its file.
        sha256: of the file of its weights.
    """

    loss: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Cost:
    """What training takes: seconds a step, and a step of growth through all levels."""

    step_s: float
    growth_step_s: float


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        codec: name of the checkpoint as `bench run` calls it.
        weights: file of the checkpoint, in the run's folder.
        steps: that were done.
        heard_s: audio heard, seconds.
        seconds: of compute.
        hardware: what computed, in a few words.
    """

    codec: str
    weights: str
    steps: int
    heard_s: float
    seconds: float
    hardware: str


class NotTrainableError(ValueError):
    """A training that cannot begin; the message says why and what to do, in a line."""


class Trainable(Protocol):
    """A codec's trainer."""

    def variants(self, preset: str) -> tuple[Variant, ...]:
        """The baseline and its variants, in the order of the table."""

    def settings(
        self, preset: str, variant: str, steps: int, batch: int, seed: int, given: Settings
    ) -> Settings:
        """Every setting of a training, of which variants share all but their changes."""

    def corpus(self, preset: str, source: str) -> CorpusFacts:
        """What `source` names, once it can be read."""

    def teacher(self, settings: Settings) -> Teacher | None:
        """The network that a loss of these settings asks; None where none does."""

    def cost(self, settings: Settings, source: str, folder: Path, device: str) -> Cost:
        """Train a few steps, and time them."""

    def train(
        self, settings: Settings, source: str, folder: Path, device: str, name: str
    ) -> Trained:
        """Train in a folder, from its last checkpoint if it has one; the weights get that name."""
