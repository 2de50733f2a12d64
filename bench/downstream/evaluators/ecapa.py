"""ECAPA-TDNN through speechbrain: the paper's kind of speaker encoder, in another training.

The challenge ran an ECAPA-TDNN trained by TaoRuijie on VoxCeleb2; speechbrain's, on VoxCeleb1
and 2, is the same network. Its files are read by speechbrain itself: ``hyperparams.yaml`` names
the classes to build, so a folder of somebody else's is as trusted as a program of theirs; the
hub's is pinned. Clips are embedded one by one: no clip is padded to another's length.

Source: Desplanques et al., "ECAPA-TDNN: Emphasized Channel Attention, Propagation and
Aggregation in TDNN Based Speaker Verification", 2020.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.crops import N_SAMPLES, SAMPLE_RATE, five_crops
from bench.downstream.embeddings import floats
from bench.torchaudio_stub import make_importable
from bench.weights import Finder, Weights, described, revision

NAME = "ecapa-voxceleb"
WEIGHTS = Weights(
    "speechbrain/spkrec-ecapa-voxceleb",
    (
        "hyperparams.yaml",
        "mean_var_norm_emb.ckpt",
        "classifier.ckpt",
        "label_encoder.txt",
        "embedding_model.ckpt",
    ),
    commit="0f99f2d0ebe89ac095bcc5903c4dd8f72b367286",
)
FINDER = Finder(EvaluatorUnavailableError, "ecapa")

_PACKAGES = ("speechbrain", "torchaudio")
_LICENCE = "Apache-2.0"
_CITATION = "Desplanques et al., ECAPA-TDNN, arXiv:2005.07143; SpeechBrain, arXiv:2106.04624"
_SHORTEST = 1_600  # samples, 0.1 s: the network's widest kernel needs some frames


class Ecapa:
    """The speaker encoder.

    Args:
        info: what it is.
        model: speechbrain's `SpeakerRecognition`.
    """

    def __init__(self, info: EvaluatorInfo, model: Any) -> None:
        self.info = info
        self._model = model

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        """Embed clips [T] at 16 kHz.

        Raises:
            ValueError: a clip is too short to embed.
        """
        evidence = []
        for clip in clips:
            if len(clip) < _SHORTEST:
                raise ValueError(
                    f"the clip is too short to embed: {len(clip)} samples of at least {_SHORTEST}"
                )
            crops = self._embed(five_crops(clip))
            evidence.append(
                {"embedding": floats(self._embed(clip[None])[0]), "crops": list(map(floats, crops))}
            )
        return evidence

    def _embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Utterances of one length [B, T] -> embeddings [B, D]."""
        import torch

        with torch.inference_mode():
            made = self._model.encode_batch(torch.from_numpy(np.ascontiguousarray(audio)))
        return made[:, 0].cpu().numpy()  # [B, 1, D] -> [B, D]


def load(device: str = "cpu") -> Ecapa:
    """The encoder, computing on `device`.

    Raises:
        EvaluatorUnavailableError: a library or the weights are missing, or do not fit.
    """
    FINDER.check_installed(*_PACKAGES)
    folder = FINDER.find(WEIGHTS)
    make_importable()
    model = _loaded(folder, device)
    hashes = [FINDER.checked_sha256(folder / file) for file in WEIGHTS.files]
    versions = version("speechbrain"), version("torch")
    info = EvaluatorInfo(
        name=NAME,
        task="asv",
        sample_rate=SAMPLE_RATE,
        revision=revision(hashes, N_SAMPLES, versions, device),
        description="speaker embeddings of the full utterance and of five crops of 3 s",
        weights=described(WEIGHTS, folder, hashes[-1]),
        licence=_LICENCE,
        citation=_CITATION,
    )
    return Ecapa(info, model)


def missing() -> str:
    """What it lacks here and how to get it, in a line; "" if nothing."""
    try:
        FINDER.check_installed(*_PACKAGES)
    except EvaluatorUnavailableError as error:
        return str(error)
    return FINDER.missing(WEIGHTS)


def _loaded(folder: Path, device: str) -> Any:
    """speechbrain's model of a folder, with every weight from its files."""
    import torch
    from speechbrain.inference.speaker import SpeakerRecognition

    try:
        with tempfile.TemporaryDirectory() as links:  # speechbrain links what it reads
            model: Any = SpeakerRecognition.from_hparams(
                source=str(folder),
                savedir=links,
                overrides={"pretrained_path": str(folder)},
                run_opts={"device": device},
            )
        stored = torch.load(folder / WEIGHTS.files[-1], map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, for files that are none of this model
        why = " ".join(str(error).split())[:200]
        raise EvaluatorUnavailableError(f"{folder} cannot be loaded: {why}") from error
    # speechbrain leaves random what a file lacks.
    wrong = stored.keys() ^ model.mods.embedding_model.state_dict().keys()
    if wrong:
        raise EvaluatorUnavailableError(
            f"{folder / WEIGHTS.files[-1]} does not fit hyperparams.yaml: {len(wrong)} names differ"
        )
    return model.eval()
