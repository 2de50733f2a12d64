"""Speaker verification: what a codec leaves of who speaks.

The score of a trial is the mean of two: the cosine of the full utterances' embeddings, and the
mean of the 25 cosines between the five crops of either. The score of the codec is the equal
error rate over trials, both of whose clips went through it. Trials of two speakers of different
languages tell how well languages are told apart as much as speakers, so that they are kept out
of it and stand beside, as does the similarity of each decoded clip to its reference.

Source: as `bench.downstream.crops`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.downstream.contract import Evidence
from bench.downstream.eer import difference, estimate
from bench.downstream.embeddings import cosine, normed
from bench.downstream.resampling import PERCENT, ratio
from bench.downstream.score import ByClip, Estimate, Score, Scored, ScoreKind, TaskData
from bench.downstream.trials import Trial

EER = ScoreKind("eer_asv_pct", "EER", "%", higher_is_better=False)
EER_CROSS_LANGUAGE = ScoreKind(
    "eer_cross_language_pct",
    "EER against speakers of other languages",
    "%",
    higher_is_better=False,
    beside=True,
)
SIMILARITY = ScoreKind(
    "speaker_similarity", "Speaker similarity", "", higher_is_better=True, beside=True
)
KINDS = (EER, EER_CROSS_LANGUAGE, SIMILARITY)


def trial_score(enrol: Evidence, test: Evidence) -> float:
    """The protocol's score of two clips, -1 to 1."""
    full = cosine(_matrix([enrol["embedding"]]), _matrix([test["embedding"]]))
    crops = cosine(_matrix(enrol["crops"]), _matrix(test["crops"]))  # [5, 5]
    return float((full.mean() + crops.mean()) / 2)


def score(data: TaskData, reference: ByClip, decoded: ByClip) -> Scored:
    """Equal error rates and similarity from embeddings (evidence `embedding` and `crops`)."""
    scored = trial_scores(data.trials, decoded)
    of_reference = trial_scores(data.trials, reference)
    within = [trial.target or trial.same_language for trial in data.trials]
    across = [trial.target or not trial.same_language for trial in data.trials]
    found = [_rate(EER, data.trials, scored, of_reference, within)]
    if not all(trial.same_language for trial in data.trials):
        found.append(_rate(EER_CROSS_LANGUAGE, data.trials, scored, of_reference, across))
    similar = {
        clip.id: similarity(reference[clip.id], decoded[clip.id])
        for clip in data.clips
        if clip.id in reference and clip.id in decoded
    }
    groups = [clip.group or clip.id for clip in data.clips if clip.id in similar]
    found.append(Score(SIMILARITY, _mean(list(similar.values()), groups), len(similar), "clips"))
    return Scored(
        tuple(found),
        {name: {"similarity": round(value, 6)} for name, value in similar.items()},
        tuple(None if np.isnan(value) else round(float(value), 6) for value in scored),
    )


def trial_scores(trials: Sequence[Trial], found: ByClip) -> NDArray[np.float64]:
    """The score of each trial; NaN where one of its clips has no evidence."""
    names = sorted({name for trial in trials for name in (trial.enrol, trial.test)} & found.keys())
    if not names:
        return np.full(len(trials), np.nan)
    place = {name: number for number, name in enumerate(names)}
    full = normed(_matrix([found[name]["embedding"] for name in names]))  # [C, D]
    crops = np.stack([normed(_matrix(found[name]["crops"])) for name in names])
    # The mean of all pairs' cosines is the product of the crops' means.
    middle = crops.mean(axis=1)  # [C, 5, D] -> [C, D]
    scores = np.full(len(trials), np.nan)
    for number, trial in enumerate(trials):
        if trial.enrol in place and trial.test in place:
            one, other = place[trial.enrol], place[trial.test]
            scores[number] = (full[one] @ full[other] + middle[one] @ middle[other]) / 2
    return scores


def similarity(reference: Evidence, decoded: Evidence) -> float:
    """Cosine between the full utterance's embeddings of a clip and its reference."""
    pair = cosine(_matrix([reference["embedding"]]), _matrix([decoded["embedding"]]))
    return float(pair[0, 0])


def _rate(
    kind: ScoreKind,
    trials: Sequence[Trial],
    scored: NDArray[np.float64],
    of_reference: NDArray[np.float64],
    counts: Sequence[bool],
) -> Score:
    """The equal error rate over the trials that count, of those that have a score."""
    own = np.array(counts) & ~np.isnan(scored)
    both = own & ~np.isnan(of_reference)
    return Score(
        kind,
        estimate(scored[own], _chosen(trials, own)),
        int(own.sum()),
        "trials",
        difference(scored[both], of_reference[both], _chosen(trials, both)),
    )


def _chosen(trials: Sequence[Trial], which: NDArray[np.bool_]) -> list[Trial]:
    return [trial for trial, one in zip(trials, which, strict=True) if one]


def _mean(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """The mean over clips, with its interval over speakers."""
    found = ratio(values, np.ones(len(values)), groups)
    if found.value is None or found.low is None or found.high is None:
        value = None if found.value is None else found.value / PERCENT
        return Estimate(value, method=found.method)
    return Estimate(found.value / PERCENT, found.low / PERCENT, found.high / PERCENT, found.method)


def _matrix(vectors: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    return np.asarray(vectors, dtype=np.float64)
