"""bench.cli: what is printed where, what is written, and with which exit status it ends."""

import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

from baselines.anchors import Identity
from bench import audio, cli, console, registry, signal_cli
from bench.codec import Codec, CodecUnavailableError
from bench.datasets.load import DATASETS
from bench.datasets.manifest import Clip, Manifest, load_manifest
from bench.metrics import METRICS
from bench.runner import Step
from bench.store import Store

RATE = 16_000


def mean_difference(
    reference: NDArray[np.float32], estimate: NDArray[np.float32], sample_rate: int
) -> float:
    """A metric that costs nothing."""
    return float(np.abs(reference - estimate).mean())


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Clip, ...]:
    """Two clips of speech by two people, and one of music."""
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (3, RATE // 10))
    found = []
    for name, kind, samples in zip("abc", ("speech", "speech", "music"), noise, strict=True):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, samples, RATE)
        found.append(Clip(kind, name, kind, path, audio.sha256(path), group=name))
    return tuple(found)


@pytest.fixture
def bench(
    tmp_path: Path,
    clips: tuple[Clip, ...],
    monkeypatch: pytest.MonkeyPatch,
    teams_are_inline: None,
) -> Callable[..., Result]:
    """Calls `bench run` in an empty folder, on a tiny data set with metrics at no cost."""
    for name in METRICS:
        quick = replace(METRICS[name], function=f"{__name__}:mean_difference", libraries=())
        monkeypatch.setitem(METRICS, name, quick)
    monkeypatch.setitem(DATASETS, "mini", lambda: Manifest("mini", "r1", clips))
    load = registry.load

    def with_more(name: str, device: str = "cpu") -> Codec:
        if name == "gone":
            raise CodecUnavailableError("no weights for gone: train them")
        return Identity(name, RATE) if name == "sqcodec-3k" else load(name, device)

    monkeypatch.setattr(registry, "load", with_more)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli.app, ["run", *arguments])


