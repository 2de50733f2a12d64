"""Codecs and metrics that break, as a user meets them: `bench run` with real processes.

Of two clips, `good` and `bad`, each codec here fails on `bad` in its own way. They come as a
third party's package would: a module with entry points, found by their names.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from typer.testing import CliRunner

from bench import audio, cli, console
from bench.datasets.manifest import load_manifest
from bench.metrics import METRICS
from bench.store import Store

RATE = 16_000

FAULTY = """
import os, signal
from dataclasses import replace
import numpy as np
from baselines.anchors import Identity

class Faulty(Identity):
    def __init__(self, name):
        super().__init__(name, None)

    def encode(self, audio, sample_rate):
        self.bad = audio.shape[1] == 1600
        encoded = super().encode(audio, sample_rate)
        if self.bad and self.info.name == "wrong-rate":
            return replace(encoded, sample_rate=8_000)
        return encoded

    def decode(self, encoded):
        audio = super().decode(encoded)
        if not self.bad:
            return audio
        match self.info.name:
            case "raises":
                raise RuntimeError("bad\\nluck in /home/me/models/net.bin")
            case "hangs":
                signal.pause()
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "gives-nan":
                audio[0, 3] = np.nan
            case "gives-less":
                return audio[:, :-10]
            case "kills-the-metric":
                audio[:] = 0.25
        return audio

def mean_difference(reference, estimate, sample_rate):
    return float(np.abs(reference - estimate).mean())

def dies_on_a_quarter(reference, estimate, sample_rate):
    if (estimate == 0.25).all():
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.0
"""

TOLD = {
    "raises": "RuntimeError: bad luck in net.bin",
    "hangs": "the codec took longer than the 3 s of a clip",
    "dies": "the codec process was ended by SIGKILL from outside (out of memory?)",
    "gives-nan": "the codec returned NaN or infinite samples: 1 of 1600",
    "gives-less": "the codec returned audio of shape [1, 1590] for [1, 1600]",
    "wrong-rate": "the codec encoded at 8000 Hz what it got at 16000 Hz",
    "kills-the-metric": "the metric process was ended by SIGKILL from outside (out of memory?)",
}


@dataclass
class Run:
    """What came of a run: the process's result, and the folder that it ran in."""

    done: Result
    folder: Path

    def result(self, codec: str) -> dict:
        return json.loads((self.folder / f"results/signal/set/{codec}.json").read_text())

    def clip(self, codec: str, name: str) -> dict:
        return next(clip for clip in self.result(codec)["clips"] if clip["clip"] == name)


def bench_run(*arguments: str) -> Result:
    with_data = ["run", *arguments, "--data", "set.csv", "--workers", "1"]
    done = CliRunner().invoke(cli.app, with_data)
    assert "Traceback" not in done.output
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder to run in, with two clips, the faulty codecs and metrics at no cost."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "faulty.py").write_text(FAULTY)
    (folder / "faulty-0.dist-info").mkdir()
    names = "\n".join(f"{name} = faulty:Faulty" for name in TOLD)
    (folder / "faulty-0.dist-info/entry_points.txt").write_text(f"[bench.codecs]\n{names}\n")
    rows = ["id,path,dataset,kind,sha256"]
    for name, n_samples in (("bad", 1600), ("good", 3200)):
        noise = np.random.default_rng(n_samples).uniform(-0.4, 0.4, n_samples)
        soundfile.write(folder / f"{name}.wav", noise, RATE)
        rows.append(f"{name},{name}.wav,d,speech,{audio.sha256(folder / f'{name}.wav')}")
    (folder / "set.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patched:
        for name in METRICS:
            function = "dies_on_a_quarter" if name == "stoi" else "mean_difference"
            quick = replace(METRICS[name], function=f"faulty:{function}", libraries=())
            patched.setitem(METRICS, name, quick)
        patched.syspath_prepend(folder)
        patched.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return Run(bench_run("--codec", ",".join(TOLD), "--clip-timeout", "3"), folder)


def test_the_run_ends_with_the_status_of_some_failures(run: Run) -> None:
    assert run.done.exit_code == console.SOME_FAILED
    assert "no constant delay" not in run.done.output


@pytest.mark.parametrize("codec", TOLD)
def test_the_bad_clip_is_named_with_its_reason(run: Run, codec: str) -> None:
    bad = run.clip(codec, "bad")
    assert bad["values"] == {}
    assert {bad["errors"][name] for name in METRICS} == {TOLD[codec]}
    counted, named = run.done.stdout.split("Failed, by reason:\n")[1].split("Failed:\n")
    # A clip that came through the codec keeps what was measured of it: bits, duration, ...
    n_cells = 4 if codec == "kills-the-metric" else 8
    failures = [{"reason": TOLD[codec], "n_clips": 1, "n_cells": n_cells}]
    assert run.result(codec)["failures"] == failures
    assert f"  1 clip ({codec}): {TOLD[codec]}\n" in counted
    (line,) = (line for line in named.splitlines() if f"({codec})" in line)
    assert line.startswith("  d/bad")
    assert line.endswith(f": {TOLD[codec]}")


@pytest.mark.parametrize("codec", [*TOLD, "reference"])
def test_the_good_clip_is_scored(run: Run, codec: str) -> None:
    good = run.clip(codec, "good")
    assert good["errors"] == {}
    assert sorted(good["values"]) == sorted(METRICS)


def test_what_failed_is_tried_again_and_nothing_else(run: Run) -> None:
    again = bench_run("--codec", "raises,gives-nan")
    assert again.exit_code == console.SOME_FAILED
    assert "16 cells computed, 32 were in .bench/store.sqlite" in again.stderr


def test_no_reason_has_a_path_of_this_machine(run: Run) -> None:
    for path in (run.folder / "results").rglob("*.json"):
        text = path.read_text()
        assert "/home/me" not in text
        assert str(run.folder) not in text


@pytest.mark.usefixtures("run")
def test_a_codec_that_is_no_checkpoint(folder: Path) -> None:
    (folder / "corrupt.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{not json at all")
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    foreign = len(header).to_bytes(8, "little") + header + bytes(4)
    (folder / "foreign.safetensors").write_bytes(foreign)
    done = bench_run("--codec", "corrupt.safetensors,foreign.safetensors,gone.safetensors")
    assert done.exit_code == cli.MISSING
    assert done.stdout == ""
    corrupt, other, gone = done.stderr.splitlines()
    assert corrupt.startswith("bench: corrupt.safetensors cannot be read as safetensors: ")
    assert other.startswith("bench: foreign.safetensors is not an SQCodec weights file: expected")
    assert gone == "bench: no checkpoint at gone.safetensors: no such file"


def test_cuda_that_is_asked_for_and_absent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = bench_run("--codec", "reference", "--device", "cuda")
    assert done.exit_code == cli.MISSING
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: no CUDA device is usable here (torch finds none): choose")


def test_a_device_that_is_none(folder: Path) -> None:
    done = bench_run("--codec", "reference", "--device", "cdua")
    assert done.exit_code == cli.MISSING
    assert "no device is called 'cdua'; did you mean cuda?" in done.stderr


def test_the_store_has_every_cell_with_its_provenance(run: Run) -> None:
    bad = load_manifest(run.folder / "set.csv").clips[0]
    with Store(run.folder / ".bench/store.sqlite", create=False) as store:
        cells = store.cells_of_clip(bad.id)
    assert set(cells["codec"]) == {*TOLD, "reference"}
    hung = cells[cells["codec"] == "hangs"]
    assert (hung["seconds"] >= 3.0).all()
    assert hung["value"].isna().all()
