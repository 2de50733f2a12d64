"""Microsoft CLAP 2023, zero-shot: the paper's listener for events.

Each class is a text, "this is the sound of " and its words; the probabilities are those of the
texts for a clip. As msclap has it, a clip is heard for 7 s: repeated where it is shorter, cut at
a random place where it is longer. That place is drawn from the same seed for each clip, so that
a clip and its reference are heard at the same one.

msclap's pins cannot live beside ours: it runs in an environment and a process of its own.

Source: Elizalde et al., "Natural Language Supervision for General-Purpose Audio
Representations", 2023; github.com/microsoft/CLAP (MIT).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.downstream.aec import ESC50_CLASSES, prompt
from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.evaluators import isolated
from bench.isolation.process import Isolated
from bench.weights import Finder, Weights, described, revision

NAME = "clap-2023"
ENVIRONMENT = "clap"
SAMPLE_RATE = 44_100
# No commit is known for certain: the revision has the hash of the file that was loaded.
WEIGHTS = Weights("microsoft/msclap", ("CLAP_weights_2023.pth",))
TEXT_MODEL = Weights(
    "openai-community/gpt2",
    ("config.json", "merges.txt", "model.safetensors", "vocab.json"),
    commit="607a30d783dfa663caf39e06633721c8d4cfcd7e",
)
"""Of which the tokenizer decides; the weights are those of CLAP once it is loaded."""

FINDER = Finder(EvaluatorUnavailableError, "hub")

_TOKENIZER = ("merges.txt", "vocab.json")
_LICENCE = "MIT"
_CITATION = (
    "Elizalde et al., Natural Language Supervision for General-Purpose Audio Representations, "
    "arXiv:2309.05767"
)


class Clap:
    """CLAP behind the contract of an evaluator.

    Args:
        worker: that runs it; it ends with this object.
        info: what it is, of `classes`.
        weights: the file.
        text_model: the folder of GPT-2.
        device: where it computes.
        classes: that it chooses from.
    """

    def __init__(
        self,
        worker: Isolated,
        info: EvaluatorInfo,
        weights: Path,
        text_model: Path,
        device: str,
        classes: tuple[str, ...] = ESC50_CLASSES,
    ) -> None:
        self._worker = worker
        self._paths = {"weights": str(weights), "text_model": str(text_model)}
        self._cuda = device == "cuda"
        self._base = info
        self.choose_from(classes)
        isolated.end_with(self, worker)

    def choose_from(self, classes: Sequence[str]) -> None:
        """Set the classes that clips are of: ESC-50's at first. They are part of the revision."""
        if not classes:
            raise ValueError("expected classes to choose from, got none")
        self.classes = tuple(classes)
        prompts = [prompt(name) for name in self.classes]
        self.info = replace(self._base, revision=revision(self._base.revision, prompts))

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """`probabilities` of the classes for clips [T] at 44.1 kHz.

        Raises:
            ValueError: a clip has no samples.
            IsolationError: the process failed.
        """
        if any(len(clip) == 0 for clip in clips):
            raise ValueError("the clip has no samples")
        rows = self._worker.call(
            "judge",
            **self._paths,
            cuda=self._cuda,
            prompts=[prompt(name) for name in self.classes],
            clips=list(clips),
        )
        return [{"probabilities": dict(zip(self.classes, row, strict=True))} for row in rows]


def missing() -> str:
    """What CLAP lacks here and how to get it, in a line; "" if nothing."""
    return (
        isolated.missing_environment(ENVIRONMENT)
        or FINDER.missing(WEIGHTS)
        or FINDER.missing(TEXT_MODEL)
    )


def load(device: str = "cpu") -> Clap:
    """CLAP 2023, choosing from ESC-50's classes, computing on `device`.

    Raises:
        EvaluatorUnavailableError: its environment or its weights are missing or do not fit.
    """
    worker = isolated.start(ENVIRONMENT, device)
    folder, text_model = FINDER.find(WEIGHTS), FINDER.find(TEXT_MODEL)
    weights = folder / WEIGHTS.files[0]
    sha256 = FINDER.checked_sha256(weights)
    tokenizer = [FINDER.checked_sha256(text_model / file) for file in _TOKENIZER]
    isolated.load_weights(
        worker,
        str(weights),
        weights=str(weights),
        text_model=str(text_model),
        cuda=device == "cuda",
    )
    info = EvaluatorInfo(
        name=NAME,
        task="aec",
        sample_rate=SAMPLE_RATE,
        revision=revision(NAME, worker.revision, sha256, tokenizer, device),
        description="Microsoft CLAP 2023, zero-shot by the protocol's prompt",
        weights=described(WEIGHTS, folder, sha256),
        licence=_LICENCE,
        citation=_CITATION,
    )
    return Clap(worker, info, weights, text_model, device)
