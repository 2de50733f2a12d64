"""What tests of runs share: work done in this process, where codecs may be local classes."""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from bench import coding
from bench.ablation import training
from bench.codec import Codec
from bench.executors import Worker, WorkerFailed, _Returned
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
        return Team(InlineWorker(), [InlineWorker()], math.inf)

    return team


@pytest.fixture
def trainings_are_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings happen in this process, where the trainer may be a stub."""
    monkeypatch.setattr(training, "process", lambda threads: InlineWorker())


@pytest.fixture
def teams_are_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line's teams load their codecs by name, in this process."""

    def of(names: Sequence[str], device: str, n_workers: int, clip_timeout_s: float) -> Team:
        coding.prepare(names, device)
        coding._read.cache_clear()
        return Team(InlineWorker(), [InlineWorker() for _ in range(n_workers)], clip_timeout_s)

    monkeypatch.setattr(coding, "_loaded", coding.Loaded())
    monkeypatch.setattr(Team, "of", of)
