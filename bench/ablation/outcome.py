"""What came of an ablation, as one JSON: scores, differences, each clip's part, and curves.

The baseline's scores are its own; a variant's are its differences from the baseline on the same
clips. Of several seeds, both are means over seeds, and the interval has two parts that add as
independent ones do: how clips differ, by the intervals of each seed, and how seeds differ, by
Student's t over them.

Source of the sum: G. Y. Zou, A. Donner, "Construction of confidence limits about effect
measures: a general approach", Statistics in Medicine 27, 2008.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.ablation.curves import curve
from bench.ablation.evaluated import Evaluated
from bench.ablation.folder import Run
from bench.ablation.plan import Plan
from bench.ablation.training import Failed
from bench.downstream.score import Estimate
from bench.report.ablation_file import SCHEMA_VERSION
from bench.report.files import replace_text
from bench.report.paired import ClipDifference, paired
from bench.report.tables.application import TASKS
from bench.report.tables.frame import TABLE_3
from bench.report.task_comparison import task_differences
from bench.stats import CONFIDENCE
from bench.suites import SIGNAL
from bench.trainable import BASELINE, Settings, Teacher, Trained, Variant

FILE_NAME = "ablation.json"

_SCORES = {score.name: score for score in SIGNAL.scores}
_SIGNAL = tuple(column.key for column in TABLE_3 if column.key in _SCORES)
_TASKS = {column.key: TASKS[column.key] for column in TABLE_3 if column.key in TASKS}
_DRAWN_TASKS = ("asr", "asv")  # the others' intervals hold for any number of clips
# Where nothing differs, five of them lie on one side of zero in 2 / 2^5 = 6 % of cases, and then
# no resample of theirs holds it.
_LEAST_GROUPS = 6
_DECIMALS = 6
_CLIP_DECIMALS = 4
_OWN_PATH = "whisper"  # a setting that is a path on the user's machine

Trainings = Mapping[tuple[str, int], Trained | Failed]
Scores = dict[str, Estimate]


def outcome_of(
    plan: Plan,
    variants: Sequence[Variant],
    runs: Sequence[Run],
    trained: Trainings,
    evaluated: Evaluated,
    teacher: Teacher | None = None,
) -> dict[str, Any]:
    """Everything the file says.

    Args:
        plan: of the ablation.
        variants: its rows, the baseline first.
        runs: its trainings.
        trained: what came of each.
        evaluated: where their scores are.
        teacher: the network that a loss of the baseline asks.

    Raises:
        StoredResultError: the scores of a finished training cannot be read.
    """
    finished = {key: one for key, one in trained.items() if isinstance(one, Trained)}
    baselines = {seed: one for (name, seed), one in finished.items() if name == BASELINE}
    asked, first = plan.asked, runs[0].settings
    return {
        "schema": SCHEMA_VERSION,
        "preset": asked.preset,
        "budget": {
            "steps": plan.steps,
            "asked_hours": asked.budget_hours,
            "measured": plan.measured,
            "seeds": asked.seeds,
            "heard_s": _rounded(max((one.heard_s for one in finished.values()), default=0.0)),
            "seconds_of_all": _rounded(sum(one.seconds for one in finished.values())),
            "hardware": sorted({one.hardware for one in finished.values()}),
        },
        "settings": {name: value for name, value in first.items() if name != _OWN_PATH},
        "given": _without_folders(asked.settings),
        "teacher": None if teacher is None else asdict(teacher),
        "corpus": asdict(asked.corpus) | {"hours": _rounded(asked.corpus.hours)},
        "data": {
            "name": evaluated.manifest.name,
            "revision": evaluated.manifest.revision,
            "n_clips": len(evaluated.manifest.clips),
        },
        "judges": _judges(baselines, evaluated),
        "variants": [
            {
                "name": variant.name,
                "codec": variant.codec,
                "changes": dict(variant.changes),
                "receptive_field_s": variant.receptive_field_s,
                "look_back_s": _rounded(variant.look_back_s),
                "runs": [_run(seed, trained[variant.name, seed]) for seed in range(asked.seeds)],
                "scores": _scores(variant.name, finished, baselines, evaluated),
            }
            for variant in variants
        ],
        "curves": [
            {"variant": run.variant, "seed": run.seed, **curve(run)}
            for run in runs
            if (run.variant, run.seed) in finished
        ],
        "clips": _clips(finished, evaluated),
    }


def write(content: Mapping[str, Any], path: Path) -> Path:
    """Write the file, a line for each of its parts and rows, and return its path.

    Raises:
        OSError: it cannot be written.
    """
    lines = []
    for key, value in content.items():
        if isinstance(value, list):
            shown = "[\n" + ",\n".join(f"  {_text(one)}" for one in value) + "\n ]"
        else:
            shown = _text(value)
        lines.append(f" {_text(key)}: {shown}")
    return replace_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def over_seeds(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of one number over seeds; its interval is of clips and seeds.

    Args:
        estimates: a seed's each, with the interval that clips give it.
    """
    from scipy.stats import t  # takes a second

    known = [one for one in estimates if one.value is not None]
    if len(known) < 2:
        return known[0] if known else estimates[0]
    values = [one.value for one in known if one.value is not None]
    value = statistics.fmean(values)
    n = len(values)
    spread = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * statistics.stdev(values) / math.sqrt(n)
    below, above = 0.0, 0.0
    for one in known:
        if one.value is None or one.low is None or one.high is None:
            return Estimate(value, method=f"no interval of clips: {one.method}")
        below += (one.value - one.low) / n
        above += (one.high - one.value) / n
    low, high = value - math.hypot(below, spread), value + math.hypot(above, spread)
    return Estimate(value, low, high, f"{known[0].method}; Student's t over {n} seeds")


