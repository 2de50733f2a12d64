"""bench.recording: the manifest of a run, however it ended, and under which name."""

import getpass
import json
import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from typer.testing import CliRunner

from bench import application_cli, audio, console, signal_cli
from bench.cli import app
from bench.codec import CodecInfo
from bench.coding import Codecs
from bench.recording import recorded, recorded_codecs, shared, task_part
from bench.run_record import RunRecord, read_record
from bench.runner import Step
from bench.store import StoreError

RATE = 16_000

Bench = Callable[..., Result]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teams_are_inline: None) -> Bench:
    """Calls `bench run` in the user's home, which has two clips of music in `clips`."""
    monkeypatch.setattr(signal_cli, "measure_delays", lambda codecs, store, team: [])
    (tmp_path / "clips").mkdir()
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (2, RATE))
    for name, samples in zip("ab", noise, strict=True):
        soundfile.write(tmp_path / "clips" / f"{name}.wav", samples, RATE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    data = ["--data", str(tmp_path / "clips"), "--kind", "music"]
    return lambda *arguments: CliRunner().invoke(app, ["run", *data, *arguments])


def manifests() -> list[Path]:
    return sorted(Path("results/manifests").rglob("*.json"))


def the_manifest() -> RunRecord:
    (path,) = manifests()
    return read_record(path)


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are stopped after their first clip."""
    run = signal_cli.run

    def interrupted(plan, store, team, on_start, on_step) -> None:
        def stop(step: Step) -> None:
            on_step(step)
            raise KeyboardInterrupt

        run(plan, store, team, on_start, stop)

    monkeypatch.setattr(signal_cli, "run", interrupted)


def test_a_manifest_has_what_was_asked_and_every_cell(bench: Bench) -> None:
    done = bench("--codec", "mulaw-64k", "--clip-timeout", "9.5", "--codec-processes", "2")
    assert done.exit_code == 0, done.output
    (path,) = manifests()
    assert path.parent == Path("results/manifests/signal/clips")
    assert path.name.startswith("mulaw-64k-")
    assert f"wrote {path}" in done.stderr
    record = read_record(path)
    assert (record.suite, record.complete, record.ended) == ("signal", True, "completed")
    assert record.asked.command.startswith(
        "bench run --codec mulaw-64k --suite signal --data ~/clips --kind music --workers "
    )
    assert record.asked.command.endswith(" --codec-processes 2 --clip-timeout 9.5")
    assert [codec.name for codec in record.codecs] == ["mulaw-64k", "reference"]
    assert all(codec.revision for codec in record.codecs)
    assert record.reader == audio.READER
    (part,) = record.parts
    assert part.clips == tuple((f"{n}.wav", audio.sha256(Path(f"clips/{n}.wav"))) for n in "ab")
    results = json.loads(Path("results/signal/clips/mulaw-64k.json").read_text())
    assert part.dataset_revision == results["dataset_revision"]
    assert part.libraries == results["libraries"]
    sdr = next(c for c in part.columns if (c.codec, c.metric) == ("mulaw-64k", "sdr"))
    assert sdr.values == pytest.approx([clip["values"]["sdr"] for clip in results["clips"]])
    assert sdr.version == results["scores"][0]["metric_version"]
    assert record.n_cells == 2 * 2 * 6


def test_nobody_is_named(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "a-host-of-mine")
    bench("--codec", "mulaw-64k", "--store", str(tmp_path / "private.sqlite"))
    (path,) = manifests()
    text = path.read_text()
    for private in (str(tmp_path), "private", "a-host-of-mine", f"/{getpass.getuser()}/"):
        assert private not in text
    assert '"data": "~/clips"' in text


def test_the_same_run_has_one_manifest_and_another_run_another(bench: Bench) -> None:
    bench("--codec", "mulaw-64k")
    (first,) = manifests()
    bench("--codec", "mulaw-64k")
    assert manifests() == [first]
    bench("--codec", "mulaw-64k,resample-16k")
    bench("--codec", "resample-16k,mulaw-64k")
    assert [path.name.rpartition("-")[0] for path in manifests()] == [
        "mulaw-64k+1",
        "mulaw-64k",
        "resample-16k+1",
    ]
    soundfile.write("clips/b.wav", np.zeros(RATE), RATE)
    bench("--codec", "mulaw-64k")
    assert len(manifests()) == 4


@pytest.mark.usefixtures("ctrl_c")
def test_a_stopped_run_has_a_manifest_of_what_it_came_to(bench: Bench) -> None:
    done = bench("--codec", "mulaw-64k")
    assert done.exit_code == console.INTERRUPTED
    assert done.stderr.splitlines()[-1].startswith("bench: stopped; what was finished is kept")
    record = the_manifest()
    assert (record.complete, record.ended) == (False, "stopped by Ctrl-C")
    assert record.n_cells == 6
    assert [column.codec for column in record.parts[0].columns if column.has(0)] == (
        ["mulaw-64k"] * 6
    )


def test_a_finished_manifest_takes_the_place_of_a_stopped_one_and_not_the_reverse(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    bench("--codec", "mulaw-64k")
    (path,) = manifests()
    whole = path.read_bytes()
    request.getfixturevalue("ctrl_c")
    assert bench("--codec", "mulaw-64k", "--store", "new").exit_code == console.INTERRUPTED
    assert path.read_bytes() == whole


def test_a_run_that_goes_on_finishes_its_manifest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    run = signal_cli.run
    request.getfixturevalue("ctrl_c")
    bench("--codec", "mulaw-64k")
    assert not the_manifest().complete
    monkeypatch.setattr(signal_cli, "run", run)
    bench("--codec", "mulaw-64k")
    assert the_manifest().complete
    assert the_manifest().n_cells == 24


def test_failed_clips_have_their_reason(bench: Bench) -> None:
    Path("clips/b.wav").write_text("no audio")
    assert bench("--codec", "mulaw-64k").exit_code == console.SOME_FAILED
    record = the_manifest()
    assert record.complete
    for column in record.parts[0].columns:
        assert list(column.errors) == [1]
        assert column.errors[1].startswith("b.wav: not readable as audio")


def test_codecs_that_are_missing_are_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQCODEC_WEIGHTS", "none")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert bench("--codec", "mulaw-64k,sqcodec-12k").exit_code == console.MISSING
    (line,) = the_manifest().missing
    assert line.startswith("no weights for sqcodec-12k: ")


def test_a_run_of_nothing_has_no_manifest(bench: Bench) -> None:
    assert bench("--codec", "mulaw-63k").exit_code == console.MISSING
    assert manifests() == []


def test_manifests_that_cannot_be_written_are_told_in_one_line(bench: Bench) -> None:
    Path("results").mkdir()
    Path("results/manifests").write_text("taken")
    done = bench("--codec", "mulaw-64k")
    assert done.exit_code == console.MISSING
    assert done.stderr.splitlines()[-1].startswith("bench: cannot write results to results: ")


def test_what_stopped_a_run_is_told_and_not_what_came_of_it(tmp_path: Path) -> None:
    info = CodecInfo("one", None, None, 0, 0, 0.0, "r1", weights_sha256="ab" * 32)
    codecs = Codecs((info,), (), "", {"one": "one.safetensors"})
    assert recorded_codecs(codecs)[0].asked == "one.safetensors"
    assert recorded_codecs(codecs)[0].weights_sha256 == "ab" * 32
    options = application_cli.RunOptions(("one",), results=tmp_path / "results")

    def no_parts() -> list:
        raise StoreError("damaged")

    errors = console.error_console()
    with (
        pytest.raises(StoreError, match="full"),
        recorded(options, codecs, ("set", "r"), no_parts, (), errors),
    ):
        raise StoreError("full")
    assert not (tmp_path / "results").exists()
    with (
        pytest.raises(OSError, match="sda1"),
        recorded(options, codecs, ("set", "r"), list, (), errors),
    ):
        raise OSError("no space on /dev/disk/sda1")
    (path,) = (tmp_path / "results").rglob("*.json")
    assert read_record(path).ended == "stopped: OSError: no space on sda1"


def test_homes_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert shared("/home/me/data/x.csv") == "~/data/x.csv"
    assert shared("folder:/home/me/decoded") == "folder:~/decoded"
    assert shared("/home/meyer/data") == "/home/meyer/data"
    assert shared("mini") == "mini"
    monkeypatch.setenv("HOME", "/")
    assert shared("/data/x") == "/data/x"


def test_a_task_that_could_not_be_asked_has_no_cells() -> None:
    data = application_cli.TaskData("asr", "set", "r", ())
    part = task_part(data, {"one": application_cli.TaskResult("asr", "no weights")})
    assert (part.name, part.unavailable, part.columns) == ("asr", "no weights", ())
