"""The JSON of the application suite: a codec's scores in each task, and each clip's part in them.

Written to ``<results>/application/<dataset>/<codec>.json``; the fields are explained in
``docs/application.md``. The same evidence gives the same bytes: keys in a fixed order, floats
at six decimals, and times that are those of the evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.cells import Judgement
from bench.codec import CodecInfo
from bench.downstream.contract import EvaluatorInfo
from bench.downstream.score import Estimate, Score, Scored, TaskData
from bench.report.files import replace_json, result_path
from bench.report.summary import FailureCount
from bench.stats import CONFIDENCE

SUITE = "application"
SCHEMA_VERSION = 2

_DECIMALS = 6


@dataclass(frozen=True)
class TaskResult:
    """A codec in one task.

    Attributes:
        task: its name.
        unavailable: why there are no scores, in a line; "" where there are.
        evaluator: what judged; None where nothing did.
        of_paper: whether that is the paper's evaluator.
        dataset, dataset_revision: what it was judged on.
        n_clips, n_trials: of the data.
        n_failed: clips without evidence.
        measured_bitrate_bps: what the codec sent for the clips that went through it.
        scores: the protocol's first.
        failures: clips without evidence, by reason.
        scored_by: name -> version of what took the scores from the evidence.
        first_judged_at, last_judged_at: of the evidence.
        clips: what each one contributes, or why it does not.
        trials: columns, a value a trial in the order of the data's list; none without trials.
            `enrol` and `test` are places in `clips`, `same_language` is of their speakers, and
            `score` is None where a clip failed.
    """

    task: str
    unavailable: str = ""
    evaluator: dict[str, Any] | None = None
    of_paper: bool = False
    dataset: str = ""
    dataset_revision: str = ""
    n_clips: int = 0
    n_trials: int = 0
    n_failed: int = 0
    measured_bitrate_bps: float | None = None
    scores: tuple[dict[str, Any], ...] = ()
    failures: tuple[FailureCount, ...] = ()
    scored_by: dict[str, str] = field(default_factory=dict)
    first_judged_at: str | None = None
    last_judged_at: str | None = None
    clips: tuple[dict[str, Any], ...] = ()
    trials: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.unavailable) == bool(self.scores):
            raise ValueError(f"{self.task}: expected scores, or the reason why there are none")
        if not 0 <= self.n_failed <= self.n_clips:
            raise ValueError(f"{self.task}: {self.n_failed} of {self.n_clips} clips failed")


@dataclass(frozen=True)
class ApplicationResult:
    """One codec on one data set, as the file has it."""

    schema: int
    suite: str
    dataset: str
    codec: dict[str, Any]
    reader: str
    resampler: str
    measured_bitrate_bps: float | None
    confidence: float
    tasks: tuple[TaskResult, ...]


def task_result(
    data: TaskData,
    evaluator: EvaluatorInfo,
    of_paper: bool,
    scored: Scored,
    judgements: Mapping[str, Judgement],
) -> TaskResult:
    """A codec's part in a task.

    Args:
        data: of the task.
        evaluator: what judged.
        of_paper: whether it is the paper's.
        scored: the scores.
        judgements: by the hash of the clip; those of the data's clips count.
    """
    found = {c.id: judgements[c.sha256] for c in data.clips if c.sha256 in judgements}
    errors = {
        clip.id: (found[clip.id].error if clip.id in found else "not judged")
        for clip in data.clips
        if clip.id not in found or found[clip.id].error is not None
    }
    counts = Counter(str(error) for error in errors.values())
    times = sorted(judgement.judged_at for judgement in found.values())
    clips = []
    for clip in data.clips:
        said: dict[str, Any] = {"clip": clip.id, "sha256": clip.sha256, "group": clip.group or None}
        said |= {"speaker": clip.speaker} if data.trials else {}
        said |= {"error": errors[clip.id]} if clip.id in errors else scored.clips.get(clip.id, {})
        clips.append(said)
    return TaskResult(
        task=data.task,
        evaluator=asdict(evaluator),
        of_paper=of_paper,
        dataset=data.dataset,
        dataset_revision=data.revision,
        n_clips=len(data.clips),
        n_trials=len(data.trials),
        n_failed=len(errors),
        measured_bitrate_bps=bitrate_bps(found.values()),
        scores=tuple(map(_score, scored.scores)),
        failures=tuple(FailureCount(reason, n, n) for reason, n in counts.most_common()),
        scored_by=scored.scored_by,
        first_judged_at=times[0] if times else None,
        last_judged_at=times[-1] if times else None,
        clips=tuple(clips),
        trials=_trials(data, scored),
    )


def bitrate_bps(judgements: Iterable[Judgement]) -> float | None:
    """What a codec sent for clips over their total duration, each file once; None without any."""
    sent = {
        judgement.clip_sha256: (judgement.bits, judgement.duration_s)
        for judgement in judgements
        if judgement.bits is not None and judgement.duration_s is not None
    }
    duration_s = sum(duration for _, duration in sent.values())
    return round(sum(bits for bits, _ in sent.values()) / duration_s, _DECIMALS) if sent else None


def result_of(
    info: CodecInfo,
    dataset: str,
    reader: str,
    resampler: str,
    measured_bitrate_bps: float | None,
    tasks: Sequence[TaskResult],
) -> ApplicationResult:
    """Everything the file says."""
    return ApplicationResult(
        schema=SCHEMA_VERSION,
        suite=SUITE,
        dataset=dataset,
        codec=asdict(info),
        reader=reader,
        resampler=resampler,
        measured_bitrate_bps=measured_bitrate_bps,
        confidence=CONFIDENCE,
        tasks=tuple(tasks),
    )


def write(result: ApplicationResult, folder: Path) -> Path:
    """Write the file below `folder` and return its path.

    Raises:
        ValueError: the codec's name cannot be a file's name.
        OSError: the file cannot be written.
    """
    name = str(result.codec["name"])
    path = result_path(folder, result.suite, result.dataset, name)
    return replace_json(path, asdict(result))


def _trials(data: TaskData, scored: Scored) -> dict[str, list[Any]]:
    if not data.trials:
        return {}
    place = {clip.id: number for number, clip in enumerate(data.clips)}
    return {
        "enrol": [place[trial.enrol] for trial in data.trials],
        "test": [place[trial.test] for trial in data.trials],
        "same_language": [trial.same_language for trial in data.trials],
        "score": list(scored.trials),
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "name": score.kind.name,
        "display_name": score.kind.display_name,
        "unit": score.kind.unit,
        "higher_is_better": score.kind.higher_is_better,
        "beside": score.kind.beside,
        **_estimate(score.estimate),
        "n": score.n,
        "counted": score.counted,
        "difference": None if score.difference is None else _estimate(score.difference),
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": _rounded(estimate.value),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
        "method": estimate.method,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)
