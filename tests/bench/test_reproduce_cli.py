"""bench reproduce: a run and its manifest, then the same run with one thing changed."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench import console, provenance, reproduce_cli, rerun, signal_cli
from bench.cli import app
from bench.metrics import METRICS
from bench.runner import Step
from bench.store import Store

RATE = 16_000

Bench = Callable[..., Result]


def mean_difference(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that costs nothing."""
    return float(np.abs(reference - estimate).mean())


def another_metric(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    return 0.02 + mean_difference(reference, estimate, sample_rate)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, teams_are_inline: None) -> Bench:
    """Calls `bench` in a folder with three short clips in `clips`; metrics cost nothing."""
    for name in METRICS:
        quick = replace(METRICS[name], function=f"{__name__}:mean_difference", libraries=())
        monkeypatch.setitem(METRICS, name, quick)
    monkeypatch.setattr(signal_cli, "measure_delays", lambda codecs, store, team: [])
    (tmp_path / "clips").mkdir()
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (3, RATE // 10))
    for name, samples in zip("abc", noise, strict=True):
        soundfile.write(tmp_path / "clips" / f"{name}.wav", samples, RATE)
    clean = provenance.Project("0.1.0", "abc", False)  # whatever checkout the tests run in
    monkeypatch.setattr(provenance, "project", lambda: clean)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def manifest(bench: Bench, tmp_path: Path) -> Path:
    """Of a run of mu-law, with the untouched clips beside; its store is gone."""
    done = bench("run", "--codec", "mulaw-64k", "--data", "clips")
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "results" / "manifests" / "signal" / "clips").iterdir()
    shutil.rmtree(tmp_path / ".bench")
    return path


def edited(manifest: Path, change: Callable[[dict], object]) -> str:
    content = json.loads(manifest.read_text())
    change(content)
    manifest.write_text(json.dumps(content))
    return str(manifest)