def test_a_run_prints_the_table_and_writes_results(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    done = bench("--codec", "sqcodec-3k", "--suite", "signal")
    assert done.exit_code == 0
    words = done.stdout.split()
    assert words.index("sqcodec-3k") < words.index("reference") < words.index("(paper)")
    assert "44 cells computed, 0 were in .bench/store.sqlite" in done.stderr
    written = sorted(path.name for path in (tmp_path / "results/signal/mini").iterdir())
    assert written == ["reference.json", "sqcodec-3k.json"]
    found = json.loads((tmp_path / "results/signal/mini/reference.json").read_text())
    assert [score["mean"] for score in found["scores"]] == [0.0] * 6
    assert found["measured_bitrate_bps"] == 16 * RATE


def test_the_same_command_again_computes_nothing_and_writes_the_same(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    first = bench("--codec", "resample-16k")
    path = tmp_path / "results/signal/mini/resample-16k.json"
    before = path.read_bytes()
    path.unlink()
    again = bench("--codec", "resample-16k")
    assert "0 cells computed, 44 were in" in again.stderr
    assert again.stdout == first.stdout
    assert path.read_bytes() == before


def test_the_ceiling_is_there_once(bench: Callable[..., Result]) -> None:
    done = bench("--codec", "reference,resample-16k,reference")
    assert done.stdout.split("Beside")[0].split().count("reference") == 1
    assert "44 cells computed" in done.stderr


def test_store_and_results_go_where_they_are_asked(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    done = bench(
        "--codec", "reference", "--store", "a/s.sqlite", "--results", "b", "--workers", "2"
    )
    assert done.exit_code == 0
    assert (tmp_path / "a/s.sqlite").is_file()
    assert (tmp_path / "b/signal/mini/reference.json").is_file()
    assert not (tmp_path / ".bench").exists()
    assert not (tmp_path / "results").exists()


def test_a_cluster_of_the_environment_is_not_asked_by_a_run_that_stays_here(
    bench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert bench("--codec", "reference").exit_code == 0


def test_a_corrupt_clip_is_named_and_the_others_are_scored(
    bench: Callable[..., Result], clips: tuple[Clip, ...]
) -> None:
    clips[1].path.write_text("no audio")
    done = bench("--codec", "reference")
    assert done.exit_code == console.SOME_FAILED
    assert "Failed:\n  speech/b (reference): " in done.stdout
    assert "not readable as audio" in " ".join(done.stdout.split())
    row = next(line for line in done.stdout.splitlines() if line.startswith(" reference "))
    assert row.split()[2:] == ["0.00"] * 6 + ["3"]
    assert "1 failed" in done.stdout
    assert "22 cells computed, 0 were in .bench/store.sqlite; 8 failed, which" in done.stderr


def test_missing_weights_are_told_and_other_codecs_run(bench: Callable[..., Result]) -> None:
    done = bench("--codec", "gone,resample-16k")
    assert done.exit_code == cli.MISSING
    assert done.stderr.endswith("\nbench: no weights for gone: train them\n")
    assert "resample-16k" in done.stdout


def test_without_any_codec_nothing_runs(bench: Callable[..., Result], tmp_path: Path) -> None:
    done = bench("--codec", "gone")
    assert done.exit_code == cli.MISSING
    assert done.stderr == "bench: no weights for gone: train them\n"
    assert done.stdout == ""
    assert not (tmp_path / ".bench").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--codec", "referense"], "no codec is called 'referense'; did you mean reference?"),
        (
            ["--codec", "reference", "--suite", "signals"],
            "no suite is called 'signals'; did you mean signal? available: signal",
        ),
        (
            ["--codec", "reference", "--data", "mimi"],
            "no data set, folder or manifest is called 'mimi'; did you mean mini? available: mini",
        ),
    ],
)
def test_a_misspelt_name_suggests_the_nearest(
    bench: Callable[..., Result], tmp_path: Path, arguments: list[str], told: str
) -> None:
    done = bench(*arguments)
    assert done.exit_code == cli.MISSING
    assert told in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / ".bench").exists()


def test_a_data_set_that_is_not_there_is_told_in_one_line(
    bench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    csv = tmp_path / "manifest.csv"
    monkeypatch.setitem(DATASETS, "mini", lambda: load_manifest(csv))
    done = bench("--codec", "reference")
    assert done.exit_code == cli.MISSING
    assert done.stderr == f"bench: {csv}: no such manifest\n"


def test_an_unusable_store_is_told_in_one_line(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "notes").write_text("no store " * 99)
    done = bench("--codec", "reference", "--store", "notes")
    assert done.exit_code == cli.MISSING
    assert done.stderr == "bench: notes cannot be used as a store: file is not a database\n"


def test_an_unusable_results_folder_is_told_in_one_line(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "taken").touch()
    done = bench("--codec", "reference", "--results", "taken")
    assert done.exit_code == cli.MISSING
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        "bench: cannot write results to taken: not a directory; what was computed is in "
        ".bench/store.sqlite, the same command writes them"
    )


def test_a_read_only_results_folder_is_told_in_one_line_and_costs_no_score(
    bench: Callable[..., Result],
    read_only: Callable[[Path], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = signal_cli.write

    def write_without_rights(result: Any, folder: Path) -> Path:
        with read_only(folder):
            return write(result, folder)

    # Not below pytest's folders, which only their owner may enter.
    with tempfile.TemporaryDirectory() as folder, monkeypatch.context() as patched:
        patched.setattr(signal_cli, "write", write_without_rights)
        done = bench("--codec", "reference", "--results", folder)
    assert done.exit_code == cli.MISSING
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        f"bench: cannot write results to {folder}: permission denied; what was computed is in "
        ".bench/store.sqlite, the same command writes them"
    )
    assert "0 cells computed, 22 were in" in bench("--codec", "reference").stderr


def test_a_damaged_store_is_told_in_one_line(bench: Callable[..., Result], tmp_path: Path) -> None:
    bench("--codec", "reference", "--store", "s")
    content = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(content[:4096] + b"Z" * (len(content) - 4096))
    done = bench("--codec", "reference", "--store", "s")
    assert done.exit_code == cli.MISSING
    assert done.stderr.splitlines() == [
        "bench: s cannot be used as a store: database disk image is malformed"
    ]


def test_ctrl_c_stops_in_one_line_and_the_next_run_goes_on(
    bench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = signal_cli.run

    def interrupted(plan, store, team, on_start, on_step) -> None:
        def stop(step: Step) -> None:
            on_step(step)
            raise KeyboardInterrupt

        run(plan, store, team, on_start, stop)

    with monkeypatch.context() as patched:
        patched.setattr(signal_cli, "run", interrupted)
        stopped = bench("--codec", "reference")
    assert stopped.exit_code == cli.INTERRUPTED
    assert stopped.stderr.splitlines()[-1].startswith("bench: stopped; what was finished is kept")
    assert stopped.stdout == ""
    assert "14 cells computed, 8 were in" in bench("--codec", "reference").stderr


def test_no_rows_of_the_paper_without_its_table(
    bench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def absent(*arguments: object) -> None:
        raise FileNotFoundError(2, "No such file", str(tmp_path / "table1-signal.csv"))

    monkeypatch.setattr(signal_cli, "paper_row", absent)
    done = bench("--codec", "sqcodec-3k")
    assert done.exit_code == 0
    assert "(paper)" not in done.stdout
    assert "no rows of the paper: " in done.stderr
    assert "table1-signal.csv is not here" in done.stderr


def show(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["show", *arguments])


def test_show_prints_all_that_is_known_of_a_clip(
    bench: Callable[..., Result], clips: tuple[Clip, ...]
) -> None:
    clips[1].path.write_text("no audio")
    bench("--codec", "resample-16k")
    good = show("--clip", "a")
    assert good.exit_code == 0
    for part in (clips[0].sha256, "resample-16k", "reference", "pesq", "16000 Hz", "libsndfile"):
        assert part in good.stdout
    bad = show("--clip", "b", "--codec", "reference")
    assert "b.wav: not readable as audio" in " ".join(bad.stdout.split())
    assert "resample-16k" not in bad.stdout


def test_show_of_what_is_not_there(bench: Callable[..., Result]) -> None:
    missing = show("--clip", "a")
    assert missing.exit_code == cli.MISSING
    assert missing.stderr.startswith("bench: no store at .bench/store.sqlite: bench run makes one")
    bench("--codec", "reference")
    clip = show("--clip", "aa")
    assert clip.exit_code == cli.MISSING
    assert clip.stderr == "bench: no clip is called 'aa'; did you mean a? available: a, b, c\n"
    codec = show("--clip", "a", "--codec", "referense")
    assert codec.exit_code == cli.MISSING
    assert "did you mean reference?" in codec.stderr
    assert codec.stdout == ""


def test_a_store_from_a_newer_version_is_told_in_one_line(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "new")) as connection:
        connection.execute("PRAGMA user_version = 99")
    done = bench("--codec", "reference", "--store", "new")
    assert done.exit_code == cli.MISSING
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: new was written by a newer version of bench")


def test_a_full_disk_is_told_in_one_line_and_the_next_run_goes_on(
    bench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store.put
    n_put = 0

    def put_two(self: Store, *arguments) -> None:
        nonlocal n_put
        n_put += 1
        if n_put == 3:  # SQLite's own limit on the file stands for the disk's
            self._rows("PRAGMA max_page_count = 1")
            arguments = (arguments[0], [replace(c, host="x" * 99_999) for c in arguments[1]])
        put(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", put_two)
        done = bench("--codec", "reference")
    assert done.exit_code == cli.MISSING
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        "bench: cannot write to the store: database or disk is full; what was finished is kept, "
        "the same command goes on from it"
    )
    assert "6 cells computed, 16 were in" in bench("--codec", "reference").stderr


def test_parts_of_a_run_are_merged_to_the_whole(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    for part in ("1/2", "2/2"):
        done = bench("--codec", "resample-16k", "--part", part, "--store", f"s{part[0]}")
        assert done.exit_code == 0
        assert done.stdout.startswith(f"part {part[0]} of 2 is in s{part[0]}: bench merge makes")
    assert "too few clips for 4 parts" in bench("--codec", "reference", "--part", "4/4").stderr
    assert not (tmp_path / "results").exists()
    merged = CliRunner().invoke(cli.app, ["merge", "s1", "s2", "--into", "both"])
    assert (merged.exit_code, merged.stdout) == (0, "wrote both: 44 cells\n")
    whole = bench("--codec", "resample-16k", "--store", "whole")
    both = bench("--codec", "resample-16k", "--store", "both")
    assert "0 cells computed, 44 were in both" in both.stderr
    assert both.stdout == whole.stdout


@pytest.mark.parametrize("part", ["0/2", "3/2", "half", "1/0"])
def test_what_is_no_part(bench: Callable[..., Result], part: str) -> None:
    done = bench("--codec", "reference", "--part", part)
    told = f"bench: --part expects which of how many parts, such as 1/2, got '{part}'\n"
    assert (done.exit_code, done.stderr) == (2, told)
