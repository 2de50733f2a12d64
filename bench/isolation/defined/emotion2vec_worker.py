"""emotion2vec through FunASR in an environment of its own: how likely speech has emotions.

FunASR loads the model and normalises the clip; this hands it samples in place of files, names
its classes in English, and sees that no weight was left random.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import torchaudio_stub

_UNKNOWN = {"<unk>": "unknown"}  # in the model's list of tokens


def load(weights: str, cuda: bool) -> list[str]:
    """Load the model, or raise; later calls find it loaded. Returns its classes, in order."""
    model = _loaded(weights, cuda)
    return [_named(token) for token in model.kwargs["token_list"]]


def judge(weights: str, cuda: bool, clips: Sequence[Any]) -> list[dict[str, float]]:
    """Probabilities of emotions for each clip, float32 [T] at 16 kHz, by name.

    Args:
        weights: the folder that has config.yaml, configuration.json, model.pt and tokens.txt.
        cuda: whether to compute on a GPU.
        clips: what is heard, one after another, as FunASR does.
    """
    model = _loaded(weights, cuda)
    found = []
    for clip in clips:
        # A copy: FunASR makes a tensor of the very array, which must be writable for that.
        (said,) = model.generate(clip.copy(), granularity="utterance", extract_embedding=False)
        names = [_named(label) for label in said["labels"]]
        found.append(dict(zip(names, said["scores"], strict=True)))
    return found


def download(repository: str, revision: str, folder: str) -> None:
    """Get the model from ModelScope into a folder."""
    from modelscope import snapshot_download

    snapshot_download(repository, revision=revision, local_dir=folder)


def _named(label: str) -> str:
    """A label such as "生气/angry" in English."""
    return _UNKNOWN.get(label, label.split("/")[-1])


@lru_cache(maxsize=1)
def _loaded(weights: str, cuda: bool) -> Any:
    torchaudio_stub.make_importable()
    from funasr import AutoModel

    logging.disable(logging.WARNING)  # it logs every weight
    model = AutoModel(
        model=weights,
        device="cuda" if cuda else "cpu",
        ncpu=torch.get_num_threads(),
        disable_update=True,
        disable_pbar=True,
        disable_log=True,
    )
    _check_whole(model.model, os.path.join(weights, "model.pt"))
    return model


def _check_whole(model: Any, path: str) -> None:
    """FunASR leaves weights that the file lacks, or has in another shape, as drawn at random."""
    state = torch.load(path, map_location="cpu")
    state = state.get("model", state)
    # In the file, the encoder's names begin with that of the model that it was trained in.
    shapes = {name: value.shape for name, value in state.items() if hasattr(value, "shape")}
    shapes |= {name.split(".", 1)[-1]: shape for name, shape in shapes.items()}
    for name, value in model.named_parameters():
        if shapes.get(name) != value.shape:
            raise RuntimeError(f"the file does not have the weights {name} of this model")
        if not value.isfinite().all():
            raise RuntimeError(f"weights are not finite, in {name}")