def _scores(
    variant: str,
    finished: Mapping[tuple[str, int], Trained],
    baselines: Mapping[int, Trained],
    evaluated: Evaluated,
) -> dict[str, dict[str, Any]]:
    """Of the baseline its scores, of a variant the differences from it, or why there are none."""
    per_seed = []
    for (name, seed), one in finished.items():
        if name == BASELINE == variant:
            per_seed.append(_absolute(one, evaluated))
        elif name == variant and seed in baselines:
            per_seed.append(_differences(one, baselines[seed], evaluated))
    if not per_seed:
        is_own = variant == BASELINE or not any(name == variant for name, _ in finished)
        why = "it was not trained" if is_own else "the baseline of its seed was not trained"
        return {key: {"reason": why} for key in (*_SIGNAL, *_TASKS)}
    return {key: _said([scores[key] for scores in per_seed]) for key in per_seed[0]}


def _absolute(one: Trained, evaluated: Evaluated) -> Scores:
    result = evaluated.signal(one.codec)
    by_name = {score.name: score for score in result.scores}
    found: Scores = {}
    for key in _SIGNAL:
        score = by_name.get(key)
        if score is None:
            found[key] = Estimate(None, method="the data has no clips that it is scored on")
        elif score.mean is None:
            why = result.failures[0].reason if result.failures else "no clip has a value"
            found[key] = Estimate(None, method=f"all clips failed: {why}")
        else:
            why = score.no_interval_because or "bootstrap over speakers and recordings"
            found[key] = Estimate(score.mean, score.low, score.high, why)
    with evaluated.using_tasks(one.codec) as tasks:
        for key, task in _TASKS.items():
            scores = {score["name"]: score for score in tasks.get(task, {}).get("scores", ())}
            if key in scores:
                parts = (scores[key][name] for name in ("value", "low", "high", "method"))
                found[key] = Estimate(*parts)
            else:
                found[key] = Estimate(None, method=_why_not_judged(task, tasks, evaluated))
    return found


