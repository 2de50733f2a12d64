"""The suites: which clips get which metrics, and which scores are reported of them.

`SIGNAL` is Codec-SUPERB's signal suite: SDR, MEL, STOI and PESQ of speech, SDR and MEL of all
other audio. A score is averaged as the protocol does, in `bench.stats`: clip -> mean of a
dataset -> unweighted mean over datasets, speech and audio apart. So a dataset of 10 clips
weighs as much as one of 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

SPEECH = frozenset({"speech"})
AUDIO = frozenset({"music", "effects"})
"""What the protocol calls "audio": every kind of clip that is not speech."""


@dataclass(frozen=True)
class Score:
    """One reported number of a suite: the mean of one metric over clips of some kinds.

    Attributes:
        name: identifier, as the columns of the paper's tables.
        display_name: as in a table's head; unit and direction are the metric's.
        metric: name in `bench.metrics.METRICS`.
        kinds: of the clips that it is averaged over.
    """

    name: str
    display_name: str
    metric: str
    kinds: frozenset[str]

    def select(self, cells: pd.DataFrame) -> pd.DataFrame:
        """The rows of `cells` (columns `metric`, `kind`, ...) that this score averages."""
        return cells[(cells["metric"] == self.metric) & cells["kind"].isin(self.kinds)]


@dataclass(frozen=True)
class Suite:
    """A named set of scores.

    Attributes:
        name: as `--suite` takes it.
        description: in a line.
        scores: in the order of the table.
    """

    name: str
    description: str
    scores: tuple[Score, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of clip that the suite scores."""
        return frozenset().union(*(score.kinds for score in self.scores))

    def metrics_for(self, kind: str) -> tuple[str, ...]:
        """Names of the metrics that a clip of `kind` gets.

        Raises:
            ValueError: the suite scores no clips of that kind.
        """
        if kind not in self.kinds:
            raise ValueError(
                f"suite {self.name!r} scores clips of kind {', '.join(sorted(self.kinds))}, "
                f"got {kind!r}"
            )
        return tuple(score.metric for score in self.scores if kind in score.kinds)


SIGNAL = Suite(
    name="signal",
    description="Codec-SUPERB's signal-level scores: how close the decoded audio is",
    scores=(
        Score("sdr_db", "SDR", "sdr", SPEECH),
        Score("mel", "MEL", "mel", SPEECH),
        Score("stoi", "STOI", "stoi", SPEECH),
        Score("pesq", "PESQ", "pesq", SPEECH),
        Score("audio_sdr_db", "Audio SDR", "sdr", AUDIO),
        Score("audio_mel", "Audio MEL", "mel", AUDIO),
    ),
)

SUITES: dict[str, Suite] = {suite.name: suite for suite in (SIGNAL,)}
"""Suites whose scores are means of metrics, by name."""

APPLICATION = "application"
"""The suite of tasks that models judge (`bench.downstream.tasks`), as `--suite` takes it."""
