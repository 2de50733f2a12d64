"""benchmarks.scale: on tiny sizes every step does its work, and the figures are what they say."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.report.stored import read_results
from bench.store import Store
from benchmarks import synthetic
from benchmarks.scale import growths, misses, table, targets
from benchmarks.scale_steps import STEPS, Measured, Size, measure

ROOT = Path(__file__).parents[2]
SIZE = Size(n_clips=44, n_codecs=4)


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Measured]]:
    """All steps, in this process; one clip in eleven has no PESQ, one in twenty fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "_NO_PESQ", 11)
        patch.setattr(synthetic, "_OWN_FAILURE", 20)
        folder = tmp_path_factory.mktemp("synthetic")
        yield {"folder": folder} | {step: measure(step, folder, SIZE) for step in STEPS}


def test_every_cell_that_a_run_would_have_is_in_the_store(done: dict[str, Measured]) -> None:
    with Store(done["folder"] / "store.sqlite") as store:
        kept = store._rows("SELECT count(*) FROM cells WHERE codec <> 'new'")[0][0]
        aligned = store._rows("SELECT DISTINCT codec FROM cells WHERE metric = 'aligned_sdr'")
    assert done["build"].n_done == kept
    # 32 clips of speech with four scores, 12 of effects with two; five measures each.
    assert kept == 4 * (32 * 9 + 12 * 7) + 44 + 0
    assert ("wavtokenizer-480",) in aligned


def test_a_resumed_run_tries_the_failed_clips_alone(done: dict[str, Measured]) -> None:
    no_pesq = {(codec, place) for codec in range(4) for place in (10, 21)}
    own = {(codec, place) for codec in (0, 3) for place in range(44) if (place + codec) % 20 == 19}
    assert done["resume"].n_done == len(no_pesq | own)
    assert done["start"].n_done == SIZE.n_runs


def test_results_tables_claims_and_site_are_made_of_all_of_it(done: dict[str, Measured]) -> None:
    folder = done["folder"]
    found = read_results(folder / "results", "signal")
    assert [len(result.clips) for result in found] == [44] * 4
    assert {result.n_clips_failed for result in found} == {2, 4}
    assert done["tables"].n_done == len(list((folder / "reports").rglob("*.*")))
    assert "wavtokenizer-480" in (folder / "reports/tables/ours/table1-signal.md").read_text()
    assert done["claims"].n_done == 25
    assert (folder / "site" / "codecs" / "sqcodec-0.75k.html").is_file()
    assert done["clip"].n_done == 44


def test_growth_is_the_power_of_the_number_of_clips() -> None:
    linear = [Measured("resume", n, 24, 9.0, 0.1 * n, None, 0, 1) for n in (100, 200, 400)]
    square = [Measured("tables", n, 24, 9.0, 0.1 * n**2, None, 0, 1) for n in (100, 200, 400)]
    alone = [Measured("site", 100, 24, 9.0, 1.0, None, 0, 1)]
    untold = [Measured("runner", n, 24, 9.0, None, None, 0, 1) for n in (100, 200)]
    found = {one.step: one.exponent for one in growths(linear + square + alone + untold)}
    assert found == {"resume": pytest.approx(1.0), "tables": pytest.approx(2.0)}


def test_a_target_that_is_missed_is_told() -> None:
    slow = Measured("resume", 14_000, 24, 10.5, 10.0, 5_000, 0, 1)
    fat = Measured("site", 14_000, 24, 100.0, 90.0, 1_200_000_000, 0, 1)
    fine = Measured("tables", 14_000, 24, 19.0, 18.0, 999_000_000, 0, 1)
    assert misses(targets([fine])) == []
    assert misses(targets([slow, fat, fine])) == [
        "resume at 14,000 clips: 10.5 s on the clock, more than 10 s",
        "site at 14,000 clips: 1,200 MB, more than 1,000 MB",
    ]
    shown = {column.header: list(column.cells) for column in table([slow, fat, fine], []).columns}
    assert shown["target"] == ["10", "", "20"]
    assert shown["met"] == ["no", "no", "yes"]


def test_each_target_says_whether_it_is_met() -> None:
    slow = Measured("resume", 14_000, 24, 10.5, 10.0, 5_000, 0, 1)
    untold = Measured("runner", 22, 1, 0.001, None, None, 0, 22)
    found = {(one.step, one.quantity): one for one in targets([slow, untold])}
    assert {key: one.met for key, one in found.items()} == {
        ("resume", "seconds"): False,
        ("resume", "peak_bytes"): True,
        ("runner", "seconds"): True,
    }
    assert (found["resume", "seconds"].most, found["resume", "seconds"].measured) == (10.0, 10.5)


def test_the_command_tells_each_step_at_each_size(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    arguments = ("--sizes", "22,11", "--codecs", "2", "--only", "resume", "--folder", str(folder))
    run = benchmark(*arguments)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    told = [(one["step"], one["n_clips"], one["n_codecs"]) for one in report["measured"]]
    assert told == [("build", 11, 2), ("build", 22, 2), ("resume", 11, 2), ("resume", 22, 2)]
    assert all(one["seconds"] > 0 for one in report["measured"])
    assert [one["step"] for one in report["growth"]] == ["build", "resume"]
    assert [one["step"] for one in report["targets"] if one["quantity"] == "seconds"] == [
        "resume",
        "resume",
    ]
    assert len(report["missed"]) == sum(not one["met"] for one in report["targets"])
    assert report["took_s"] >= sum(one["seconds"] for one in report["measured"])
    assert "exponent" in run.stderr
    assert (folder / "22" / "store.sqlite").is_file()
    again = benchmark(*arguments)
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "resme"), "no step is called 'resme'"),
        (("--sizes", "few"), "expected numbers of clips, got 'few'"),
        (("--sizes", "0"), "expected numbers of clips, got '0'"),
        (("--folder", "/dev/null/x"), "--folder: cannot make /dev/null/x: not a directory"),
    ],
)
def test_bad_arguments_are_told_in_a_line(arguments: tuple[str, ...], said: str) -> None:
    run = benchmark(*arguments)
    assert run.returncode == 2
    assert said in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr
