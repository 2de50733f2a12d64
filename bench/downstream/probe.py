"""The probe: a classifier fitted on the reference audio that then listens to codecs.

Where no pretrained model of a task is at hand, one is fitted on features of the untouched clips
and asked about the others: it has never heard a codec, nor the clip that it is asked about, for
it is cross-validated. A clip is judged, decoded or not, by the classifier that was fitted on
the other folds; folds keep a data set's own partition, or else the clips of one speaker or one
recording together. So a score says what is left for a listener who knows the originals, and
scores of one data set compare with each other, not with those of another evaluator.

The classifier is a random forest, the best of the three baselines in ESC-50's paper (44.3 % of
its clips, in 5 folds), of 500 trees and with scikit-learn's defaults for the rest: nothing of it
was tuned here. It is deterministic by its seed.

Source: K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia, 2015.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets.manifest import Clip
from bench.downstream.contract import Evidence

N_TREES = 500
SEED = 0
MOST_FOLDS = 5


def scored_by() -> dict[str, str]:
    """What decides the probe's answers from its features: name -> version."""
    return {
        "scikit-learn": version("scikit-learn"),
        "probe": f"{N_TREES} trees, seed {SEED}, up to {MOST_FOLDS} folds",
    }


def is_of_features(evidence: Mapping[str, Evidence]) -> bool:
    """Whether evidence is a probe's, so that it takes a classifier to answer."""
    return any("features" in of_clip for of_clip in evidence.values())


def folds(clips: Sequence[Clip]) -> dict[str, str]:
    """Clip id -> fold, so that clips of one group lie in one fold and classes are spread evenly.

    As many folds as the rarest class has groups, 5 at most.

    Raises:
        ValueError: there is one class only, or one whose clips are all of one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups_of: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        groups_of[clip.label].add(clip.group or clip.id)
    if len(groups_of) < 2:
        raise ValueError(f"a probe tells classes apart; there is {len(groups_of)} of them")
    few = sorted(label for label, groups in groups_of.items() if len(groups) < 2)
    if few:
        raise ValueError(
            f"too few clips for a probe: all of class {', '.join(few)} are of one group (a "
            "speaker or a recording), so that none is left to fit on; at least 2 groups a class"
        )
    n_folds = min(MOST_FOLDS, *(len(groups) for groups in groups_of.values()))
    ordered = sorted(clips, key=lambda clip: clip.id)
    splits = StratifiedGroupKFold(n_folds).split(
        np.zeros(len(ordered)),
        [clip.label for clip in ordered],
        [clip.group or clip.id for clip in ordered],
    )
    return {
        ordered[index].id: str(number)
        for number, (_, tested) in enumerate(splits, start=1)
        for index in tested
    }


def speaker_folds(clips: Sequence[Clip]) -> dict[str, str]:
    """`folds` that no speaker is in two of.

    Raises:
        ValueError: as `folds`, or a clip does not say who speaks.
    """
    unknown = [clip.id for clip in clips if not clip.speaker]
    if unknown:
        raise ValueError(
            f"a probe of emotions must not know the speaker, and {len(unknown)} clips do not say "
            f"who speaks, {unknown[0]} for one: the actor is the last field of a name"
        )
    return folds(clips)


def probabilities(
    label_of: Mapping[str, str],
    fold_of: Mapping[str, str],
    of_reference: Mapping[str, Evidence],
    evidence: Mapping[str, Evidence],
) -> dict[str, Evidence]:
    """What the probe, fitted on the reference's features, takes clips for.

    Args:
        label_of: clip id -> class, of the clips to fit on; others are only judged.
        fold_of: clip id -> fold, of all clips.
        of_reference: clip id -> evidence with `features`, of the untouched clips.
        evidence: the same of the clips to judge; those without a fold are left out.

    Returns:
        Clip id -> evidence with `probabilities`.

    Raises:
        ValueError: features are missing or of different numbers, or a fold cannot be judged
            because nothing, or not every class in it, is left to fit on.
    """
    fitted = [clip for clip in sorted(label_of) if clip in of_reference]
    if not fitted:
        raise ValueError("the probe has no reference clip to be fitted on")
    known = _matrix(fitted, of_reference)  # [N, D]
    found: dict[str, Evidence] = {}
    for fold in sorted(set(fold_of.values())):
        judged = sorted(clip for clip in evidence if fold_of.get(clip) == fold)
        if not judged:
            continue
        kept = np.array([fold_of.get(clip) != fold for clip in fitted])
        labels = tuple(label_of[c] for c, keep in zip(fitted, kept, strict=True) if keep)
        unseen = sorted({label_of[clip] for clip in judged if clip in label_of} - set(labels))
        if unseen or not labels:
            raise ValueError(
                f"too few clips for a probe: fold {fold} has all clips of "
                f"{', '.join(unseen) or 'the data'}, so that none is left to fit on"
            )
        features = known[kept]
        forest = _fitted(features.tobytes(), features.shape[1], labels)
        answers = forest.predict_proba(_matrix(judged, evidence, known.shape[1]))
        for clip, row in zip(judged, answers, strict=True):
            chances = dict(zip(forest.classes_.tolist(), row.tolist(), strict=True))
            found[clip] = {"probabilities": chances}
    return found


def _matrix(
    clips: Sequence[str], evidence: Mapping[str, Evidence], width: int | None = None
) -> NDArray[np.float64]:
    """The features of clips, [clips, features]."""
    rows = []
    for clip in clips:
        row = evidence[clip].get("features")
        if not row:
            raise ValueError(f"{clip}: the evaluator gave no features")
        width = width or len(row)
        if len(row) != width or not np.isfinite(row).all():
            raise ValueError(f"{clip}: expected {width} finite features, got {len(row)}")
        rows.append(row)
    return np.array(rows, dtype=np.float64)


@lru_cache(maxsize=2 * MOST_FOLDS)  # every codec is judged by the same classifiers
def _fitted(features: bytes, width: int, labels: tuple[str, ...]) -> Any:
    """The forest that was fitted on features [N, width] with one label a row."""
    from sklearn.ensemble import RandomForestClassifier

    rows = np.frombuffer(features).reshape(-1, width)
    return RandomForestClassifier(N_TREES, random_state=SEED, n_jobs=1).fit(rows, labels)
