"""How far two numbers may lie apart and be the same, where not all that decides them is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bench.names import UnknownNameError
from bench.run_record import Column

TOLERANCES = {
    "sdr": 0.05,
    "aligned_sdr": 0.05,
    "mel": 0.01,
    "stoi": 0.005,
    "pesq": 0.05,
    "clipped_samples": 5.0,
    "trials": 0.01,
    "similarity": 0.01,
    "speaker_similarity": 0.01,
    "probability": 0.01,
    "probability_of_label": 0.01,
}
"""Of metrics, in their units."""

TOLERANCE_OF_UNIT = {"%": 0.5}
"""Of scores that are not among `TOLERANCES`; what is in neither is a count, and has none."""


class ToleranceError(ValueError):
    """Not what --tolerance takes."""


@dataclass(frozen=True)
class Tolerances:
    """What the user gave: by metric, or for all others."""

    by_metric: Mapping[str, float] = field(default_factory=dict)
    of_all: float | None = None

    def of(self, column: Column, exact: bool) -> float:
        """Within which two numbers of a column are the same."""
        given = self.by_metric.get(column.metric, self.of_all)
        if given is not None:
            return given
        by_unit = TOLERANCE_OF_UNIT.get(column.unit, 0.0)
        return 0.0 if exact else TOLERANCES.get(column.metric, by_unit)


def given(texts: Sequence[str], metrics: Collection[str]) -> Tolerances:
    """Read what a user gave: "NUMBER" of all metrics, or "METRIC=NUMBER" of one.

    Args:
        texts: of which the last of a metric counts.
        metrics: that there are.

    Raises:
        ToleranceError: a number is none, negative or infinite.
        UnknownNameError: no metric is called so.
    """
    by_metric: dict[str, float] = {}
    of_all = None
    for text in texts:
        metric, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise ToleranceError(
                f"expected --tolerance NUMBER or METRIC=NUMBER, not negative, got {text!r}"
            )
        metric = metric.strip()
        if not equals:
            of_all = value
        elif metric in metrics:
            by_metric[metric] = value
        else:
            raise UnknownNameError("metric of the manifest", metric, metrics)
    return Tolerances(by_metric, of_all)
