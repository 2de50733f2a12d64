"""bench.rerun: the application suite once more, with an evaluator that costs nothing."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench import application_cli, audio, console, judging, provenance, rerun
from bench.cli import app
from bench.downstream.contract import EvaluatorInfo, EvaluatorUnavailableError, Evidence
from bench.downstream.evaluators import registry
from bench.downstream.evaluators.registry import EvaluatorCard
from bench.executors import Worker, _Returned
from bench.run_record import read_record

RATE = 16_000

Bench = Callable[..., Result]


class Fake:
    """Hears the loudness of a clip as a word."""

    revision = "e1"

    def __init__(self) -> None:
        self.info = EvaluatorInfo("fake", "asr", RATE, self.revision, weights="none")

    def judge(self, clips: Sequence[NDArray[np.float32]]) -> list[Evidence]:
        return [{"transcript": f"word {round(10 * float(np.abs(clip).max()))}"} for clip in clips]


def load_fake(device: str) -> Fake:
    return Fake()


def load_nothing(device: str) -> Fake:
    raise EvaluatorUnavailableError("no weights of it: put them somewhere")


def nothing_missing() -> str:
    return ""


class InlineEvaluator(Worker):
    """The evaluator's process, in this one."""

    def __init__(self, task: str, name: str, device: str, classes: Sequence[str] = ()) -> None:
        super().__init__("evaluator", lambda: None)
        judging.prepare(task, name, device, classes)

    def call(self, function, *arguments, timeout_s=0.0) -> None:
        self.busy = True
        self._outcome = _Returned(function(*arguments))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teams_are_inline: None) -> Bench:
    """Calls `bench` in a folder with three transcribed clips in `set.csv`."""
    rows = []
    for name, peak in (("a", 0.2), ("b", 0.4), ("c", 0.6)):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, peak * np.sin(np.arange(RATE // 4)), RATE)
        said = {"id": name, "path": path.name, "dataset": "talk", "kind": "speech"}
        rows.append(said | {"sha256": audio.sha256(path), "transcript": "word 2", "language": "en"})
    write_set(tmp_path, rows)
    monkeypatch.setattr(registry, "resolve_name", lambda path: globals()[path.partition(":")[2]])
    cards = tuple(
        EvaluatorCard("asr", name, "", "", loader, ":nothing_missing", False)
        for name, loader in (("default", ":load_fake"), ("fake", ":load_fake"))
    )
    monkeypatch.setattr(registry, "CARDS", cards)
    monkeypatch.setattr(judging, "_loaded", "")
    monkeypatch.setattr(application_cli, "evaluator_process", InlineEvaluator)
    monkeypatch.setattr(rerun, "evaluator_process", InlineEvaluator)
    clean = provenance.Project("0.1.0", "abc", False)  # whatever checkout the tests run in
    monkeypatch.setattr(provenance, "project", lambda: clean)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def write_set(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    with open(folder / "set.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_set() -> list[dict[str, str]]:
    with open("set.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def manifest(bench: Bench) -> Path:
    """Of mu-law on the three clips, judged by "fake", which is not the default."""
    arguments = ["--codec", "mulaw-64k", "--data", "set.csv", "--evaluator", "asr=fake"]
    done = bench("run", "--suite", "application", *arguments)
    assert done.exit_code == 0, done.output
    (path,) = Path("results/manifests/application/set").iterdir()
    return path


def test_a_task_s_manifest_has_clips_scores_and_the_evaluator(manifest: Path) -> None:
    record = read_record(manifest)
    (part,) = record.parts
    assert (record.suite, part.name, record.complete) == ("application", "asr", True)
    assert part.evaluator is not None
    assert (part.evaluator.name, part.evaluator.revision) == ("fake", "e1")
    columns = {(column.codec, column.metric): column for column in part.columns}
    assert columns["mulaw-64k", "hypothesis"].values == ("word 2", "word 4", "word 6")
    assert columns["mulaw-64k", "substitutions"].values == (0, 1, 1)
    wer = columns["mulaw-64k", "wer_asr_pct"]
    assert (wer.over, wer.unit, wer.values[0]) == ("codec", "%", pytest.approx(100 / 3))


def test_nothing_differs(bench: Bench, manifest: Path) -> None:
    done = bench("reproduce", str(manifest))
    assert done.exit_code == 0, done.output
    assert "computed now, compared exactly" in " ".join(done.stdout.split())
    assert "ASR by fake: 6 clips judged" in done.stderr


def test_what_was_heard_before_is_not_said_to_be_computed_now(bench: Bench, manifest: Path) -> None:
    rows = read_set()
    write_set(Path(), rows[:1])
    asked = ("--suite", "application", "--evaluator", "asr=fake", "--results", "other")
    few = bench("run", "--codec", "mulaw-64k", "--data", "set.csv", "--store", "kept", *asked)
    assert few.exit_code == 0, few.output
    write_set(Path(), rows)
    found = json.loads(bench("reproduce", str(manifest), "--store", "kept", "--json").stdout)
    assert found["same"] is True
    kept = {(c["codec"], c["metric"], c["n_cells"]) for c in found["columns"] if c["was_there"]}
    assert ("mulaw-64k", "hypothesis", 1) in kept  # of three
    assert ("mulaw-64k", "wer_asr_pct", 1) in kept  # a score of all three
    now = {(c["codec"], c["metric"], c["n_cells"]) for c in found["columns"] if c["n_computed"]}
    assert ("mulaw-64k", "hypothesis", 2) in now
    assert found["n_computed"] + found["n_in_store_already"] == found["n_cells"]


def test_an_evaluator_that_hears_otherwise(
    bench: Bench, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "revision", "e2")
    monkeypatch.setattr(Fake, "judge", lambda self, clips: [{"transcript": "word 2"}] * len(clips))
    done = bench("reproduce", str(manifest))
    assert done.exit_code == 1
    assert "differs: revision of asr evaluator fake: manifest says e1, here e2" in done.stderr
    assert "mulaw-64k hypothesis  b: manifest says word 4, here word 2" in done.stdout
    assert "mulaw-64k wer_asr_pct: manifest says 33.333333, here 0" in done.stdout


def test_another_transcript_is_other_data(bench: Bench, manifest: Path) -> None:
    rows = read_set()
    rows[1]["transcript"] = "word 4"
    write_set(Path(), rows)
    done = bench("reproduce", str(manifest), "--strict")
    assert done.exit_code == 1
    assert "differs: revision of the data of asr, in which transcripts" in done.stderr


def test_an_evaluator_that_is_not_here_is_a_line(
    bench: Bench, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = EvaluatorCard("asr", "fake", "", "", ":load_nothing", ":nothing_missing", False)
    monkeypatch.setattr(registry, "CARDS", (card,))
    done = bench("reproduce", str(manifest))
    assert done.exit_code == console.MISSING
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        "bench: asr: fake: no weights of it: put them somewhere"
    )
    monkeypatch.setattr(registry, "CARDS", ())
    done = bench("reproduce", str(manifest))
    assert done.exit_code == console.MISSING
    assert "no asr evaluator is called 'fake'" in done.stderr.splitlines()[-1]


def test_a_task_that_the_data_here_does_not_have_is_a_line(bench: Bench, manifest: Path) -> None:
    write_set(Path(), [row | {"transcript": ""} for row in read_set()])
    done = bench("reproduce", str(manifest))
    assert done.exit_code == console.MISSING
    assert done.stderr.splitlines()[-1] == ("bench: asr: no English clip has a transcript here")


def test_a_task_that_the_project_does_not_have_is_a_line(bench: Bench, manifest: Path) -> None:
    content = json.loads(manifest.read_text())
    content["parts"][0]["name"] = "smell"
    manifest.write_text(json.dumps(content))
    done = bench("reproduce", str(manifest))
    assert done.exit_code == console.MISSING
    assert done.stderr.splitlines()[-1] == "bench: smell: no such task: 'smell'"
