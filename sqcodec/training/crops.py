"""Training batches: crops of a packed corpus, as a pure function of seed, step and place.

Because a crop depends on nothing but the seed, the step and its number in the step's batch, a
resumed run sees the very crops that an uninterrupted one would have seen, with no position to
save, and several processes share a batch without asking each other.

A crop starts in a clip drawn by its length. A clip that is shorter than the crop is followed
by other clips of the same group (speaker or track), so that short recordings are used whole.
Kinds take turns, each as often as its share says.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sqcodec.training.augment import Crop, equalize, mix
from sqcodec.training.config import TrainConfig
from sqcodec.training.corpus import PackedCorpus

# Crops are scaled so that their peak lies evenly in this range, dB below full scale: the
# codec has to serve quiet recordings as well as loud ones. A pause is not made a loud noise.
PEAK_DB = (-18.0, -1.0)
GREATEST_GAIN_DB = 30.0
_SILENT_PEAK = 1e-3
_ATTEMPTS = 20
# Multiples of the golden ratio, modulo 1, fill an interval evenly at every length: kinds
# drawn by them come at their shares in any stretch of a run.
_GOLDEN = (5**0.5 - 1) / 2


class CropSampler:
    """Draw crops of one length from one split of a corpus.

    Args:
        corpus: the packed audio.
        split: "train" or "val".
        crop_length: samples.
        shares: how often each kind of audio is drawn, relative to the others; empty for all
            kinds that the split has, alike.
        augmentation: the settings that say how crops are augmented; None for their level alone,
            so that a loss does not depend on how loud recordings are.

    Raises:
        ValueError: a kind with a share has no clip in the split, or no share is positive.
    """

    def __init__(
        self,
        corpus: PackedCorpus,
        split: str,
        crop_length: int,
        shares: Mapping[str, float],
        augmentation: TrainConfig | None = None,
    ) -> None:
        self.corpus = corpus
        self.crop_length = crop_length
        self.augmentation = augmentation
        clips = corpus.clips
        self._lengths = clips["n_samples"].to_numpy()
        in_split = (clips["split"] == split).to_numpy()
        shares = dict(shares) or dict.fromkeys(sorted(set(clips["kind"][in_split])), 1.0)
        shares = {kind: share for kind, share in shares.items() if share > 0}
        if not shares:
            raise ValueError(f"there is no audio to draw from in the corpus' {split} split")
        self._kinds = list(shares)
        self._edges = np.cumsum(list(shares.values())) / sum(shares.values())
        self._clips: dict[str, np.ndarray] = {}
        self._chances: dict[str, np.ndarray] = {}
        for kind in self._kinds:
            chosen = np.flatnonzero(in_split & (clips["kind"] == kind).to_numpy())
            if not len(chosen):
                raise ValueError(f"the corpus has no {kind} in its {split} split")
            self._clips[kind] = chosen
            self._chances[kind] = np.cumsum(self._lengths[chosen]) / self._lengths[chosen].sum()
        groups = (clips["kind"] + "/" + clips["group"].astype(str)).to_numpy()
        self._group_of = groups
        self._in_group: dict[str, np.ndarray] = {
            str(group): members.to_numpy()
            for group, members in clips.index[in_split].groupby(groups[in_split]).items()
        }

    def batch(self, batch_size: int, seed: int, step: int, first: int = 0) -> Tensor:
        """Return crops [B, crop_length], float32: those from number `first` on of a step."""
        return torch.from_numpy(
            np.stack([self._crop(seed, step, first + i) for i in range(batch_size)])
        )

    def _crop(self, seed: int, step: int, number: int) -> Crop:
        rng = np.random.default_rng([seed, step, number])
        turn = (step - number) * _GOLDEN % 1
        kind = self._kinds[_place(self._edges, turn)]
        crop = self._audible(kind, rng)
        settings = self.augmentation
        if settings is not None:
            if rng.random() < settings.mixing_share:
                other = self._kinds[int(rng.integers(len(self._kinds)))]
                crop = mix(crop, self._audible(other, rng), rng)
            if rng.random() < settings.equalizer_share:
                crop = equalize(crop, self.corpus.sample_rate, rng)
            if rng.random() < settings.polarity_share:
                crop = -crop
        peak = float(np.abs(crop).max())
        gain_db = min(rng.uniform(*PEAK_DB) - 20 * np.log10(peak), GREATEST_GAIN_DB)
        if settings is not None and rng.random() >= settings.gain_share:
            gain_db = -20 * np.log10(max(peak, 1.0))  # mixed and filtered crops may exceed 1
        return crop * np.float32(10 ** (gain_db / 20))

    def _audible(self, kind: str, rng: np.random.Generator) -> Crop:
        """Return a crop of a kind that is not silent."""
        for _ in range(_ATTEMPTS):
            drawn = _place(self._chances[kind], rng.random())
            crop = self._fill(int(self._clips[kind][drawn]), rng)
            if np.abs(crop).max() > _SILENT_PEAK:
                return crop
        raise ValueError(f"{_ATTEMPTS} crops of {kind} in a row were silent")

    def _fill(self, clip: int, rng: np.random.Generator) -> Crop:
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


def samplers(corpus: PackedCorpus, config: TrainConfig) -> tuple[CropSampler, CropSampler | None]:
    """Return the samplers of a run's training and of its validation.

    There is no validation where nothing is held out of the kinds that are trained.

    Raises:
        ValueError: as `CropSampler`.
    """
    length, clips = config.crop_length, corpus.clips
    train = CropSampler(corpus, "train", length, config.kind_shares, config)
    held_out = set(clips["kind"][clips["split"] == "val"])
    shares = config.kind_shares or dict.fromkeys(sorted(held_out), 1.0)
    shares = {kind: share for kind, share in shares.items() if kind in held_out and share > 0}
    return train, CropSampler(corpus, "val", length, shares) if shares else None


def _place(edges: np.ndarray, value: float) -> int:
    """Index of the part of [0, 1) that `value` lies in; `edges` are the parts' upper ends."""
    # Sums are rounded: the last edge may lie just below 1.
    return min(int(np.searchsorted(edges, value, side="right")), len(edges) - 1)
