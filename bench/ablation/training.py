"""The trainings of an ablation: each in a process of its own, several side by side.

A training that fails or whose process dies costs its own row. What is finished says so in its
folder and is not done again; what was interrupted goes on from its last checkpoint. When this
process dies, those of the trainings end too.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import registry
from bench.ablation.folder import CHECKPOINTS, DONE, Run
from bench.errors import reason
from bench.executors import Worker, WorkerFailed, WorkerLost, wait_for
from bench.report.files import replace_json
from bench.trainable import (
    BASELINE,
    CorpusFacts,
    Cost,
    NotTrainableError,
    Settings,
    Teacher,
    Trained,
    Variant,
)

# Of a share of a budget: for loading, validation and checkpoints, which are no steps.
_FOR_STEPS = 0.9


@dataclass(frozen=True)
class Failed:
    """A training that did not come to its end, and why, in a line."""

    why: str


def process(threads: int) -> Worker:
    """A process that can train.

    Args:
        threads: of the CPU that it computes with.
    """
    return Worker("training", functools.partial(_prepare, threads))


def ask_variants(worker: Worker, preset: str) -> tuple[Variant, ...] | Failed:
    """The variants of a preset, or why there are none."""
    return _asked(worker, _variants, preset)


def ask_settings(
    worker: Worker,
    preset: str,
    variant: str,
    steps: int,
    batch: int,
    seed: int,
    given: Settings,
) -> Settings | Failed:
    """The settings of a training, or what is wrong with those that were given."""
    return _asked(worker, _settings, preset, variant, steps, batch, seed, given)


def ask_corpus(worker: Worker, preset: str, source: str) -> CorpusFacts | Failed:
    """What a corpus holds, or why it cannot be used."""
    return _asked(worker, _corpus, preset, source)


def ask_teacher(worker: Worker, settings: Settings) -> Teacher | Failed | None:
    """The network that a training's losses ask, if one of them asks any."""
    return _asked(worker, _teacher, settings)


def measure(
    settings: Settings, source: str, folder: Path, slots: Sequence[str], threads: int
) -> Cost | Failed:
    """Time a training as slow as any, as many side by side as there will be; the slowest counts.

    Args:
        settings: of the slowest variant.
        source: the corpus.
        folder: for what it leaves; removed.
        slots: a device for each that trains at a time.
        threads: for each.
    """
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)  # once they have ended
        workers = [stack.enter_context(process(threads)) for _ in slots]
        for number, (worker, device) in enumerate(zip(workers, slots, strict=True)):
            worker.call(_cost, settings, source, folder / str(number), device)
        found = [_outcome(worker) for worker in workers]
    costs = [one for one in found if isinstance(one, Cost)]
    if len(costs) < len(found):
        return next(one for one in found if isinstance(one, Failed))
    return max(costs, key=lambda one: one.step_s)


def ask_steps(
    worker: Worker, preset: str, seconds: float, cost: Cost, batch: int, given: Settings
) -> int | Failed:
    """The most steps of a training that takes no longer; 0 if it has no time for one."""
    return _asked(worker, _steps_within, preset, _FOR_STEPS * seconds, cost, batch, given)


def train_all(
    runs: Sequence[Run],
    source: str,
    slots: Sequence[str],
    threads: int,
    on_start: Callable[[Run], None] = lambda run: None,
    on_end: Callable[[Run, Trained | Failed], None] = lambda run, outcome: None,
) -> dict[tuple[str, int], Trained | Failed]:
    """Do the trainings that are not done; by (variant, seed).

    Args:
        runs: of all of them.
        source: the corpus.
        slots: a device for each that trains at a time.
        threads: for each.
        on_start: called when one begins or goes on.
        on_end: called when one has come to an end.
    """
    found: dict[tuple[str, int], Trained | Failed] = {}
    left: deque[Run] = deque()
    for run in runs:
        trained = run.done()
        if trained is None:
            left.append(run)
        else:
            found[run.variant, run.seed] = trained
    free = deque(slots)
    at_work: dict[Worker, tuple[Run, str]] = {}
    with ExitStack() as stack:
        while left or at_work:
            while left and free:
                run, device = left.popleft(), free.popleft()
                worker = stack.enter_context(process(threads))
                at_work[worker] = run, device
                on_start(run)
                worker.call(_train, run.settings, source, run.folder, device, run.codec)
            for worker in wait_for(list(at_work)):
                run, device = at_work.pop(worker)
                outcome = _outcome(worker)
                worker.stop()  # a process a training: nothing is left behind for the next
                free.append(device)
                if isinstance(outcome, Trained):
                    _finish(run, outcome)
                found[run.variant, run.seed] = outcome
                on_end(run, outcome)
    return found


def _finish(run: Run, trained: Trained) -> None:
    """Note that a training is done, and only then drop what it would have gone on from."""
    replace_json(run.folder / DONE, asdict(trained) | {"corpus": run.corpus})
    for state in run.folder.glob(CHECKPOINTS):
        state.unlink()


def _asked(worker: Worker, function: Callable[..., object], *arguments: object) -> Any:
    worker.call(function, *arguments)
    return _outcome(worker)


def _outcome(worker: Worker) -> Any:
    """What a call came to; a failure of any kind in a line."""
    try:
        return worker.result()
    except (WorkerLost, WorkerFailed) as error:
        return Failed(str(error))


# What the processes do. They answer with `Failed` where the trainer itself says why.


def _prepare(threads: int) -> None:
    # Before torch is imported, whose libraries read them once.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    import torch

    torch.set_num_threads(threads)


def _variants(preset: str) -> tuple[Variant, ...] | Failed:
    return _said(lambda: registry.trainable().variants(preset))


def _settings(
    preset: str, variant: str, steps: int, batch: int, seed: int, given: Settings
) -> Settings | Failed:
    return _said(lambda: registry.trainable().settings(preset, variant, steps, batch, seed, given))


def _corpus(preset: str, source: str) -> CorpusFacts | Failed:
    return _said(lambda: registry.trainable().corpus(preset, source))


def _teacher(settings: Settings) -> Teacher | Failed | None:
    return _said(lambda: registry.trainable().teacher(settings))


def _cost(settings: Settings, source: str, folder: Path, device: str) -> Cost | Failed:
    return _said(lambda: registry.trainable().cost(settings, source, folder, device))


def _train(
    settings: Settings, source: str, folder: Path, device: str, name: str
) -> Trained | Failed:
    return _said(lambda: registry.trainable().train(settings, source, folder, device, name))


def _steps_within(
    preset: str, seconds: float, cost: Cost, batch: int, given: Settings
) -> int | Failed:
    def taken_s(steps: int) -> float:
        made = registry.trainable().settings(preset, BASELINE, steps, batch, 0, given)
        return steps * cost.step_s + int(made["growth_steps"]) * cost.growth_step_s

    steps = int(seconds / cost.step_s)
    while steps > 0 and (excess := taken_s(steps) - seconds) > 0:
        steps -= max(1, int(excess / (cost.step_s + cost.growth_step_s)))
    return max(steps, 0)


def _said(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except NotTrainableError as error:
        return Failed(str(error))
    except Exception as error:  # whatever a training dies of is its row's reason
        return Failed(reason(error))
