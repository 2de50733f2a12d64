"""Training batches: crops of a packed corpus, as a pure function of seed and step.

Because a batch depends on nothing but the seed and the step, a resumed run sees the very
crops that an uninterrupted one would have seen, with no position to save.

A crop starts in a clip drawn by its length. A clip that is shorter than the crop is followed
by other clips of the same group (speaker or track), so that short recordings are used whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sqcodec.training.corpus import PackedCorpus

# Crops are scaled so that their peak lies evenly in this range, dB below full scale: the
# codec has to serve quiet recordings as well as loud ones.
PEAK_DB = (-18.0, -1.0)
_SILENT_PEAK = 1e-3
_ATTEMPTS = 20


class CropSampler:
    """Draw crops of one length from one split of a corpus.

    Args:
        corpus: the packed audio.
        split: "train" or "val".
        crop_length: samples.
        shares: how often each kind of audio is drawn, relative to the others.

    Raises:
        ValueError: a kind with a share has no clip in the split, or no share is positive.
    """

    def __init__(
        self, corpus: PackedCorpus, split: str, crop_length: int, shares: Mapping[str, float]
    ) -> None:
        self.corpus = corpus
        self.crop_length = crop_length
        clips = corpus.clips
        self._lengths = clips["n_samples"].to_numpy()
        in_split = (clips["split"] == split).to_numpy()
        shares = {kind: share for kind, share in shares.items() if share > 0}
        if not shares:
            raise ValueError("no kind of audio has a positive share")
        self._kinds = list(shares)
        total = sum(shares.values())
        self._shares = [share / total for share in shares.values()]
        self._clips: dict[str, np.ndarray] = {}
        for kind in self._kinds:
            chosen = np.flatnonzero(in_split & (clips["kind"] == kind).to_numpy())
            if not len(chosen):
                raise ValueError(f"the corpus has no {kind} in its {split} split")
            self._clips[kind] = chosen
        groups = (clips["kind"] + "/" + clips["group"].astype(str)).to_numpy()
        self._group_of = groups
        self._in_group: dict[str, np.ndarray] = {
            group: np.flatnonzero(in_split & (groups == group))
            for group in np.unique(groups[in_split])
        }

    def batch(self, batch_size: int, seed: int, step: int) -> Tensor:
        """Return crops [B, crop_length], float32, the same for the same seed and step."""
        rng = np.random.default_rng([seed, step])
        return torch.from_numpy(np.stack([self._crop(rng) for _ in range(batch_size)]))

    def _crop(self, rng: np.random.Generator) -> np.ndarray:
        kind = self._kinds[rng.choice(len(self._kinds), p=self._shares)]
        clips = self._clips[kind]
        weights = self._lengths[clips] / self._lengths[clips].sum()
        for _ in range(_ATTEMPTS):
            crop = self._fill(int(rng.choice(clips, p=weights)), rng)
            peak = float(np.abs(crop).max())
            if peak > _SILENT_PEAK:
                break
        else:
            raise ValueError(f"{_ATTEMPTS} crops of {kind} in a row were silent")
        return crop * np.float32(10 ** (rng.uniform(*PEAK_DB) / 20) / peak)

    def _fill(self, clip: int, rng: np.random.Generator) -> np.ndarray:
        """Return `crop_length` samples that begin in `clip`, at a place drawn in it."""
        spare = int(self._lengths[clip]) - self.crop_length
        start = int(rng.integers(spare + 1)) if spare > 0 else 0
        parts = [self.corpus.read(clip, start, self.crop_length)]
        missing = self.crop_length - len(parts[0])
        fellows = self._in_group[self._group_of[clip]]
        while missing > 0:
            parts.append(self.corpus.read(int(rng.choice(fellows)), 0, missing))
            missing -= len(parts[-1])
        return np.concatenate(parts)
