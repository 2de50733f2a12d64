"""bench.coders: jobs go to whichever process of the codecs is free, and no job waits for one."""

import functools
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from baselines.anchors import Identity
from bench import audio, coding, scoring
from bench.cells import Source
from bench.codec import Codec, CodecInfo
from bench.coders import Coders
from bench.crew import Done, work
from bench.datasets.manifest import Clip
from bench.datasets.mini import mini
from bench.executors import Worker, WorkerLost
from bench.metrics import METRICS
from bench.plan import Job
from bench.team import Team

RATE = 16_000
CODEC = Identity("reference", None)
Inline = Callable[[Sequence[Codec]], Team]

MEETS = """
import os
from dataclasses import replace
from baselines.anchors import Identity

class Meets(Identity):
    def __init__(self, name):
        super().__init__(name, None)

    def encode(self, audio, sample_rate):
        # Whoever opens an end of the pipe waits until another process has opened the other.
        if audio.shape[1] == 1600:
            open("meeting", "rb").close()
        if audio.shape[1] == 1601:
            open("meeting", "wb").close()
        return replace(super().encode(audio, sample_rate), bits=(float(os.getpid()),))
"""


def jobs_of(
    info: CodecInfo, clips: Sequence[np.ndarray], folder: Path, missing: dict[str, str]
) -> list[Job]:
    """A job for each clip [T] at 16 kHz."""
    source = Source("signal", "set", "r1", info.name, info.revision, audio.READER, "")
    jobs = []
    for number, samples in enumerate(clips):
        path = folder / f"{number}.wav"
        soundfile.write(path, samples, RATE, subtype="FLOAT")
        clip = Clip("d", str(number), "music", path, audio.sha256(path))
        jobs.append(Job(source, clip, path.name, missing, None))
    return jobs


def quarters(n_clips: int, folder: Path, info: CodecInfo = CODEC.info) -> list[Job]:
    """Jobs of which the bits alone are asked; each clip is a sample longer than the one before."""
    return jobs_of(info, [np.full(1600 + i, 0.25) for i in range(n_clips)], folder, {"bits": "1"})


def by_clip(done: Sequence[Done], metric: str) -> dict[str, float | None]:
    found = {one.job.clip.id: one for one in done}
    return {
        clip: next(cell.value for cell in found[clip].cells if cell.metric == metric)
        for clip in sorted(found)
    }


def processes(name: str, n_coders: int) -> Team:
    """Processes for a codec, and one for metrics."""
    return Team(
        [
            Worker("codec", functools.partial(coding.prepare, (name,), "cpu"))
            for _ in range(n_coders)
        ],
        [Worker("metric", functools.partial(scoring.prepare, ()))],
        600.0,
    )


def test_two_clips_are_in_a_codec_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "meeting_codec.py").write_text(MEETS)
    (tmp_path / "meeting_codec-0.dist-info").mkdir()
    entry = "[bench.codecs]\nmeets = meeting_codec:Meets\n"
    (tmp_path / "meeting_codec-0.dist-info/entry_points.txt").write_text(entry)
    os.mkfifo("meeting")
    with processes("meets", 2) as team:
        info = team.codecs().infos[0]
        done = list(work(quarters(6, tmp_path, info), team))
    assert [cell.error for one in done for cell in one.cells] == [None] * 6
    numbers = by_clip(done, "bits")
    assert numbers["0"] != numbers["1"]
    assert len(set(numbers.values())) == 2


def scored(jobs: list[Job], team: Team) -> dict[str, tuple[float | None, bytes]]:
    """Of each clip its SDR and its codes."""
    done = list(work(jobs, team))
    sdr = by_clip(done, "sdr")
    return {one.job.clip.id: (sdr[one.job.clip.id], one.codes.tobytes()) for one in done}


