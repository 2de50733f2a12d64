"""bench run --suite application, with evaluators that cost nothing: tables, files, statuses."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from bench import application_cli, judging
from bench.cli import app
from bench.datasets.mini import mini
from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.data import Application, load_application
from bench.downstream.eer import eer
from bench.downstream.evaluators import registry
from bench.downstream.evaluators.registry import EvaluatorCard
from bench.executors import Worker

FEW = 6


class Fake:
    """Hears a word for each loud half of a clip, and a voice in its spectrum."""

    def __init__(self, task: str) -> None:
        self.info = EvaluatorInfo("fake", task, 16_000, f"{task}-1", weights="none")

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        if self.info.task == "asr":
            return [{"transcript": f"word {len(clip) % 7}"} for clip in clips]
        if self.info.task == "asv":
            voices = [np.abs(np.fft.rfft(clip, 64))[:8].tolist() for clip in clips]
            return [{"embedding": voice, "crops": [voice] * 5} for voice in voices]
        return [{"probabilities": {"bass": 0.5, "tom": 0.3 + len(clip) % 5 / 10}} for clip in clips]


def load_asr(device: str) -> Fake:
    return Fake("asr")


def load_asv(device: str) -> Fake:
    return Fake("asv")


def load_nothing(device: str) -> Fake:
    raise EvaluatorUnavailableError("no weights of it: put them somewhere")


def nothing_missing() -> str:
    return ""


def something_missing() -> str:
    return "no weights of it: put them somewhere"


def card(task: str, name: str = "fake", loader: str = "", lacks: str = "") -> EvaluatorCard:
    return EvaluatorCard(task, name, "", "", loader, lacks, False)


class InlineEvaluator(Worker):
    """The evaluator's process, in this one."""

    def __init__(self, task: str, name: str, device: str, classes: Sequence[str] = ()) -> None:
        super().__init__("evaluator", lambda: None)
        judging.prepare(task, name, device, classes)

    def call(self, function, *arguments, timeout_s=0.0) -> None:
        from bench.executors import _Returned

        self.busy = True
        self._outcome = _Returned(function(*arguments))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Application:
    """Some clips of each task, so that decoding them costs little."""
    whole = load_application("mini")
    tasks = {}
    for name, data in whole.tasks.items():
        speakers: dict[str, int] = {}
        clips = []
        for clip in data.clips:
            speakers[clip.group] = speakers.get(clip.group, 0) + 1
            if speakers[clip.group] <= 2 and len(clips) < FEW:
                clips.append(clip)
        kept = {clip.id for clip in clips}
        trials = [one for one in data.trials if one.enrol in kept and one.test in kept]
        tasks[name] = type(data)(name, data.dataset, "r", tuple(clips), tuple(trials))
    found = Application("mini", {name: tasks[name] for name in ("asr", "asv")}, whole.absent)
    found.absent["aec"] = "no effects among these few"
    monkeypatch.setattr(application_cli, "load_application", lambda data, kind: found)
    return found


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, teams_are_inline: None) -> None:
    def functions(path: str):
        return globals()[path.partition(":")[2]]

    monkeypatch.setattr(registry, "resolve_name", functions)
    monkeypatch.setattr(
        registry,
        "CARDS",
        (
            card("asr", loader=":load_asr", lacks=":nothing_missing"),
            card("asr", "absent", ":load_nothing", ":something_missing"),
            card("asv", loader=":load_asv", lacks=":nothing_missing"),
        ),
    )
    monkeypatch.setattr(judging, "_loaded", "")
    monkeypatch.setattr(application_cli, "evaluator_process", InlineEvaluator)


def run(folder: Path, *more: str) -> Result:
    arguments = ["run", "--codec", "mulaw-64k", "--suite", "application"]
    places = ["--store", str(folder / "store.sqlite"), "--results", str(folder / "results")]
    return CliRunner().invoke(app, [*arguments, *places, *more])


