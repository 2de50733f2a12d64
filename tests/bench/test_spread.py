"""bench.cluster without a cluster: what is done of shards that are lost, refused or failed."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.cells import Source
from bench.cluster import TRIES, _anywhere, _chunks, _Spread
from bench.crew import Done, failed
from bench.datasets.manifest import Clip
from bench.plan import Job
from bench.scoring import Outcome
from bench.shards import Refused
from bench.team import RunError


class RayError(Exception):
    """Stands for Ray's own."""


class RayTaskError(RayError):
    """What a function raised on another machine."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"a traceback\n{cause}")
        self.cause = cause


class WorkerCrashedError(RayError):
    """A worker was lost."""


def fake_ray(*, silent: bool = False) -> Any:
    """Ray, as far as it is used: shards are iterators of functions that return or raise."""

    def wait(running: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return ([], running) if silent else (running[-1:], running[:-1])

    errors = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
    return SimpleNamespace(wait=wait, get=lambda call: call(), exceptions=errors)


class FakeTeam:
    """Does shards here: each clip comes to what `come_to` says, which may be a loss."""

    def __init__(self, come_to: Callable[[Job], object], slots: int = 1) -> None:
        self.shards: list[list[str]] = []
        self.most_at_once = 0
        self._come_to = come_to
        self._slots = slots
        self._at_once = 0

    def slots(self) -> int:
        return self._slots

    def start(self, jobs: Sequence[Job]) -> Iterator[Callable[[], object]]:
        self.shards.append([job.clip.id for job in jobs])
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        return self._calls(jobs)

    def _calls(self, jobs: Sequence[Job]) -> Iterator[Callable[[], object]]:
        for job in jobs:
            found = self._come_to(job)
            yield lambda found=found: _raised_or(found)
            if isinstance(found, Exception):  # the worker is gone, and with it the rest
                break
        self._at_once -= 1


def _raised_or(found: object) -> object:
    if isinstance(found, Exception):
        raise found
    return found


def job(clip: str, codec: str = "codec-a") -> Job:
    source = Source("signal", "mini", "r1", codec, "c1", "libsndfile 1", "")
    return Job(source, Clip("d", clip, "music", Path(clip), "aa"), clip, {"mel": "1"}, None)


def scored(job: Job) -> Done:
    return failed(job, Outcome(1.0, None, 0.0))


def spread(team: FakeTeam, shards: Sequence[str], ray: Any = None) -> list[Done]:
    chunks = iter([[job(clip) for clip in clips] for clips in shards])
    return list(_Spread(team, ray or fake_ray(), chunks, lambda job: None).work())


def values(done: Sequence[Done]) -> dict[str, float | None]:
    return {one.job.clip.id: one.cells[0].value for one in done}


def test_all_clips_are_done_and_few_shards_wait_at_once() -> None:
    team = FakeTeam(scored, slots=2)
    assert sorted(values(spread(team, ["ab", "cd", "ef", "gh", "ij", "kl"]))) == list(
        "abcdefghijkl"
    )
    assert team.most_at_once == 4


def test_what_a_lost_worker_left_is_done_again_clip_by_clip() -> None:
    lost: list[str] = []

    def lose_c_once(job: Job) -> object:
        if job.clip.id == "c" and not lost:
            lost.append("c")
            return WorkerCrashedError()
        return scored(job)

    team = FakeTeam(lose_c_once)
    done = spread(team, ["abcde"])
    assert values(done) == dict.fromkeys("abcde", 1.0)
    assert len(done) == 5  # none twice
    assert sorted(team.shards) == [["a", "b", "c", "d", "e"], ["c"], ["d"], ["e"]]


def test_a_clip_that_ends_its_worker_each_time_has_an_error_and_the_others_go_on() -> None:
    def lose_c(job: Job) -> object:
        return WorkerCrashedError() if job.clip.id == "c" else scored(job)

    team = FakeTeam(lose_c)
    done = spread(team, ["abcde", "fg"])
    assert values(done) == dict.fromkeys("abdefg", 1.0) | {"c": None}
    (error,) = [one.cells[0].error for one in done if one.job.clip.id == "c"]
    assert error == "the cluster lost the worker of this clip 3 times (WorkerCrashedError)"
    assert sum("c" in shard for shard in team.shards) == TRIES == 3


def test_a_machine_that_refuses_ends_the_run_in_a_line() -> None:
    team = FakeTeam(lambda job: Refused("node-7 has other weights"))
    told = (
        r"^node-7 has other weights; what was finished is kept, the same command goes on from it$"
    )
    with pytest.raises(RunError, match=told):
        spread(team, ["ab"])


def test_a_machine_without_the_project_ends_the_run_in_a_line() -> None:
    missing = RayTaskError(ModuleNotFoundError("No module named 'bench'"))
    told = r"^the cluster cannot do a shard: ModuleNotFoundError: No module named 'bench'$"
    with pytest.raises(RunError, match=told):
        spread(FakeTeam(lambda job: missing), ["ab"])


def test_of_a_traceback_of_another_machine_the_last_line_is_told() -> None:
    cause = RuntimeError("it failed to import:\n\nTraceback\nImportError: No module named 'x'\n")
    told = r"^the cluster cannot do a shard: ImportError: No module named 'x'$"
    with pytest.raises(RunError, match=told):
        spread(FakeTeam(lambda job: RayTaskError(cause)), ["ab"])


def test_a_cluster_that_is_gone_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.cluster._PATIENCE_S", 0.0)
    with pytest.raises(RunError, match="no machine of the cluster is left with room for a shard"):
        spread(FakeTeam(scored, slots=0), ["ab"], fake_ray(silent=True))


def test_shards_are_of_one_codec() -> None:
    jobs = [job(clip, codec) for codec in ("x", "y") for clip in "abc"]
    shards = [[(one.source.codec, one.clip.id) for one in shard] for shard in _chunks(jobs, 2)]
    assert shards == [
        [("x", "a"), ("x", "b")],
        [("x", "c")],
        [("y", "a"), ("y", "b")],
        [("y", "c")],
    ]
    assert list(_chunks([], 2)) == []


def test_paths_of_this_folder_are_whole_ones_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _anywhere("sqcodec-3k") == "sqcodec-3k"
    assert _anywhere("runs/mine.safetensors") == f"{tmp_path}/runs/mine.safetensors"
    assert _anywhere("folder:decoded") == f"folder:{tmp_path}/decoded"
    assert _anywhere("/a/b.safetensors") == "/a/b.safetensors"
