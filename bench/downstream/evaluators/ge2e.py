"""The GE2E speaker encoder of Resemblyzer, rebuilt around its weights, which are bundled.

A mel spectrogram (not its logarithm) of 40 bands is cut into windows of 1.6 s, 1.3 of them a
second; three LSTM layers and a linear one make a vector of each, and the utterance has their
normalised mean. Quiet clips are raised to -30 dBFS first, as the package does; its removal of
pauses is left out: the protocol compares whole utterances, and it needs a compiled library.

The weights are those of the package's ``pretrained.pt`` without the state of its training
(`tools/bundle_ge2e.py`), and the embeddings equal the package's.

Source: Wan et al., "Generalized End-to-End Loss for Speaker Verification", 2018; the package
Resemblyzer 0.1.4 (Apache-2.0, Resemble AI), trained on LibriSpeech-other, VoxCeleb1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.crops import N_SAMPLES, SAMPLE_RATE, five_crops
from bench.downstream.embeddings import floats, normed
from bench.weights import Finder, revision

NAME = "ge2e"
FILE = Path(__file__).parent / "bundled" / "ge2e.safetensors"
WIDTH = 256
N_LAYERS = 3
N_MELS = 40

_FINDER = Finder(EvaluatorUnavailableError, "offline")
_HOP = SAMPLE_RATE // 100
_FFT = SAMPLE_RATE // 40
_WINDOW = 160  # frames, 1.6 s
_STEP = round(SAMPLE_RATE / 1.3 / _HOP)  # frames between two windows
_COVERED = 0.75  # of a last window that counts
_LEVEL_DB = -30.0
_LICENCE = "Apache-2.0"
_CITATION = "Wan et al., Generalized End-to-End Loss for Speaker Verification, arXiv:1710.10467"


class GE2E:
    """The speaker encoder.

    Args:
        info: what it is.
        state: its weights by name.
        device: where it computes.
    """

    def __init__(self, info: EvaluatorInfo, state: dict[str, Any], device: str) -> None:
        from torch import nn

        self.info = info
        self._device = device
        self._network = nn.ModuleDict(
            {
                "lstm": nn.LSTM(N_MELS, WIDTH, N_LAYERS, batch_first=True),
                "linear": nn.Linear(WIDTH, WIDTH),
            }
        )
        self._network.load_state_dict(state)
        self._network.to(device).eval()

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """Embed clips [T] at 16 kHz; a crop in a pause is embedded as the silence that it is.

        Raises:
            ValueError: a clip has no samples, or is silent.
        """
        evidence = []
        for clip in clips:
            if len(clip) and not clip.any():
                raise ValueError("the clip is silent: nobody speaks in it")
            full, *crops = self.embed([clip, *five_crops(clip)])
            evidence.append({"embedding": floats(full), "crops": list(map(floats, crops))})
        return evidence

    def embed(self, utterances: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The embeddings [B, 256] of utterances, [T] each, of length 1.

        Raises:
            ValueError: one has no samples.
        """
        import torch

        windows = [_windows(_raised(audio)) for audio in utterances]  # [W, 160, 40] each
        counts = [len(one) for one in windows]
        n_threads = torch.get_num_threads()
        try:
            torch.set_num_threads(1)  # step by step, threads would but wait for each other
            with torch.inference_mode():
                together = torch.from_numpy(np.concatenate(windows)).to(self._device)
                _, (hidden, _) = self._network["lstm"](together)
                vectors = self._network["linear"](hidden[-1]).relu()  # [sum of W, 256]
                vectors = vectors / vectors.norm(dim=1, keepdim=True)
        finally:
            torch.set_num_threads(n_threads)
        means = [part.mean(dim=0) for part in vectors.cpu().split(counts)]  # [256] each
        return normed(torch.stack(means).numpy())


def _raised(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The clip, raised to -30 dBFS if it is below; silence cannot be raised."""
    if len(audio) == 0:
        raise ValueError("the clip has no samples")
    level = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
    if level == 0:
        return audio
    gain = 10 ** (_LEVEL_DB / 20) / level
    return (audio * gain).astype(np.float32) if gain > 1 else audio


def _windows(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mel spectrogram windows of a clip [T]: [W, 160, 40]; the last one is padded with zeros."""
    import librosa  # takes a second

    n_frames = -(-(len(audio) + 1) // _HOP)
    starts = list(range(0, max(1, n_frames - _WINDOW + _STEP + 1), _STEP))
    covered = (len(audio) / _HOP - starts[-1]) / _WINDOW
    if covered < _COVERED and len(starts) > 1:
        starts.pop()
    n_needed = (starts[-1] + _WINDOW) * _HOP
    padded = np.pad(audio, (0, max(0, n_needed - len(audio))))
    mel = librosa.feature.melspectrogram(
        y=padded, sr=SAMPLE_RATE, n_fft=_FFT, hop_length=_HOP, n_mels=N_MELS
    )
    frames = mel.astype(np.float32).T  # [F, 40]
    return np.stack([frames[start : start + _WINDOW] for start in starts])


def load(device: str = "cpu") -> GE2E:
    """The encoder, computing on `device`.

    Raises:
        EvaluatorUnavailableError: the bundled weights are not there.
    """
    from safetensors.torch import load_file

    if lacks := missing():
        raise EvaluatorUnavailableError(lacks)
    sha256 = _FINDER.checked_sha256(FILE)
    versions = version("torch"), version("librosa")
    info = EvaluatorInfo(
        name=NAME,
        task="asv",
        sample_rate=SAMPLE_RATE,
        revision=revision(sha256, _STEP, _COVERED, _LEVEL_DB, N_SAMPLES, versions, device),
        description="speaker embeddings of the full utterance and of five crops of 3 s",
        weights=f"of the package Resemblyzer 0.1.4, bundled, SHA-256 {sha256[:12]}",
        licence=_LICENCE,
        citation=_CITATION,
    )
    return GE2E(info, load_file(FILE), device)


def missing() -> str:
    """What it lacks here and how to get it, in a line; "" if nothing."""
    if FILE.is_file():
        return ""
    return f"no {FILE.name} in the package: install it whole, or run tools/bundle_ge2e.py"
