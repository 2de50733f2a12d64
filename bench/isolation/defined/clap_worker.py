"""Microsoft CLAP 2023 in an environment of its own: how likely sounds are what texts describe.

msclap loads the model, tokenises, crops and pads; this hands it samples in place of files and
sees that its random crop is the same for a clip each time, and that no weight was left random.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torchaudio_stub

SAMPLE_RATE = 44_100
SEED = 0

_VERSION = "2023"
_TEXT_MODEL = "gpt2"  # msclap asks for it by this name
_MOST_AT_ONCE = 8  # a batch on a CPU gains nothing from more


def load(weights: str, text_model: str, cuda: bool) -> None:
    """Load the model, or raise; later calls find it loaded."""
    _loaded(weights, text_model, cuda)


def judge(
    weights: str, text_model: str, cuda: bool, prompts: Sequence[str], clips: Sequence[Any]
) -> list[list[float]]:
    """Probabilities of `prompts` for each clip, float32 [T] at 44.1 kHz: [clips][prompts].

    Args:
        weights: the path of CLAP_weights_2023.pth.
        text_model: the folder of GPT-2's configuration, tokenizer and weights.
        cuda: whether to compute on a GPU.
        prompts: a text for each class.
        clips: what is heard.
    """
    clap = _loaded(weights, text_model, cuda)
    texts = _embedded(weights, text_model, cuda, tuple(prompts))  # [classes, D]
    found: list[list[float]] = []
    for start in range(0, len(clips), _MOST_AT_ONCE):
        audio = clap.get_audio_embeddings(clips[start : start + _MOST_AT_ONCE])  # [B, D]
        similarity = clap.compute_similarity(audio, texts)  # [B, classes]
        found += similarity.softmax(dim=1).tolist()
    return found


@lru_cache(maxsize=1)
def _embedded(weights: str, text_model: str, cuda: bool, prompts: tuple[str, ...]) -> Any:
    return _loaded(weights, text_model, cuda).get_text_embeddings(list(prompts))


@lru_cache(maxsize=1)
def _loaded(weights: str, text_model: str, cuda: bool) -> Any:
    torchaudio_stub.make_importable()
    from msclap import CLAP

    # msclap builds GPT-2 from what is called "gpt2", here or on the hub, before it fills it in.
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath(text_model), os.path.join(folder, _TEXT_MODEL))
        weights = os.path.abspath(weights)
        os.chdir(folder)
        try:
            clap = CLAP(weights, version=_VERSION, use_cuda=cuda)
        finally:
            os.chdir(before)
    _check_whole(clap.clap, torch.load(weights, map_location="cpu")["model"])
    clap.read_audio = _handed_over
    return clap


def _handed_over(samples: Any, resample: bool = True) -> tuple[Any, int]:
    """What msclap reads in place of a file; the crop that it draws next is the same each time."""
    random.seed(SEED)
    return torch.tensor(samples)[None], SAMPLE_RATE


def _check_whole(model: Any, state: Any) -> None:
    """msclap leaves weights that the file lacks as they were drawn at random; no score is that."""
    lacking = [name for name, _ in model.named_parameters() if name not in state]
    if lacking:
        raise RuntimeError(f"the file lacks {len(lacking)} weights, such as {lacking[0]}")
    for name, value in model.named_parameters():
        if not value.isfinite().all():
            raise RuntimeError(f"weights are not finite, in {name}")
