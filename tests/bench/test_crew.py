"""bench.crew: jobs are taken when the codec is free, and what was begun is not left behind."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from baselines.anchors import Identity
from bench import audio
from bench.cells import Source
from bench.codec import Codec
from bench.crew import failed, work
from bench.datasets.manifest import Clip
from bench.plan import Job
from bench.scoring import Outcome
from bench.team import Team

CODEC = Identity("reference", None)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Four clips of which only measures of the run itself are asked."""
    source = Source("signal", "set", "r1", "reference", CODEC.info.revision, audio.READER, "")
    found = []
    for name in "abcd":
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, np.full(1600, 0.25), 16_000)
        clip = Clip("d", name, "music", path, audio.sha256(path))
        found.append(Job(source, clip, path.name, {"bits": "1", "duration": "1"}, None))
    return found


def test_jobs_are_taken_as_they_are_needed(
    jobs: list[Job], inline_team: Callable[[Sequence[Codec]], Team]
) -> None:
    taken: list[str] = []

    def one_by_one() -> Iterator[Job]:
        for job in jobs:
            taken.append(job.clip.id)
            yield job

    doing = work(one_by_one(), inline_team([CODEC]))
    first = next(doing)
    assert [cell.value for cell in first.cells] == [16 * 1600, 0.1]
    assert len(taken) < 4
    assert len(list(doing)) == 3
    assert taken == list("abcd")


def test_work_that_is_given_up_leaves_no_file(
    jobs: list[Job],
    inline_team: Callable[[Sequence[Codec]], Team],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    doing = work(jobs, inline_team([CODEC]))
    next(doing)
    assert list(folder.iterdir()) != []
    doing.close()
    assert list(folder.iterdir()) == []


def test_a_job_that_came_to_nothing_has_its_error_in_all_its_cells(jobs: list[Job]) -> None:
    done = failed(jobs[0], Outcome(None, "the worker was lost", 1.0))
    assert [(cell.metric, cell.value, cell.error) for cell in done.cells] == [
        ("bits", None, "the worker was lost"),
        ("duration", None, "the worker was lost"),
    ]
