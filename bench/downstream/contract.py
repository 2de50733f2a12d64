"""The contract of an evaluator: a model that judges audio in a listener's place.

An evaluator gives evidence of each clip by itself (a transcript, embeddings, probabilities of
classes), never a score: scores are computed from stored evidence, so that each can be walked
back to what was heard, and so that the untouched reference is judged once, not once a codec.
The contract imports no other room of the project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Evidence = dict[str, Any]
"""What an evaluator says of one clip: values that JSON can hold, by names that its task fixes.

- asr: `transcript`, the words as the model wrote them.
- asv: `embedding`, a list of floats, of the full utterance; `crops`, one such list a crop.
- er, aec: `probabilities`, class -> probability; or, of a probe, `features`, a list of floats.
"""


class EvaluatorUnavailableError(RuntimeError):
    """An evaluator cannot run here because something is missing (weights, an extra).

    The message is one line for the user: what is missing, why it is needed, how to get it.
    """


@dataclass(frozen=True)
class EvaluatorInfo:
    """What an evaluator says of itself.

    Attributes:
        name: as `--evaluator TASK=NAME` takes it, such as ``whisper-tiny.en``.
        task: asr, asv, er or aec.
        sample_rate: of the audio that it takes, Hz.
        revision: a hash of all that decides its evidence (weights, settings, library versions).
        description: what it is, in a line.
        weights: which they are and where they come from, in a line; "" where there are none.
        licence: of the model and its weights, as an SPDX expression where there is one.
        citation: what to cite.
    """

    name: str
    task: str
    sample_rate: int
    revision: str
    description: str = ""
    weights: str = ""
    licence: str = ""
    citation: str = ""


class Evaluator(Protocol):
    """A model behind its adapter."""

    @property
    def info(self) -> EvaluatorInfo:
        """Name, task, rate, revision."""
        ...

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """Judge clips [T] at `info.sample_rate`, each for itself, whatever its batch.

        Args:
            clips: float32 in [-1, 1], of any lengths; similar ones come together.

        Returns:
            The evidence of each, in the order of `clips`.

        Raises:
            ValueError: a clip cannot be judged (the message says why).
        """
        ...


@runtime_checkable
class ZeroShot(Protocol):
    """An evaluator of classes that can choose from any, once it is told which."""

    def choose_from(self, classes: Sequence[str]) -> None:
        """Set the classes; its revision is another for others."""
        ...