def test_nothing_differs(bench: Bench, manifest: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = bench("reproduce", str(manifest))
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        "48 cells of mulaw-64k, reference on clips: no difference; 48 of 48 computed now, compared "
        "exactly\n"
    )
    assert "48 cells computed, 0 were in" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_changed_hash_of_weights_is_told_before_it_computes(
    bench: Bench, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    compute = rerun.compute

    def watched(*arguments: object) -> None:
        told.extend(line for line in lines if line.startswith("weights of mulaw-64k"))
        compute(*arguments)

    lines: list[str] = []
    differ = reproduce_cli.inputs_that_differ

    def kept(*arguments):
        found = differ(*arguments)
        lines.extend(map(str, found))
        return found

    monkeypatch.setattr(reproduce_cli, "inputs_that_differ", kept)
    monkeypatch.setattr(rerun, "compute", watched)
    path = edited(manifest, lambda m: m["codecs"][0].update(weights_sha256="ab" * 32))
    done = bench("reproduce", path)
    assert done.exit_code == reproduce_cli.DIFFERENT
    line = "weights of mulaw-64k: manifest says abababababab..., here none"
    assert told == [line]
    assert f"differs: {line}" in done.stderr
    assert "48 cells of mulaw-64k, reference on clips: no difference" in done.stdout
    assert "inputs that differ: 1, said above" in done.stdout


def test_strict_computes_nothing_where_an_input_differs(bench: Bench, manifest: Path) -> None:
    same = bench("reproduce", str(manifest), "--strict")
    assert same.exit_code == 0
    path = edited(manifest, lambda m: m["codecs"][0].update(revision="another"))
    done = bench("reproduce", path, "--strict")
    assert done.exit_code == reproduce_cli.DIFFERENT
    assert done.stdout == ""
    assert "cells computed" not in done.stderr
    assert done.stderr.endswith("nothing was computed (--strict)\n")


def test_changed_audio_is_told_by_clip_and_by_cell(bench: Bench, manifest: Path) -> None:
    soundfile.write("clips/b.wav", np.full(RATE // 10, 0.3), RATE)
    done = bench("reproduce", str(manifest))
    assert done.exit_code == reproduce_cli.DIFFERENT
    assert "differs: data: clip b.wav: manifest says " in done.stderr
    assert "mulaw-64k sdr  b.wav: manifest says 0.14" in done.stdout
    assert "a.wav: manifest says" not in done.stdout


def test_cells_are_missing_on_either_side(bench: Bench, manifest: Path) -> None:
    Path("clips/a.wav").rename("clips/z.wav")
    done = bench("reproduce", str(manifest))
    assert done.exit_code == reproduce_cli.DIFFERENT
    assert "data: clip a.wav: manifest says" in done.stderr
    assert "data: clip z.wav: manifest says no such clip, here" in done.stderr
    found = json.loads(bench("reproduce", str(manifest), "--json").stdout)
    sides = {
        (cell["clip"], cell["manifest"] == "no cell", cell["here"] == "no cell")
        for column in found["columns"]
        for cell in column["different"]
    }
    assert sides == {("a.wav", False, True), ("z.wav", True, False)}


def test_another_version_of_a_metric_is_compared_within_its_tolerance(
    bench: Bench, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(METRICS["sdr"], revision=9, function=f"{__name__}:another_metric")
    monkeypatch.setitem(METRICS, "sdr", changed)
    done = bench("reproduce", str(manifest))
    assert done.exit_code == reproduce_cli.DIFFERENT
    assert "differs: version of sdr: manifest says sdr/1, here sdr/9" in done.stderr
    assert "48 of 48 computed now, compared within tolerances" in " ".join(done.stdout.split())
    exact = bench("reproduce", str(manifest), "--tolerance", "0")
    assert "sdr" in exact.stdout
    assert "6 of 48 cells of mulaw-64k, reference on clips differ" in exact.stdout
    wide = bench("reproduce", str(manifest), "--tolerance", "0", "--tolerance", "sdr=0.5")
    assert "no difference" in wide.stdout


def test_a_value_that_differs_has_a_row_and_a_line(bench: Bench, manifest: Path) -> None:
    def change(content: dict) -> None:
        column = next(c for c in content["parts"][0]["columns"] if c["metric"] == "stoi")
        column["values"][1] += 0.25

    done = bench("reproduce", edited(manifest, change))
    assert done.exit_code == reproduce_cli.DIFFERENT
    row = next(line for line in done.stdout.splitlines() if line.startswith(" signal"))
    assert row.split() == ["signal", "mulaw-64k", "stoi", "3", "1", "0.25", "exact"]
    assert "1 of 48 cells" in done.stdout
    assert "  mulaw-64k stoi  b.wav: manifest says 0.392757669, here 0.142757669\n" in done.stdout


def test_a_clip_that_failed_in_both_is_no_difference(bench: Bench) -> None:
    Path("clips/b.wav").write_text("no audio")
    assert bench("run", "--codec", "mulaw-64k", "--data", "clips").exit_code == console.SOME_FAILED
    (path,) = Path("results/manifests/signal/clips").iterdir()
    assert any(c["errors"] for c in json.loads(path.read_text())["parts"][0]["columns"])
    done = bench("reproduce", str(path))
    assert done.exit_code == 0, done.output
    assert "48 cells" in done.stdout


def test_the_run_of_a_stopped_run_is_as_long_as_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = signal_cli.run

    def interrupted(plan, store, team, on_start, on_step) -> None:
        def stop(step: Step) -> None:
            on_step(step)
            raise KeyboardInterrupt

        run(plan, store, team, on_start, stop)

    with monkeypatch.context() as patched:
        patched.setattr(signal_cli, "run", interrupted)
        assert bench("run", "--codec", "mulaw-64k", "--data", "clips").exit_code == 130
    (path,) = Path("results/manifests/signal/clips").iterdir()
    content = json.loads(path.read_text())
    assert (content["complete"], content["ended"]) == (False, "stopped by Ctrl-C")
    done = bench("reproduce", str(path))
    assert done.exit_code == 0, done.output
    assert "the run was stopped by Ctrl-C: only what it came to is done again" in done.stderr
    assert done.stdout.startswith("8 cells of mulaw-64k, reference on clips: no difference")
    assert "16 cells computed" in done.stderr  # of the one clip, through both codecs


def test_data_elsewhere(bench: Bench, manifest: Path) -> None:
    Path("clips").rename("moved")
    lost = bench("reproduce", str(manifest))
    assert lost.exit_code == console.MISSING
    assert "no data set, folder or manifest is called 'clips'" in lost.stderr
    done = bench("reproduce", str(manifest), "--data", "moved")
    assert done.exit_code == 0, done.output
    assert "whose files are the same: manifest says" in done.stderr


def test_a_store_that_is_kept_saves_the_second_time(bench: Bench, manifest: Path) -> None:
    assert bench("reproduce", str(manifest), "--store", "kept").exit_code == 0
    again = bench("reproduce", str(manifest), "--store", "kept")
    assert again.exit_code == 0
    assert "0 cells computed, 48 were in kept" in again.stderr
    assert "0 of 48 computed now; 48 were in the store already" in " ".join(again.stdout.split())


def test_of_a_store_that_has_some_cells_the_others_alone_are_computed_now(
    bench: Bench, manifest: Path
) -> None:
    few = ("--part", "1/3", "--store", "kept")
    assert bench("run", "--codec", "mulaw-64k", "--data", "clips", *few).exit_code == 0
    found = json.loads(bench("reproduce", str(manifest), "--store", "kept", "--json").stdout)
    assert (found["same"], found["n_cells"], found["n_computed"]) == (True, 48, 32)
    assert found["n_in_store_already"] == 16
    by_hand = [column["n_cells"] for column in found["columns"] if column["was_there"]]
    assert by_hand == [1] * 16


def test_json_says_all(bench: Bench, manifest: Path) -> None:
    found = json.loads(bench("reproduce", str(manifest), "--json").stdout)
    assert (found["same"], found["n_cells"], found["n_different"]) == (True, 48, 0)
    assert {column["metric"] for column in found["columns"]} >= {"sdr", "bits", "duration"}
    path = edited(manifest, lambda m: m["codecs"][0].update(weights_sha256="0" * 64))
    found = json.loads(bench("reproduce", path, "--json", "--strict").stdout)
    assert (found["same"], found["computed"], found["columns"]) == (False, False, [])
    assert found["inputs"] == [
        {"what": "weights of mulaw-64k", "manifest": "000000000000...", "here": "none"}
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m["codecs"][0].update(asked="mulaw-99k"), "no codec is called 'mulaw-99k'"),
        (lambda m: m["codecs"][0].update(asked="sqcodec-12k"), "no weights for sqcodec-12k: "),
        (lambda m: m["asked"].update(data="~/nowhere"), "is called '~/nowhere'"),
        (lambda m: m.update(suite="tactile"), "no suite is called 'tactile' here"),
        (lambda m: m.update(parts=[]), "the manifest has no cells: its run ended before the first"),
        (lambda m: m["asked"].update(device="abacus"), "'abacus'"),
    ],
)
def test_what_cannot_be_reproduced_is_a_line(
    bench: Bench,
    manifest: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: Callable[[dict], object],
    told: str,
) -> None:
    monkeypatch.setenv("SQCODEC_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = bench("reproduce", edited(manifest, change))
    assert done.exit_code == console.MISSING
    assert done.stdout == ""
    assert told in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("bench: ")


def test_no_manifest_and_no_tolerance(bench: Bench, manifest: Path) -> None:
    for arguments, told in [
        (["absent.json"], "bench: absent.json: no such manifest; bench run writes one"),
        (["clips/a.wav"], "bench: clips/a.wav: not a manifest that bench run wrote: no JSON"),
        ([str(manifest), "--tolerance", "sdr=much"], "bench: expected --tolerance NUMBER or "),
        ([str(manifest), "--tolerance", "-1"], "bench: expected --tolerance NUMBER or "),
        (
            [str(manifest), "--tolerance", "sdrr=0.02"],
            "bench: no metric of the manifest is called 'sdrr'; did you mean sdr",
        ),
    ]:
        done = bench("reproduce", *arguments)
        assert done.exit_code == console.MISSING
        (line,) = done.stderr.splitlines()
        assert line.startswith(told)


def test_ctrl_c_says_where_the_rest_is(
    bench: Bench, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rerun, "compute", interrupted)
    done = bench("reproduce", str(manifest), "--store", "kept")
    assert done.exit_code == console.INTERRUPTED
    assert done.stderr.endswith("bench: stopped; what was finished is in kept\n")
    done = bench("reproduce", str(manifest))
    assert done.stderr.endswith("bench: stopped; --store keeps what was finished\n")


def test_a_store_that_cannot_be_used(bench: Bench, manifest: Path) -> None:
    Path("full").write_text("no store" * 999)
    done = bench("reproduce", str(manifest), "--store", "full")
    assert done.exit_code == console.MISSING
    assert done.stderr.splitlines()[-1].startswith("bench: full cannot be used as a store")


def test_no_manifest_of_the_run_is_written_by_its_reproduction(
    bench: Bench, manifest: Path
) -> None:
    before = manifest.read_bytes()
    bench("reproduce", str(manifest))
    assert manifest.read_bytes() == before
    with Store(Path("unused")) as store:
        assert store.clips() == []
