"""What the evaluator's process does: load one evaluator, and have it judge decoded clips.

Clips come as the files that the codec's process left, reference beside estimate; the estimate
is brought to the evaluator's rate and judged. What cannot be judged together is judged one by
one, so that a clip that an evaluator refuses costs no other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import audio, devices
from bench.downstream.contract import (
    Evaluator,
    EvaluatorInfo,
    EvaluatorUnavailableError,
    Evidence,
    ZeroShot,
)
from bench.downstream.evaluators import registry
from bench.errors import reason


@dataclass(frozen=True)
class Judged:
    """What came of judging a clip.

    Attributes:
        evidence: None where `error` says why there is none.
        seconds: what it took, a part of its batch.
    """

    evidence: Evidence | None
    error: str | None
    seconds: float


_loaded: Evaluator | str = "no evaluator was prepared"


def prepare(task: str, name: str, device: str, classes: Sequence[str] = ()) -> None:
    """Load an evaluator for a device (`bench.devices.DEVICES`).

    Args:
        task, name: which.
        device: where it computes.
        classes: that one without classes of its own chooses from; none where it needs none.
    """
    global _loaded
    try:
        found = registry.card(task, name).load(devices.prepare(device))
        if classes and isinstance(found, ZeroShot):
            found.choose_from(classes)
        _loaded = found
    except EvaluatorUnavailableError as error:
        _loaded = str(error)
    except Exception as error:  # a model may raise anything; the other tasks go on
        _loaded = f"it does not load: {reason(error)}"


def evaluator() -> EvaluatorInfo | str:
    """What was prepared, or why it cannot run, in a line."""
    return _loaded if isinstance(_loaded, str) else _loaded.info


def judge_files(revision: str, pairs: Sequence[tuple[Path, int]]) -> list[Judged]:
    """Judge the estimates in files [2, T], each with its sample rate (Hz).

    Args:
        revision: what the evaluator's must be; this process may be the second.
        pairs: as `bench.coding.code_clip` leaves them.
    """
    if isinstance(_loaded, str) or _loaded.info.revision != revision:
        again = "the evaluator could not be loaded again as it was when the run began"
        return [Judged(None, again, 0.0) for _ in pairs]
    start = time.perf_counter()
    clips = [_estimate(path, rate, _loaded.info.sample_rate) for path, rate in pairs]
    found = _together(_loaded, clips) or [_alone(_loaded, clip) for clip in clips]
    seconds = (time.perf_counter() - start) / len(pairs)
    return [Judged(*one, seconds) for one in found]


def _estimate(path: Path, sample_rate: int, target_rate: int) -> NDArray[np.float32]:
    return audio.resample(np.load(path)[1], sample_rate, target_rate)


def _together(
    model: Evaluator, clips: list[NDArray[np.float32]]
) -> list[tuple[Evidence | None, str | None]]:
    """What an evaluator says of clips; nothing where it refuses one of them."""
    try:
        said = model.judge(clips)
    except Exception:  # which one it refuses is found out one by one
        return []
    if len(said) != len(clips):
        raise RuntimeError(f"the evaluator judged {len(said)} clips of {len(clips)}")
    return [_checked(evidence) for evidence in said]


def _alone(model: Evaluator, clip: NDArray[np.float32]) -> tuple[Evidence | None, str | None]:
    try:
        (said,) = model.judge([clip])
    except Exception as error:  # a model may raise anything; it costs this one clip
        return None, reason(error)
    return _checked(said)


def _checked(evidence: Evidence) -> tuple[Evidence | None, str | None]:
    try:
        json.dumps(evidence, allow_nan=False)
    except (TypeError, ValueError) as error:
        return None, f"the evaluator's evidence cannot be kept: {error}"
    return evidence, None
