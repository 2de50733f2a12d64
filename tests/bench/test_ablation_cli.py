"""`bench ablate`, with a trainer and suites that cost nothing: whole, stopped, and bad input."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ablation_stub import write_signal_result
from rich.console import Console
from typer.testing import CliRunner, Result

from bench import cli, registry
from bench.ablation import run as ablation
from bench.console import MISSING
from bench.options import RunOptions
from bench.report.tables.trained_ablation import NOT_RESOLVED
from bench.team import RunError
from bench.trainable import (
    BASELINE,
    SETTINGS_FILE,
    CorpusFacts,
    Cost,
    NotTrainableError,
    Settings,
    Teacher,
    Trained,
    Variant,
)

pytestmark = pytest.mark.usefixtures("trainings_are_inline")
NAMES = (BASELINE, "window-40", "no-tconv", "no-perceptual-loss")


class Stub:
    """A trainer that writes its files, and may be told to stop or to fail."""

    def __init__(self) -> None:
        self.trained: list[str] = []
        self.faults: dict[str, BaseException] = {}
        self.first_loss = "0.01"

    def variants(self, preset: str) -> tuple[Variant, ...]:
        if preset != "sqcodec-6k":
            raise NotTrainableError(f"no preset is called {preset!r}")
        return tuple(Variant(name, f"{preset}-{name}", {}, 0.84375, 3.3721875) for name in NAMES)

    def settings(
        self, preset: str, variant: str, steps: int, batch: int, seed: int, given: Settings
    ) -> Settings:
        shared = {"waveform_weight": 100.0, "stft_weight": 1.0, "perceptual_weight": 1.0}
        own = {"steps": steps, "batch_size": batch, "growth_steps": 1, "crop_s": 1.6875}
        return {"adversarial_weight": 0.0, **shared, **own, **given}

    def corpus(self, preset: str, source: str) -> CorpusFacts:
        if source == "missing":
            raise NotTrainableError("missing is no corpus")
        return CorpusFacts(source, "synthetic sounds", 0.01, f"revision of {source}")

    def teacher(self, settings: Settings) -> Teacher | None:
        return Teacher("perceptual", "a-whisper", "abc") if settings["perceptual_weight"] else None

    def cost(self, settings: Settings, source: str, folder: Path, device: str) -> Cost:
        folder.mkdir(parents=True)
        return Cost(step_s=9.0, growth_step_s=9.0)

    def train(
        self, settings: Settings, source: str, folder: Path, device: str, name: str
    ) -> Trained:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).write_text(json.dumps(settings))
        if name in self.faults:
            raise self.faults[name]
        self.trained.append(name)
        (folder / f"{name}.safetensors").write_bytes(b"weights")
        rows = f"1,{self.first_loss},2,nan\n"
        rows += "".join(f"{step},0.01,{1 + 1 / step},2.0\n" for step in range(2, 6))
        (folder / "log.csv").write_text(f"step,waveform,stft,validation\n{rows}")
        return Trained(name, f"{name}.safetensors", settings["steps"], 8.4, 36.0, "1 CPU thread")


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    made = Stub()
    monkeypatch.setattr(registry, "trainable", lambda: made)
    return made


@pytest.fixture
def suites(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """What the suites were asked; clips of the variants score 0.25 dB less each than those of
    the one before, and no evaluator is here."""
    asked: list[RunOptions] = []

    def signal(options: RunOptions, errors: Console) -> int:
        asked.append(options)
        print("a table that nobody asked for")
        for number, path in enumerate(options.codecs):
            name, data = Path(path).stem, Path(options.data).stem
            write_signal_result(options.results, data, name, -0.25 * number)
        return 0

    def application(options: RunOptions, errors: Console) -> int:
        asked.append(options)
        raise RunError("no evaluator is here: pip install")

    monkeypatch.setattr(ablation, "run_signal", signal)
    monkeypatch.setattr(ablation, "run_application", application)
    return asked


@pytest.fixture
def ablate(tmp_path: Path) -> Callable[..., Result]:
    def called(*arguments: object, budget: tuple[object, ...] = ("--budget-steps", 5)) -> Result:
        given = ("ablate", *budget, "--batch", 1, "--out", tmp_path / "out", *arguments)
        return CliRunner().invoke(cli.app, list(map(str, given)))

    return called


def rows_of(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    with open(folder / "out" / "table3-ablation.csv", newline="") as file:
        return {(row["source"], row["key"]): row for row in csv.DictReader(file)}


def test_all_is_trained_scored_and_rendered(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    done = ablate("--eval-clips", 8)
    assert done.exit_code == MISSING, done.output  # for the evaluators
    assert stub.trained == [f"sqcodec-6k-{name}-seed0" for name in NAMES]
    assert [options.suite for options in suites] == ["signal", "application"]
    assert len(suites[0].codecs) == 4
    assert "a table that nobody asked for" not in done.stdout
    rows = rows_of(tmp_path)
    narrow = rows["trained here", "sqcodec-6k-window-40"]
    assert float(narrow["sdr_db"]) == pytest.approx(-0.25)
    assert narrow["pesq_remark"] == NOT_RESOLVED  # all clips are alike
    assert "sdr_db_remark" not in narrow  # all clips differ by as much
    assert NOT_RESOLVED not in rows["trained here", "sqcodec-6k"].values()
    assert "no evaluator is here: pip install" in narrow["reasons"]
    assert rows["paper", "sqcodec-6k-window-40"]["sdr_db"] == "-0.111"
    files = {path.name for path in (tmp_path / "out").iterdir()}
    kinds = ("md", "csv", "tex")
    assert {f"table3-ablation.{kind}" for kind in kinds} < files
    assert {"curves.png", "curves.svg", "ablation.json", "plan.json"} < files
    text = (tmp_path / "out" / "table3-ablation.md").read_text()
    assert "4 trainings of 5 steps each" in text
    assert "7,375 h of audio, 3,160,714 times as much" in text


def test_stopped_in_the_middle_it_does_the_rest_only(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    stub.faults["sqcodec-6k-no-tconv-seed0"] = KeyboardInterrupt()
    stopped = ablate()
    assert stopped.exit_code == 130
    assert "the same command goes on from it" in stopped.stderr
    assert (len(stub.trained), suites) == (2, [])
    stub.faults.clear()
    stub.trained.clear()
    again = ablate()
    assert again.exit_code == MISSING, again.output
    assert stub.trained == [f"sqcodec-6k-{name}-seed0" for name in NAMES[2:]]
    assert "2 of 4 trainings are done already" in again.stderr
    first = (tmp_path / "out" / "ablation.json").read_bytes()
    stub.trained.clear()
    ablate()
    assert stub.trained == []
    assert (tmp_path / "out" / "ablation.json").read_bytes() == first


def test_a_skipped_step_and_a_lost_log_end_nothing(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    def steps() -> list[list[int]]:
        content = json.loads((tmp_path / "out" / "ablation.json").read_text())
        return [one["step"] for one in content["curves"]]

    stub.first_loss = "nan"
    assert ablate("--variants", "window-40").exit_code == MISSING
    assert steps() == [[2, 3, 4, 5]] * 2
    folder = tmp_path / "out" / "runs"
    (folder / "baseline-seed0" / "log.csv").write_text("")
    (folder / "window-40-seed0" / "log.csv").write_text("step,waveform,stft,validation\n")
    assert ablate("--variants", "window-40").exit_code == MISSING
    assert steps() == [[], []]
    assert len(stub.trained) == 2


def test_trainings_of_other_settings_are_not_taken_for_these(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    assert ablate().exit_code == MISSING
    plan = tmp_path / "out" / "plan.json"
    content = plan.read_bytes()
    plan.unlink()
    stub.trained.clear()
    done = ablate(budget=("--budget-steps", 500))
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "a training of other settings (steps 5, not 500); remove the folder" in done.stderr
    assert not plan.exists()
    assert "corpus with other clips" in ablate("--corpus", "other").stderr
    assert "(batch_size 1, not 2)" in ablate("--batch", 2).stderr
    # The same command has them all, its plan included, again.
    assert ablate().exit_code == MISSING
    assert stub.trained == []
    assert plan.read_bytes() == content


def test_what_was_given_is_in_the_table(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    settings = tmp_path / "given.toml"
    settings.write_text('precision = "bf16"\nperceptual_weight = 0.2\n')
    assert ablate("--config", settings).exit_code == MISSING
    text = (tmp_path / "out" / "table3-ablation.md").read_text()
    assert 'precision = "bf16", perceptual_weight = 0.2' in text.replace("\\", "")
    content = json.loads((tmp_path / "out" / "ablation.json").read_text())
    assert content["given"] == {"precision": "bf16", "perceptual_weight": 0.2}
    assert content["teacher"]["name"] == "a-whisper"


def test_a_failed_training_says_so_in_its_row(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    stub.faults["sqcodec-6k-window-40-seed0"] = NotTrainableError("no finite gradient")
    done = ablate()
    assert done.exit_code == 1, done.output
    assert "bench: window-40, seed 0 failed: no finite gradient" in done.stderr
    narrow = rows_of(tmp_path)["trained here", "sqcodec-6k-window-40"]
    assert narrow["sdr_db"] == ""
    assert "its training failed: no finite gradient" in narrow["reasons"]
    assert rows_of(tmp_path)["trained here", "sqcodec-6k-no-tconv"]["sdr_db"] != ""
    stub.faults.clear()
    assert ablate().exit_code == MISSING
    assert rows_of(tmp_path)["trained here", "sqcodec-6k-window-40"]["sdr_db"] != ""


def test_hours_become_steps_that_are_kept(
    ablate: Callable[..., Result],
    stub: Stub,
    suites: list[RunOptions],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 0.1 h are 90 s for each of 4, 81 s of them for a step of growth and steps of 9 s.
    hours = ("--budget-hours", 0.1)
    assert ablate(budget=hours).exit_code == MISSING
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert plan["steps"] == 8
    assert not (tmp_path / "out" / "timing").exists()
    text = (tmp_path / "out" / "table3-ablation.md").read_text()
    assert "Budget of 0.1 h of compute, shared equally: 4 trainings of 8 steps" in text
    monkeypatch.setattr(stub, "cost", None)  # it is not measured again
    assert ablate(budget=hours).exit_code == MISSING


def test_only_some_variants_and_several_seeds(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    assert ablate("--variants", "no-tconv", "--seeds", 2).exit_code == MISSING
    trained = [(variant, seed) for seed in (0, 1) for variant in (BASELINE, "no-tconv")]
    assert stub.trained == [f"sqcodec-6k-{variant}-seed{seed}" for variant, seed in trained]
    rows = rows_of(tmp_path)
    assert [key for source, key in rows if source == "trained here"] == [
        "sqcodec-6k",
        "sqcodec-6k-no-tconv",
    ]


@pytest.mark.parametrize(
    ("arguments", "budget", "said"),
    [
        ((), (), "give --budget-steps or --budget-hours, one of the two"),
        ((), ("--budget-steps", 5, "--budget-hours", 1), "give --budget-steps or --budget-hours"),
        (("--variants", "window-41"), None, "no variant is called 'window-41'; did you mean"),
        (("--preset", "sqcodec-6"), None, "no preset is called 'sqcodec-6'"),
        (("--corpus", "missing"), None, "missing is no corpus"),
        (("--data", "missing"), None, "no data set, folder or manifest is called 'missing'"),
        (("--device", "tpu"), None, "no device is called 'tpu'"),
        (("--config", "missing.toml"), None, "missing.toml cannot be read: No such file"),
        (("--variants", ""), None, "--variants names none, got ''"),
        (("--variants", " ,"), None, "--variants names none, got ' ,'"),
        ((), ("--budget-hours", "inf"), "--budget-hours must be a number of hours, got inf"),
        ((), ("--budget-hours", 0.001), "and a step takes 9.0 s: give more hours"),
    ],
)
def test_bad_input_is_one_line(
    ablate: Callable[..., Result],
    stub: Stub,
    suites: list[RunOptions],
    arguments: tuple[str, ...],
    budget: tuple[object, ...] | None,
    said: str,
) -> None:
    done = ablate(*arguments) if budget is None else ablate(*arguments, budget=budget)
    assert done.exit_code == 2
    assert done.stderr.startswith("bench: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert stub.trained == []


def test_a_file_in_the_folders_place_is_one_line(
    ablate: Callable[..., Result], stub: Stub, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("")
    done = ablate()
    assert (done.exit_code, stub.trained) == (2, [])
    assert "out is, or lies below, a file: name a folder (--out)" in done.stderr
    assert "Errno" not in done.stderr


@pytest.mark.parametrize("value", ["inf", "nan", "1979-05-27"])
def test_what_is_no_setting_is_one_line(
    ablate: Callable[..., Result], stub: Stub, tmp_path: Path, value: str
) -> None:
    (tmp_path / "given.toml").write_text(f"waveform_weight = {value}")
    done = ablate("--config", tmp_path / "given.toml")
    assert (done.exit_code, stub.trained) == (2, [])
    assert done.stderr.count("\n") == 1
    assert "given.toml has what is no setting: " in done.stderr


def test_damaged_files_are_a_line_each(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions], tmp_path: Path
) -> None:
    assert ablate("--variants", "window-40").exit_code == MISSING
    for name, text in (
        ("plan.json", "null"),
        ("plan.json", '"abc"'),
        ("runs/baseline-seed0/done.json", '{"weights": null}'),
        ("runs/baseline-seed0/done.json", "["),
        ("runs/baseline-seed0/settings.json", "["),
    ):
        path = tmp_path / "out" / name
        whole = path.read_text()
        path.write_text(text)
        done = ablate("--variants", "window-40")
        path.write_text(whole)
        assert done.exit_code == 2
        assert done.stderr.startswith("bench: ")
        assert done.stderr.count("\n") == 1
        assert f"{path.name} cannot be read" in done.stderr
        assert "remove the folder" in done.stderr


def test_other_settings_on_the_same_folder_are_refused(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions]
) -> None:
    assert ablate().exit_code == MISSING
    done = ablate("--seeds", 2)
    assert done.exit_code == 2
    assert "is an ablation of other settings (seeds 1, not 2)" in done.stderr
    assert "--out" in done.stderr


def test_no_training_at_all_is_told(
    ablate: Callable[..., Result], stub: Stub, suites: list[RunOptions]
) -> None:
    stub.faults = {f"sqcodec-6k-{name}-seed0": NotTrainableError("no room") for name in NAMES}
    done = ablate()
    assert done.exit_code == 1
    assert "no training came to its end: no room" in done.stderr
    assert suites == []
