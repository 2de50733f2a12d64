"""What a task's score is: a number with its interval, and its distance from the reference's.

Every task's module has ``score(data, reference, estimate) -> Scored``: scores of a codec from
the evidence of its decoded clips and that of the untouched ones, both by clip. A clip without
evidence failed; it is counted, and is in no score. The reference's own row is
``score(data, reference, reference)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.datasets.manifest import Clip
from bench.downstream.contract import Evidence
from bench.downstream.trials import Trial

ByClip = Mapping[str, Evidence]
"""Evidence by the clip's id."""


@dataclass(frozen=True)
class TaskData:
    """What a task is asked on.

    Attributes:
        task: its name.
        dataset: what the clips are, in a few words.
        revision: a hash of the clips and of all that is said of them, trials included.
        clips: with what the task needs of them (transcript, speaker, label, group).
        trials: pairs of clips, for asv.
        notes: what has to be known of the data, a line each.
        folds: clip id -> fold, where the data prescribes them.
    """

    task: str
    dataset: str
    revision: str
    clips: tuple[Clip, ...]
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()
    folds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreKind:
    """A score that a task reports.

    Attributes:
        name: identifier; of those that the paper has, its column in the paper's Table 2.
        display_name: as in a table's head.
        unit: "%" or "".
        higher_is_better: its direction.
        beside: whether it stands beside the protocol's score, under its own name.
    """

    name: str
    display_name: str
    unit: str
    higher_is_better: bool
    beside: bool = False


@dataclass(frozen=True)
class Estimate:
    """A number and how far it can be trusted.

    Attributes:
        value: None where there is nothing to take it from.
        low, high: its 95 % interval; None where there is none.
        method: what the interval is, or why there is none.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"an estimate must be finite, got {number}")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"expected both bounds or none, got {self.low} and {self.high}")


@dataclass(frozen=True)
class Score:
    """One score of a codec.

    Attributes:
        kind: which.
        estimate: the score.
        n: of what it is over.
        counted: what is counted: "words", "trials", "clips".
        difference: the codec's score less the reference's, on what both have, with an interval
            of pairs; None where the score is one against the reference already.
    """

    kind: ScoreKind
    estimate: Estimate
    n: int
    counted: str
    difference: Estimate | None = None


@dataclass(frozen=True)
class Scored:
    """The scores of a codec in one task.

    Attributes:
        scores: as the task lists its kinds; those that the data does not allow are left out.
        clips: what each clip contributes, values that JSON can hold, by the clip's id.
        trials: the score of each trial, in the order of the data; None where a clip failed.
        scored_by: name -> version of what computed the scores from the evidence.
    """

    scores: tuple[Score, ...]
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    trials: tuple[float | None, ...] = ()
    scored_by: dict[str, str] = field(default_factory=dict)
