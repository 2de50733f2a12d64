"""The four tasks of the application suite, in the order of the paper's Table 2.

A task says which scores it reports, of which evidence; what computes them, which loads
libraries, is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import cast

from bench.downstream.score import ByClip, Scored, TaskData


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: identifier.
        display_name: as in a table's head.
        description: what is asked, of which evidence, in a line.
        module: that has `score`, and the kinds of its scores as `KINDS`, the protocol's first.
    """

    name: str
    display_name: str
    description: str
    module: str

    def score(self, data: TaskData, reference: ByClip, estimate: ByClip) -> Scored:
        """The scores of a codec, from evidence of its clips and of the untouched ones."""
        function = resolve_name(f"{self.module}:score")
        return cast(Callable[[TaskData, ByClip, ByClip], Scored], function)(
            data, reference, estimate
        )


ASR = Task("asr", "ASR", "what is said: transcripts, word by word", "bench.downstream.asr")
ASV = Task("asv", "ASV", "who speaks: embeddings, trial by trial", "bench.downstream.asv")
ER = Task("er", "ER", "how it is spoken: emotions' probabilities", "bench.downstream.er")
AEC = Task("aec", "AEC", "what sounds: events' probabilities", "bench.downstream.aec")

TASKS: dict[str, Task] = {task.name: task for task in (ASR, ASV, ER, AEC)}
"""By name."""
