"""Whisper large-v3 over transformers: the paper's recogniser, pinned.

The protocol asks for openai-whisper's "large" of the day, which was large-v3: English, no
timestamps, greedy, each clip padded or cut to 30 s. On a GPU it computes in half precision, as
openai-whisper does.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.pretrained import load_pretrained
from bench.torchaudio_stub import make_importable
from bench.weights import Finder, Weights, described, revision

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration

NAME = "whisper-large-v3"
SAMPLE_RATE = 16_000
WEIGHTS = Weights(
    "openai/whisper-large-v3",
    (
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    ),
    commit="06f233fe06e710322aca913c1bc4249a0d71fce1",
)
FINDER = Finder(EvaluatorUnavailableError, "whisper")
PACKAGES = ("transformers", "whisper_normalizer", "rapidfuzz")
"""Of which the last two take the score from what is heard."""

_SETTINGS = {"language": "en", "task": "transcribe", "return_timestamps": False}
_GREEDY = {"do_sample": False, "num_beams": 1}
_LICENCE = "Apache-2.0"
_CITATION = (
    "Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, arXiv:2212.04356"
)


class Whisper:
    """Whisper over transformers.

    Args:
        info: what it is.
        folder: that has the files of `WEIGHTS`.
        model: from there.
        device: where it computes, "cpu" or "cuda".
    """

    def __init__(
        self,
        info: EvaluatorInfo,
        folder: Path,
        model: WhisperForConditionalGeneration,
        device: str,
    ) -> None:
        make_importable()
        import torch
        from transformers import WhisperFeatureExtractor, WhisperTokenizer

        self.info = info
        self._extract = WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True)
        self._tokenizer: Any = WhisperTokenizer.from_pretrained(folder, local_files_only=True)
        self._dtype = torch.float16 if device == "cuda" else torch.float32
        self._device = device
        self._model: Any = cast(Any, model).to(device, self._dtype).eval()

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """Transcribe clips [T] at 16 kHz.

        Raises:
            ValueError: a clip has no samples.
        """
        import torch

        features = features_of(self._extract, clips)  # [B, mels, 3000]
        with torch.inference_mode():
            tokens = self._model.generate(
                torch.from_numpy(features).to(self._device, self._dtype), **_SETTINGS, **_GREEDY
            )
        texts = self._tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [{"transcript": text.strip()} for text in texts]


def features_of(extract: Any, clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Whisper's input of clips [T] at 16 kHz, each padded or cut to 30 s: [B, mels, 3000].

    Raises:
        ValueError: a clip has no samples.
    """
    if any(len(clip) == 0 for clip in clips):
        raise ValueError("the clip has no samples")
    made = extract(list(clips), sampling_rate=SAMPLE_RATE, return_tensors="np")
    return made.input_features.astype(np.float32)


def load(device: str = "cpu") -> Whisper:
    """Whisper large-v3, computing on `device`.

    Raises:
        EvaluatorUnavailableError: a library or the weights are missing, or are not Whisper's.
    """
    FINDER.check_installed(*PACKAGES)
    folder = FINDER.find(WEIGHTS)
    make_importable()
    from transformers import WhisperForConditionalGeneration

    model: Any = load_pretrained(WhisperForConditionalGeneration, folder, EvaluatorUnavailableError)
    # The settings and the tokenizer decide what is written, too.
    hashes = [FINDER.checked_sha256(folder / file) for file in WEIGHTS.files]
    versions = version("transformers"), version("torch")
    info = EvaluatorInfo(
        name=NAME,
        task="asr",
        sample_rate=SAMPLE_RATE,
        revision=revision(hashes, _SETTINGS, _GREEDY, versions, device),
        description="greedy, English, no timestamps, 30 s, over transformers",
        weights=described(WEIGHTS, folder, hashes[-1]),
        licence=_LICENCE,
        citation=_CITATION,
    )
    return Whisper(info, folder, model, device)


def missing() -> str:
    """What it lacks here and how to get it, in a line; "" if nothing."""
    try:
        FINDER.check_installed(*PACKAGES)
    except EvaluatorUnavailableError as error:
        return str(error)
    return FINDER.missing(WEIGHTS)
