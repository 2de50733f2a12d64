"""What tests of runs share: work done in this process, where codecs may be local classes."""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import three_clips as three
from three_clips import Run, three_clips

from bench import coding, threads
from bench.ablation import training
from bench.codec import Codec
from bench.datasets.manifest import Manifest
from bench.executors import Worker, WorkerFailed, _Returned
from bench.metrics import METRICS
from bench.plan import plan_run
from bench.runner import Step
from bench.runner import run as run_plan
from bench.store import Store
from bench.suites import SIGNAL
from bench.team import Team

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_results(tmp_path: Path) -> Path:
    """A folder with the paper's tables and a small set of results, which tests may damage."""
    folder = tmp_path / "results"
    shutil.copytree(ROOT / "tests" / "bench" / "report" / "small", folder)
    shutil.copytree(ROOT / "results" / "paper", folder / "paper")
    return folder


@pytest.fixture
def read_only() -> Callable[[Path], AbstractContextManager[None]]:
    """Makes a folder one that this process cannot write into, for as long as it is entered."""
    return _read_only


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Rights alone stop nobody who runs tests as root, so that root is given up as well."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


class InlineWorker(Worker):
    """Does its calls here and at once, as a process would do them elsewhere."""

    def __init__(self) -> None:
        super().__init__("inline", lambda: None)

    @property
    def ready(self) -> bool:
        return not self.busy

    def call(
        self, function: Callable[..., object], *arguments: object, timeout_s: float = math.inf
    ) -> None:
        self.busy = True
        try:
            self._outcome = _Returned(function(*arguments))
        except Exception as error:
            self._outcome = WorkerFailed(str(error))


@pytest.fixture
def inline_team(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Codec]], Team]:
    """Makes a team for codecs that are at hand."""

    def team(codecs: Sequence[Codec]) -> Team:
        loaded = coding.Loaded({codec.info.name: codec for codec in codecs})
        monkeypatch.setattr(coding, "_loaded", loaded)
        coding._read.cache_clear()
        return Team([InlineWorker()], [InlineWorker()], math.inf)

    return team


@pytest.fixture
def trainings_are_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings happen in this process, where the trainer may be a stub."""
    monkeypatch.setattr(training, "process", lambda threads: InlineWorker())


@pytest.fixture
def teams_are_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line's teams load their codecs by name, in this process."""

    def of(
        names: Sequence[str],
        device: str,
        n_workers: int,
        clip_timeout_s: float,
        codec_processes: int | None = None,
    ) -> Team:
        coding.prepare(names, device)
        coding._read.cache_clear()
        coders = [InlineWorker() for _ in range(codec_processes or 1)]
        return Team(coders, [InlineWorker() for _ in range(n_workers)], clip_timeout_s)

    monkeypatch.setattr(threads, "limit_to_one", lambda: None)  # this process is not the run's own
    monkeypatch.setattr(coding, "_loaded", coding.Loaded())
    monkeypatch.setattr(Team, "of", of)


@pytest.fixture
def quick_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite's metrics, by their names, at no cost."""
    for name in METRICS:
        quick = replace(METRICS[name], function=f"{three.__name__}:mean_difference", libraries=())
        monkeypatch.setitem(METRICS, name, quick)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Two clips of speech, the second loud, and one of music; a tenth of a second each."""
    return Manifest("three", "r1", tuple(three_clips(tmp_path)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def run(manifest: Manifest, store: Store, inline_team: Callable[[Sequence[Codec]], Team]) -> Run:
    """Does what codecs lack on the three clips, and returns the steps."""

    def do(codecs: Sequence[Codec], on_step: Callable[[Step], None] = lambda step: None):
        steps: list[Step] = []
        plan = plan_run([codec.info for codec in codecs], manifest, SIGNAL, store)
        run_plan(plan, store, inline_team(codecs), on_step=lambda s: (steps.append(s), on_step(s)))
        return steps

    return do
