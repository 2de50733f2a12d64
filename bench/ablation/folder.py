"""One training's folder: whether it is finished, and of which settings and corpus it is.

The trainer keeps its settings there, and we note what came of it. Whoever finds a folder of other
settings must not take it for the training that was asked for, nor go on with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.ablation.plan import AblationError
from bench.report.checked import parsed
from bench.trainable import SETTINGS_FILE, Settings, Trained

DONE = "done.json"
CHECKPOINTS = "state-*.pt"

_SHOWN = 3  # settings that are told of a training of others

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        variant, seed: which.
        codec: what its weights are called.
        folder: of its own.
        settings: of the trainer.
        corpus: its revision.
    """

    variant: str
    seed: int
    codec: str
    folder: Path
    settings: Settings
    corpus: str = ""

    @property
    def name(self) -> str:
        """As it is told to the user."""
        return f"{self.variant}, seed {self.seed}"

    def done(self) -> Trained | None:
        """What came of it; None where it is not finished, or its weights are gone.

        Raises:
            AblationError: what it noted of that cannot be read.
        """
        trained = self._read(DONE, Trained)
        return trained if trained and (self.folder / trained.weights).is_file() else None

    def check(self) -> None:
        """Raise AblationError where its folder holds a training of other settings, or corpus.

        A training that was begun is bound to them, too: it would go on with others otherwise.
        """
        begun = self.done() is not None or any(self.folder.glob(CHECKPOINTS))
        path = self.folder / SETTINGS_FILE
        try:
            was = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(was, dict) or not was:
                raise ValueError("no settings")
        except FileNotFoundError as error:
            if not begun:
                return
            raise self._unusable(f"there is no {path.name} beside its training") from error
        except (OSError, ValueError) as error:
            raise self._unusable(f"{path.name} cannot be read: {error}") from error
        # Settings that it does not name are newer than it, and were not there to be given.
        others = [
            f"{name} {_shown(value)}, not {_shown(self.settings.get(name))}"
            for name, value in was.items()
            if value != self.settings.get(name)
        ]
        noted = self._read(DONE, _Corpus)
        if noted and noted.corpus not in ("", self.corpus):
            others.append("corpus with other clips")
        if others:
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            raise self._unusable(
                f"it holds a training of other settings ({'; '.join(others[:_SHOWN])}{more})"
            )

    def _read(self, name: str, shape: type[T]) -> T | None:
        """A file of its folder; None where there is none."""
        try:
            return parsed((self.folder / name).read_bytes(), shape)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._unusable(f"{name} cannot be read: {error}") from error

    def _unusable(self, why: str) -> AblationError:
        return AblationError(
            f"{self.folder}: {why}; remove the folder to train {self.name} anew, or name another "
            "with --out"
        )


@dataclass(frozen=True)
class _Corpus:
    """Of a finished training's note, what it was trained on; "" in older ones."""

    corpus: str = ""


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
