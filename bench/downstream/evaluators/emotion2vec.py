"""emotion2vec base, finetuned: the paper's listener for emotions.

Nine classes, one utterance at a time, through FunASR at the model revision of the protocol.
FunASR's dependencies cannot live beside ours: it runs in an environment and a process of its
own, which also fetches the weights from ModelScope where that is in reach.

Source: Ma et al., "emotion2vec: Self-Supervised Pre-Training for Speech Emotion
Representation", 2023; ModelScope iic/emotion2vec_base_finetuned.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.er import CLASSES
from bench.downstream.evaluators import isolated
from bench.isolation.process import Isolated, IsolationError
from bench.weights import FOLDER_VARIABLE, Finder, Weights, revision

NAME = "emotion2vec"
ENVIRONMENT = "emotion2vec"
SAMPLE_RATE = 16_000
SHORTEST = 400
"""Samples that the encoder's convolutions need for one frame, 25 ms."""

WEIGHTS = Weights(
    "iic/emotion2vec_base_finetuned",
    ("config.yaml", "configuration.json", "model.pt", "tokens.txt"),
    commit="v2.0.4",
)
"""Of ModelScope, not of the hub."""

_FINDER = Finder(EvaluatorUnavailableError, "hub")
_CITATION = (
    "Ma et al., emotion2vec: Self-Supervised Pre-Training for Speech Emotion Representation, "
    "arXiv:2312.15185"
)


class Emotion2vec:
    """emotion2vec behind the contract of an evaluator.

    Args:
        worker: that runs it; it ends with this object.
        info: what it is.
        weights: the folder of its files.
        device: where it computes.
    """

    def __init__(self, worker: Isolated, info: EvaluatorInfo, weights: Path, device: str) -> None:
        self.info = info
        self._worker = worker
        self._weights = str(weights)
        self._cuda = device == "cuda"
        isolated.end_with(self, worker)

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """`probabilities` of the nine emotions for clips [T] at 16 kHz.

        Raises:
            ValueError: a clip is too short.
            IsolationError: the process failed.
        """
        for clip in clips:
            if len(clip) < SHORTEST:
                raise ValueError(
                    f"the clip is too short for emotion2vec: {len(clip)} samples at 16 kHz, "
                    f"{SHORTEST} at least"
                )
        found = self._worker.call(
            "judge", weights=self._weights, cuda=self._cuda, clips=list(clips)
        )
        return [{"probabilities": probabilities} for probabilities in found]


def missing() -> str:
    """What emotion2vec lacks here and how to get it, in a line; "" if nothing."""
    return isolated.missing_environment(ENVIRONMENT) or ("" if _here() else _lacking())


def load(device: str = "cpu") -> Emotion2vec:
    """emotion2vec, computing on `device`; its weights are fetched where they are not here.

    Raises:
        EvaluatorUnavailableError: its environment or its weights are missing or do not fit.
    """
    worker = isolated.start(ENVIRONMENT, device)
    folder = WEIGHTS.local_folder
    if not _here():
        _download(worker, folder)
    hashes = [_FINDER.checked_sha256(folder / file) for file in WEIGHTS.files]
    classes = isolated.load_weights(worker, str(folder), weights=str(folder), cuda=device == "cuda")
    if tuple(classes) != CLASSES:
        worker.stop()
        raise EvaluatorUnavailableError(
            f"{folder} is of another model: its classes are {', '.join(classes)}; expected "
            f"{', '.join(CLASSES)}"
        )
    weights_sha256 = hashes[WEIGHTS.files.index("model.pt")]
    info = EvaluatorInfo(
        name=NAME,
        task="er",
        sample_rate=SAMPLE_RATE,
        revision=revision(NAME, worker.revision, hashes, device),
        description="emotion2vec base finetuned, nine emotions, over FunASR",
        weights=f"a copy of {WEIGHTS.repository}, SHA-256 {weights_sha256[:12]}, not compared",
        citation=_CITATION,
    )
    return Emotion2vec(worker, info, folder, device)


def _here() -> bool:
    return all((WEIGHTS.local_folder / file).is_file() for file in WEIGHTS.files)


def _lacking() -> str:
    *most, last = WEIGHTS.files
    return (
        f"no weights of {WEIGHTS.repository}: put {', '.join(most)} and {last} of its revision "
        f"{WEIGHTS.commit} into {WEIGHTS.local_folder} ({FOLDER_VARIABLE} names its parent), or "
        f"run once with --evaluator er={NAME} where ModelScope is in reach"
    )


def _download(worker: Isolated, folder: Path) -> None:
    """Fetch the weights, whole or not at all."""
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        worker.call(
            "download",
            repository=WEIGHTS.repository,
            revision=WEIGHTS.commit,
            folder=str(partial),
        )
        partial.replace(folder)
    except (IsolationError, OSError, ValueError) as error:
        worker.stop()
        shutil.rmtree(partial, ignore_errors=True)
        why = " ".join(str(error).split())[:200]
        raise EvaluatorUnavailableError(f"{_lacking()}; now: {why}") from error
    if not _here():
        worker.stop()
        raise EvaluatorUnavailableError(f"{folder} has not all that was expected; {_lacking()}")