def test_two_processes_compute_what_one_does_to_the_last_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one thread each, whatever the user has said of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    speech = next(clip for clip in mini().clips if clip.kind == "speech")
    samples, sample_rate = audio.read(speech.path)
    samples = audio.resample(samples, sample_rate, RATE)
    clips = [samples[start : start + RATE // 2] for start in range(0, 2 * RATE, RATE // 2)]
    used: list[Worker] = []
    with processes("sqcodec-3k", 2) as team:
        for worker in team.coders:  # both at once, so that both are there for the first clips
            team.get_ready(worker)
        for worker in tuple(team.coders):
            team.got_ready(worker)
        for worker in team.coders:
            worker.call(eval, "__import__('torch').get_num_threads()")
            assert worker.result() == 1
        info = team.codecs().infos[0]
        jobs = jobs_of(info, clips, tmp_path, {"sdr": METRICS["sdr"].version})
        alone = scored(jobs, Team(team.coders[:1], team.metrics, team.clip_timeout_s))
        send = team.send

        def sent(worker: Worker, *arguments: object) -> None:
            used.append(worker)
            send(worker, *arguments)

        monkeypatch.setattr(team, "send", sent)
        together = scored(jobs, team)
        assert set(used) == set(team.coders)
    assert together == alone
    assert len(alone) == 4
    assert all(math.isfinite(sdr) for sdr, _ in alone.values())


class Unasked(Worker):
    """A process that nobody needs."""

    def __init__(self) -> None:
        super().__init__("codec", lambda: None)

    def call(self, *arguments: object, timeout_s: float = math.inf) -> None:
        raise AssertionError("it was started")


class Dies(Worker):
    """A process that dies as it loads the codecs."""

    def __init__(self) -> None:
        super().__init__("codec", lambda: None)
        self.n_calls = 0

    def call(self, *arguments: object, timeout_s: float = math.inf) -> None:
        self.n_calls += 1
        self.busy = True
        self._outcome = WorkerLost("the codec process was ended by SIGKILL", 1.0)


def test_no_further_process_is_started_for_a_single_job(
    tmp_path: Path, inline_team: Inline
) -> None:
    team = inline_team([CODEC])
    team.coders.append(Unasked())
    assert len(list(work(quarters(1, tmp_path), team))) == 1
    assert list(work([], team)) == []


def test_a_further_process_that_cannot_load_costs_no_clip(
    tmp_path: Path, inline_team: Inline
) -> None:
    team = inline_team([CODEC])
    first, dies = team.codec, Dies()
    team.coders.append(dies)
    done = list(work(quarters(5, tmp_path), team))
    assert [cell.error for one in done for cell in one.cells] == [None] * 5
    assert dies.n_calls == 1
    assert team.coders == [first]


def test_a_further_process_with_other_weights_is_not_used(
    inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = inline_team([CODEC])
    first, other = team.codec, type(team.codec)()
    team.coders.append(other)
    team.codecs()
    team.get_ready(other)
    team.got_ready(other)
    assert team.coders == [first, other]
    monkeypatch.setattr(coding, "_loaded", coding.Loaded())  # what was there, is not now
    team.get_ready(other)
    team.got_ready(other)
    assert team.coders == [first]


def test_a_clip_that_ends_its_process_costs_itself_and_the_next_has_another(
    tmp_path: Path, inline_team: Inline
) -> None:
    team = inline_team([CODEC])
    dies = Dies()
    team.coders.insert(0, dies)  # the first is given clips without getting ready before
    done = list(work(quarters(5, tmp_path), team))
    failed = [one.job.clip.id for one in done if one.cells[0].error]
    assert dies.n_calls == len(failed)
    assert 1 <= len(failed) < 5
    assert len(done) == 5


def test_jobs_are_given_to_all_that_are_free_and_no_further_one_is_taken(
    tmp_path: Path, inline_team: Inline
) -> None:
    team = inline_team([CODEC])
    team.coders.append(type(team.codec)())
    taken: list[str] = []
    started: list[str] = []
    jobs = (taken.append(job.clip.id) or job for job in quarters(5, tmp_path))
    coders = Coders(team, jobs, tmp_path, lambda job: started.append(job.clip.id))
    coders.give_out()
    assert started == taken == ["0", "1"]
    assert coders.busy
    second = coders.take(team.coders[1])
    assert second is not None
    assert (second.number, second.job.clip.id, second.pair.name) == (1, "1", "1.npy")
    coders.give_out()
    assert started == taken == ["0", "1", "2"]
