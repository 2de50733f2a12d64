"""bench.application: clips are judged once, each fault stays with its clip."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from baselines.anchors import Identity
from bench import audio, judging
from bench.application import Step, evaluator_process, hearing_of, judge, opened, plan_task
from bench.codec import Codec, Encoded
from bench.datasets.manifest import Clip
from bench.downstream.contract import EvaluatorInfo, Evidence
from bench.executors import Worker, WorkerLost
from bench.store import Store
from bench.team import RunError, Team

RATE = 16_000
Inline = Callable[[Sequence[Codec]], Team]


class Level:
    """An evaluator that hears how loud a clip is, at a rate of its own."""

    def __init__(self, revision: str = "1") -> None:
        self.info = EvaluatorInfo("level", "asr", 8_000, revision)
        self.n_judged = 0
        self.lengths: list[int] = []

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        if any(np.abs(clip).max() > 0.6 for clip in clips):
            raise ValueError("it is too loud to be heard")
        self.n_judged += len(clips)
        self.lengths += [len(clip) for clip in clips]
        return [{"level": round(float(np.abs(clip).max()), 3)} for clip in clips]


class Gain(Identity):
    """A codec that halves its input."""

    def __init__(self) -> None:
        super().__init__("gain", None)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        return 0.5 * super().decode(encoded)


class Refuses(Identity):
    """A codec that refuses the quietest clip."""

    def __init__(self) -> None:
        super().__init__("refuses", None)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        decoded = super().decode(encoded)
        if np.abs(decoded).max() < 0.12:
            raise ZeroDivisionError("too quiet")
        return decoded


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Twelve clips of 0.1 to 0.5 times full scale, the loudest the shortest."""
    made = []
    for number in range(12):
        path = tmp_path / f"{number}.wav"
        level = 0.1 + 0.4 * number / 11
        noise = np.random.default_rng(number).uniform(-1, 1, 3_200 - 100 * number)
        soundfile.write(path, level * noise / np.abs(noise).max(), RATE, subtype="FLOAT")
        made.append(Clip("set", path.name, "speech", path, audio.sha256(path)))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as opened_store:
        yield opened_store