@pytest.mark.usefixtures("few", "fakes")
def test_a_run(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert "ASR by fake: 12 clips judged, 0 were in" in done.stderr
    assert "ER: not run: no emotions are labelled here: it needs RAVDESS" in done.stdout
    assert "reference" in done.stdout
    assert "mulaw-64k" in done.stdout
    content = json.loads((tmp_path / "results/application/mini/mulaw-64k.json").read_text())
    assert content["schema"] == 2
    assert content["codec"]["name"] == "mulaw-64k"
    asr, asv, er, aec = content["tasks"]
    assert [part["task"] for part in content["tasks"]] == ["asr", "asv", "er", "aec"]
    assert er["unavailable"]
    assert aec["unavailable"] == "no effects among these few"
    assert asr["n_clips"] == FEW
    assert asr["n_failed"] == 0
    assert asr["evaluator"]["revision"] == "asr-1"
    assert asr["scores"][0]["name"] == "wer_asr_pct"
    # mu-law keeps every clip's length, which is all that this recogniser hears.
    assert asr["scores"][0]["difference"]["value"] == 0
    assert asr["clips"][0]["hypothesis"].startswith("word")
    trials = asv["trials"]
    assert [len(column) for column in trials.values()] == [asv["n_trials"]] * 4
    speakers = [
        [asv["clips"][place]["speaker"] for place in trials[side]] for side in ("enrol", "test")
    ]
    target = [one == other for one, other in zip(*speakers, strict=True)]
    # What stands in the file is enough to take the rate again.
    counts = [a or b for a, b in zip(target, trials["same_language"], strict=True)]
    scores = [value for value, one in zip(trials["score"], counts, strict=True) if one]
    kinds = [value for value, one in zip(target, counts, strict=True) if one]
    assert asv["scores"][0]["value"] == pytest.approx(100 * eer(scores, kinds), abs=1e-4)
    # Each codec is held against the untouched clips, not against itself.
    assert all(clip["similarity"] < 1 for clip in asv["clips"])
    untouched = json.loads((tmp_path / "results/application/mini/reference.json").read_text())
    assert {clip["similarity"] for clip in untouched["tasks"][1]["clips"]} == {1.0}
    assert 0 < content["measured_bitrate_bps"] < 200_000
    again = run(tmp_path)
    assert again.exit_code == 0
    assert "ASR by fake: 0 clips judged, 12 were in" in again.stderr
    assert json.loads((tmp_path / "results/application/mini/mulaw-64k.json").read_text()) == content


@pytest.mark.usefixtures("few", "fakes")
def test_an_absent_evaluator_costs_its_task_only(tmp_path: Path) -> None:
    done = run(tmp_path, "--evaluator", "asr=absent")
    assert done.exit_code == 2
    assert "bench: ASR: absent: no weights of it: put them somewhere" in done.stderr
    assert "ASV by fake: 12 clips judged" in done.stderr
    content = json.loads((tmp_path / "results/application/mini/reference.json").read_text())
    assert content["tasks"][0]["unavailable"] == "absent: no weights of it: put them somewhere"
    assert content["tasks"][1]["scores"]


@pytest.mark.usefixtures("few", "fakes")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--evaluator", "asr=fak"), "no asr evaluator is called 'fak'; did you mean fake?"),
        (("--evaluator", "asx=fake"), "no task is called 'asx'; did you mean as"),
        (("--evaluator", "fake"), "expected --evaluator TASK=NAME"),
        (("--codec", "mulaw-64"), "no codec is called 'mulaw-64'; did you mean mulaw-64k"),
    ],
)
def test_names_that_are_not_known(tmp_path: Path, arguments: Sequence[str], why: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.exit_code == 2
    assert why in done.stderr
    assert "Traceback" not in done.output


def test_evaluators_are_for_this_suite(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["run", "--codec", "reference", "--evaluator", "asr=x"])
    assert done.exit_code == 2
    assert "--evaluator is for --suite application" in done.stderr


@pytest.mark.usefixtures("fakes")
def test_data_without_labels(tmp_path: Path) -> None:
    clip = mini().clips[0].path
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "a.flac").write_bytes(clip.read_bytes())
    done = run(tmp_path, "--data", str(tmp_path / "audio"))
    assert done.exit_code == 2
    assert "no task can be asked on" in done.stderr
    assert "no English clip has a transcript here" in done.stderr


@pytest.mark.usefixtures("few", "fakes")
def test_a_missing_clip_is_told_and_counted(tmp_path: Path, few: Application) -> None:
    data = few.tasks["asr"]
    lost = type(data.clips[0])(**{**vars(data.clips[0]), "path": tmp_path / "lost.flac"})
    few.tasks["asr"] = type(data)("asr", "few", "r", (lost, *data.clips[1:]))
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "2 failed, which the next run tries again" in done.stderr
    assert "lost.flac:nosuchfile" in "".join(done.stdout.split())  # however it is wrapped
    content = json.loads((tmp_path / "results/application/mini/reference.json").read_text())
    assert content["tasks"][0]["n_failed"] == 1
    assert "no such file" in content["tasks"][0]["clips"][0]["error"]


@pytest.mark.usefixtures("few", "fakes")
def test_show_prints_what_was_heard(tmp_path: Path, few: Application) -> None:
    run(tmp_path)
    clip = few.tasks["asr"].clips[0]
    shown = CliRunner().invoke(
        app, ["show", "--clip", clip.id, "--store", str(tmp_path / "store.sqlite")]
    )
    assert shown.exit_code == 0, shown.output
    assert "errors in" in shown.stdout
    assert "mulaw-64k" in shown.stdout
    assert "similarity to the reference" in shown.stdout
    spoken = few.tasks["asv"].trials[0].enrol
    shown = CliRunner().invoke(
        app, ["show", "--clip", spoken, "--store", str(tmp_path / "store.sqlite")]
    )
    text = " ".join(shown.stdout.split())
    assert "trials through mulaw-64k by fake, revision asv-1: " in text
    assert "with the same speaker, lowest" in text
    one = CliRunner().invoke(
        app,
        [
            "show",
            "--clip",
            clip.id,
            "--codec",
            "opus-6k",
            "--store",
            str(tmp_path / "store.sqlite"),
        ],
    )
    assert one.exit_code == 2
    assert "no codec with cells of this clip is called 'opus-6k'" in one.stderr