def _differences(one: Trained, baseline: Trained, evaluated: Evaluated) -> Scores:
    mine, whole = evaluated.signal(one.codec), evaluated.signal(baseline.codec)
    found: Scores = {}
    for key in _SIGNAL:
        difference = paired(mine, whole, _SCORES[key])
        interval = difference.interval
        if difference.clips:
            why = interval.reason or "bootstrap over speakers and recordings, clip by clip"
            estimate = Estimate(interval.mean, interval.low, interval.high, why)
            found[key] = _of_enough(estimate, difference.clips)
        else:
            found[key] = Estimate(None, method="no clip has a score of both")
    judged: Scores = {}
    tasks = evaluated.tasks(one.codec)
    if tasks:
        codecs = (one.codec, baseline.codec)
        _, compared = task_differences(evaluated.results, *codecs, evaluated.manifest.name)
        for each in compared:
            is_drawn = TASKS[each.column.key] in _DRAWN_TASKS
            estimate = _of_enough(each.difference, each.clips) if is_drawn else each.difference
            judged[each.column.key] = estimate
    for key, task in _TASKS.items():
        why = _why_not_judged(task, tasks, evaluated)
        found[key] = judged.get(key) or Estimate(None, method=why)
    return found


def _of_enough(estimate: Estimate, clips: Sequence[ClipDifference]) -> Estimate:
    """The estimate, without its interval where too few speakers or recordings were drawn for it."""
    n_groups = len({(clip.dataset, clip.group or clip.clip) for clip in clips})
    if estimate.low is None or n_groups >= _LEAST_GROUPS:
        return estimate
    return Estimate(estimate.value, method=f"{n_groups} speakers or recordings: too few to tell")


def _why_not_judged(task: str, tasks: Mapping[str, Mapping[str, Any]], evaluated: Evaluated) -> str:
    unavailable = str(tasks.get(task, {}).get("unavailable", ""))
    return unavailable or evaluated.application_failed or "not judged"


def _said(per_seed: Sequence[Estimate]) -> dict[str, Any]:
    estimate = over_seeds(per_seed)
    if estimate.value is None:
        return {"reason": estimate.method}
    return {
        "value": _rounded(estimate.value),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
        "method": estimate.method,
        "seeds": sum(one.value is not None for one in per_seed),
    }


def _run(seed: int, trained: Trained | Failed) -> dict[str, Any]:
    if isinstance(trained, Failed):
        return {"seed": seed, "failed": trained.why}
    return {
        "seed": seed,
        "codec": trained.codec,
        "steps": trained.steps,
        "heard_s": _rounded(trained.heard_s),
        "seconds": _rounded(trained.seconds),
    }


def _judges(baselines: Mapping[int, Trained], evaluated: Evaluated) -> dict[str, Any]:
    """Task -> who judged, and whether that is the paper's."""
    found = {}
    for one in list(baselines.values())[:1]:
        with evaluated.using_tasks(one.codec) as tasks:
            for name, task in tasks.items():
                if judge := task["evaluator"]:
                    own = {key: judge[key] for key in ("name", "revision")}
                    weights = {"weights": judge.get("weights", "")}
                    found[name] = own | weights | {"of_paper": task["of_paper"]}
    return found


def _clips(
    finished: Mapping[tuple[str, int], Trained], evaluated: Evaluated
) -> dict[str, dict[str, dict[str, float]]]:
    """Codec -> score -> clip -> its part: a value, word errors, a similarity, right or wrong."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for one in finished.values():
        parts: dict[str, dict[str, float]] = {}
        for key in _SIGNAL:
            score = _SCORES[key]
            parts[key] = {
                clip.clip: round(clip.values[score.metric], _CLIP_DECIMALS)
                for clip in evaluated.signal(one.codec).clips
                if clip.kind in score.kinds and score.metric in clip.values
            }
        with evaluated.using_tasks(one.codec) as tasks:
            for key, task in _TASKS.items():
                parts[key] = {
                    str(clip["clip"]): value
                    for clip in tasks.get(task, {}).get("clips", ())
                    if (value := _part(task, clip)) is not None
                }
        found[one.codec] = parts
    return found


def _part(task: str, clip: Mapping[str, Any]) -> float | None:
    if "error" in clip:
        return None
    if task == "asr":
        return float(sum(clip[name] for name in ("substitutions", "deletions", "insertions")))
    if task == "asv":
        return round(clip["similarity"], _CLIP_DECIMALS) if "similarity" in clip else None
    return float(bool(clip["right"]))


def _without_folders(given: Settings) -> Settings:
    return {name: Path(str(v)).name if name == _OWN_PATH else v for name, v in given.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