def hears(model: object, team: Team, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A process for an evaluator, in this one."""
    monkeypatch.setattr(judging, "_loaded", model)
    return type(team.codec)()


def run(
    clips: Sequence[Clip],
    codecs: Sequence[Codec],
    model: Level,
    store: Store,
    team: Team,
    worker: Worker,
) -> tuple[list[Step], int]:
    plan = plan_task(clips, [codec.info for codec in codecs], model.info, store)
    steps: list[Step] = []
    judge(plan, store, team, worker, on_step=steps.append)
    return steps, plan.n_kept


def heard(store: Store, codec: Codec, model: Level, clips: Sequence[Clip]) -> dict[str, Any]:
    found = store.judgements(hearing_of(codec.info, model.info))
    return {clip.id: found[clip.sha256] for clip in clips if clip.sha256 in found}


def test_what_is_decoded_is_judged(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codecs = [Identity("reference", None), Gain()]
    team, model = inline_team(codecs), Level()
    worker = hears(model, team, monkeypatch)
    assert opened(worker) == model.info
    steps, n_kept = run(clips, codecs, model, store, team, worker)
    assert (len(steps), n_kept, model.n_judged) == (24, 0, 24)
    assert not any(step.error for step in steps)
    untouched, halved = (heard(store, codec, model, clips) for codec in codecs)
    for clip in clips:
        level = untouched[clip.id].evidence["level"]
        assert halved[clip.id].evidence["level"] == pytest.approx(level / 2, abs=0.02)
        assert untouched[clip.id].bits > 0
        assert untouched[clip.id].duration_s == soundfile.info(clip.path).duration
    # At the evaluator's rate, clips of like length together.
    assert model.lengths[:12] == sorted(model.lengths[:12])
    assert max(model.lengths) == 1_600


def test_clips_are_judged_in_their_order_whichever_process_is_slow(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged together, which may decide digits, must not depend on who was quicker."""
    codec, model = Identity("reference", None), Level()
    team = inline_team([codec])

    class Slow(type(team.codec)):
        """Is asked many times before it is done."""

        n_asked = 0

        def call(self, *arguments: Any, timeout_s: float = 0.0) -> None:
            self.n_asked = 0
            super().call(*arguments)

        def over(self) -> bool:
            self.n_asked += 1
            return super().over() and self.n_asked > 6

        def seconds_left(self) -> float:
            return 0.0  # who waits for it asks again at once

    team.coders.insert(0, Slow())
    steps, _ = run(clips, [codec], model, store, team, hears(model, team, monkeypatch))
    assert [step.clip for step in steps] == [clip.id for clip in reversed(clips)]
    assert model.lengths == sorted(model.lengths)


def test_the_reference_is_judged_once_for_all_codecs(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, gain, model = Identity("reference", None), Gain(), Level()
    for codecs, n_new, n_there in (
        ([reference], 12, 0),
        ([gain, reference], 12, 12),
        ([gain, reference], 0, 24),
    ):
        team = inline_team(codecs)
        steps, n_kept = run(clips, codecs, model, store, team, hears(model, team, monkeypatch))
        assert (len(steps), n_kept) == (n_new, n_there)
    assert model.n_judged == 24
    other = Level("2")
    steps, _ = run(clips, [reference], other, store, team, hears(other, team, monkeypatch))
    assert len(steps) == 12  # another evaluator has not heard it


def test_a_clip_that_fails_costs_no_other(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    loud = clips[5].path
    samples, _ = soundfile.read(loud)
    soundfile.write(loud, 0.9 * samples / np.abs(samples).max(), RATE, subtype="FLOAT")
    clips[5] = replace(clips[5], sha256=audio.sha256(loud))
    clips[7].path.unlink()
    codec, model = Refuses(), Level()
    team = inline_team([codec])
    steps, _ = run(clips, [codec], model, store, team, hears(model, team, monkeypatch))
    failed = {step.clip: step.error for step in steps if step.error}
    assert failed == {
        "5.wav": "it is too loud to be heard",
        "7.wav": "7.wav: no such file",
        "0.wav": "ZeroDivisionError: too quiet",
    }
    found = heard(store, codec, model, clips)
    assert found["7.wav"].error == "7.wav: no such file"
    # The next run tries those again, and them alone.
    steps, n_kept = run(clips, [codec], model, store, team, hears(model, team, monkeypatch))
    assert (len(steps), n_kept) == (3, 9)


class Mortal(Worker):
    """A process that dies of a clip, and is started anew."""

    def __init__(self, inner: Worker, deadly: int) -> None:
        super().__init__("evaluator", lambda: None)
        self._inner, self._deadly = inner, deadly

    def call(self, function: Any, *arguments: Any, timeout_s: float = 0.0) -> None:
        self.busy = True
        pairs = arguments[1]
        if any(np.load(path).shape[1] == self._deadly for path, _ in pairs):
            self._outcome = WorkerLost("the evaluator process was ended by SIGSEGV", 0.5)
        else:
            self._inner.call(function, *arguments)
            self._outcome, self._inner._outcome = self._inner._outcome, None


def test_an_evaluator_that_dies_costs_the_clip_that_it_dies_of(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, model = Identity("reference", None), Level()
    team = inline_team([codec])
    worker = Mortal(hears(model, team, monkeypatch), deadly=3_200 - 400)
    steps, _ = run(clips, [codec], model, store, team, worker)
    failed = {step.clip: step.error for step in steps if step.error}
    assert failed == {"4.wav": "the evaluator process was ended by SIGSEGV"}
    assert len(steps) == 12


def test_two_clips_with_one_file_are_judged_once(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, model = Identity("reference", None), Level()
    team = inline_team([codec])
    twice = [*clips, replace(clips[0], id="again")]
    steps, n_kept = run(twice, [codec], model, store, team, hears(model, team, monkeypatch))
    assert (len(steps), n_kept) == (12, 1)
    assert set(heard(store, codec, model, twice)) == {clip.id for clip in twice}


class Breaks(Level):
    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        return [{"level": float("nan")} for _ in clips]


class Miscounts(Level):
    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        return [{"level": 0.0}]


def test_evidence_that_is_no_number(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, model = Identity("reference", None), Breaks()
    team = inline_team([codec])
    steps, _ = run(clips, [codec], model, store, team, hears(model, team, monkeypatch))
    assert all("evidence cannot be kept" in step.error for step in steps)


def test_an_evaluator_that_breaks_its_contract_ends_the_run(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, model = Identity("reference", None), Miscounts()
    team = inline_team([codec])
    with pytest.raises(RunError, match="judged 1 clips of 8; what was finished is kept"):
        run(clips, [codec], model, store, team, hears(model, team, monkeypatch))


def test_what_was_finished_is_kept(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, model = Identity("reference", None), Level()
    team = inline_team([codec])
    worker = hears(model, team, monkeypatch)

    def stop(step: Step) -> None:
        raise KeyboardInterrupt

    plan = plan_task(clips, [codec.info], model.info, store)
    with pytest.raises(KeyboardInterrupt):
        judge(plan, store, team, worker, on_step=stop)
    assert plan_task(clips, [codec.info], model.info, store).n_kept == 8


def test_an_evaluator_that_was_replaced_meanwhile(
    clips: list[Clip], store: Store, inline_team: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, model = Identity("reference", None), Level()
    team = inline_team([codec])
    worker = hears(Level("2"), team, monkeypatch)
    steps, _ = run(clips, [codec], model, store, team, worker)
    assert all("could not be loaded again as it was" in step.error for step in steps)


def test_a_process_of_its_own_has_the_evaluator() -> None:
    with evaluator_process("asv", "ge2e", "cpu") as worker:
        found = opened(worker)
    assert isinstance(found, EvaluatorInfo)
    assert (found.name, found.task) == ("ge2e", "asv")


def test_an_evaluator_that_cannot_run_says_so_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-cache"))
    with evaluator_process("asr", "whisper-large-v3", "cpu") as worker:
        found = opened(worker)
    assert isinstance(found, str)
    assert found.startswith("no weights of openai/whisper-large-v3: not in ")
    assert "\n" not in found
