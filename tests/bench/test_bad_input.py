"""Bad audio as a user meets it: a folder and a manifest of it through `bench run`, for real.

Good clips are scored, each bad one is named with its reason, and the exit status is 1.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench import audio, cli, console
from bench.datasets.mini import mini

ALL = ["mel", "pesq", "sdr", "stoi"]
GOOD = [
    "48k.wav",
    "8k.wav",
    "good.wav",
    "one/same.flac",
    "one/same.wav",
    "stereo.wav",
    "two/same.wav",
]
BAD = {
    "dangling.wav": "no such file",
    "empty.wav": "the file is empty (0 bytes)",
    "header-only.wav": "holds no samples",
    "infinite.wav": "has samples that are NaN or infinite",
    "nan.wav": "has samples that are NaN or infinite",
    "text.wav": "not readable as audio: Format not recognised.",
    "truncated.flac": "not readable as audio: Error : flac decoder lost sync.",
    "truncated.wav": "truncated, 15978 of 32000 bytes of audio are there",
}


@dataclass
class Run:
    """What came of a run: the process's result, and the JSON's clips by id."""

    done: Result
    clips: dict[str, dict]

    @property
    def failures(self) -> list[str]:
        """The lines below "Failed:", one a clip and reason."""
        return self.done.stdout.split("\nFailed:\n")[1].splitlines()


def sentence() -> tuple[NDArray[np.float32], int]:
    """A second of speech at 16 kHz."""
    (clip,) = (clip for clip in mini().clips if clip.id == "librivox-austen-0930")
    samples, sample_rate = audio.read(clip.path)
    return samples[8_000 : 8_000 + sample_rate], sample_rate


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def make_messes(folder: Path) -> None:
    """A folder of good clips and of every fault that a folder of audio has."""
    speech, rate = sentence()
    (folder / "one").mkdir(parents=True)
    (folder / "two").mkdir()
    spoiled = {"nan.wav": np.nan, "infinite.wav": np.inf}
    for name, value in spoiled.items():
        samples = speech.copy()
        samples[100] = value
        soundfile.write(folder / name, samples, rate, subtype="FLOAT")
    for name in ("good.wav", "one/same.wav", "one/same.flac", "truncated.wav", "truncated.flac"):
        soundfile.write(folder / name, speech, rate)
    halve(folder / "truncated.wav")
    halve(folder / "truncated.flac")
    soundfile.write(folder / "two/same.wav", speech[::-1], rate)
    soundfile.write(folder / "stereo.wav", np.stack([speech, 0 * speech], axis=1), rate)
    soundfile.write(folder / "8k.wav", soxr.resample(speech, rate, 8_000), 8_000)
    soundfile.write(folder / "48k.wav", soxr.resample(speech, rate, 48_000), 48_000)
    soundfile.write(folder / "short.wav", speech[: rate // 20], rate)
    soundfile.write(folder / "silence.wav", 0 * speech, rate)
    soundfile.write(folder / "header-only.wav", speech[:0], rate)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("Dear diary, this is no audio.\n" * 9)
    (folder / "dangling.wav").symlink_to("nowhere.wav")
    (folder / "notes.txt").write_text("Dear diary")


def bench_run(data: str) -> Run:
    """`bench run` of the untouched clips, in the current folder."""
    arguments = ["run", "--codec", "reference", "--data", data, "--workers", "1"]
    done = CliRunner().invoke(cli.app, arguments)
    assert "Traceback" not in done.output
    written = json.loads(Path("results/signal", Path(data).stem, "reference.json").read_text())
    return Run(done, {clip["clip"]: clip for clip in written["clips"]})


@pytest.fixture(scope="module")
def messes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("run")
    make_messes(folder / "messes")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        yield bench_run("messes")


def test_the_run_ends_with_the_status_of_some_failures(messes: Run) -> None:
    assert messes.done.exit_code == console.SOME_FAILED
    assert "10 failed" in messes.done.stdout
    assert set(messes.clips) == {*GOOD, *BAD, "short.wav", "silence.wav"}


@pytest.mark.parametrize("name", GOOD)
def test_good_clips_are_scored(messes: Run, name: str) -> None:
    assert messes.clips[name]["errors"] == {}
    assert sorted(messes.clips[name]["values"]) == ALL
    assert not any(name in line for line in messes.failures)


@pytest.mark.parametrize("name", BAD)
def test_each_bad_clip_is_named_with_its_reason(messes: Run, name: str) -> None:
    assert messes.clips[name]["values"] == {}
    told = f"{name}: {BAD[name]}"
    assert {messes.clips[name]["errors"][metric] for metric in ALL} == {told}
    (line,) = (line for line in messes.failures if name in line)
    assert line == f"  messes/{name} (reference): {BAD[name]}"


def test_a_clip_of_50_ms_has_the_scores_that_it_can_have(messes: Run) -> None:
    assert list(messes.clips["short.wav"]["values"]) == ["sdr"]
    assert messes.clips["short.wav"]["errors"] == {
        "mel": "too short for MEL: expected at least 1025 samples, got 800",
        "stoi": "too short for STOI: expected more than 0.4096 s, got 0.0500 s",
        "pesq": "PESQ takes clips of 0.25 to 60.0 s, got 0.0500 s",
    }
    assert sum("short.wav" in line for line in messes.failures) == 3


def test_silence_has_the_score_that_it_can_have(messes: Run) -> None:
    assert messes.clips["silence.wav"]["values"] == {"mel": 0.0}
    (line,) = (line for line in messes.failures if "silence.wav" in line)
    assert line.endswith(
        "silence.wav sdr, stoi, pesq (reference): the reference is silent: "
        "this score is undefined on silence"
    )


def test_of_a_stereo_file_the_first_channel_is_taken(messes: Run) -> None:
    stereo, good = messes.clips["stereo.wav"], messes.clips["good.wav"]
    assert stereo["values"] == good["values"]
    assert stereo["sha256"] != good["sha256"]


@pytest.mark.parametrize(("name", "rate"), [("8k.wav", 8_000), ("48k.wav", 48_000)])
def test_clips_keep_their_own_rate(messes: Run, name: str, rate: int) -> None:
    assert messes.clips[name]["sample_rate"] == rate
    assert messes.clips[name]["duration_s"] == 1.0


def test_clips_of_one_name_are_clips_of_their_own(messes: Run) -> None:
    same = [messes.clips[name] for name in ("one/same.wav", "one/same.flac", "two/same.wav")]
    assert len({clip["sha256"] for clip in same}) == 3
    assert [clip["dataset"] for clip in same] == ["one", "one", "two"]
    assert same[0]["values"] == same[1]["values"]  # the same samples in another format


def test_what_is_left_out_is_told(messes: Run) -> None:
    assert "messes: left out, no audio by their suffix: notes.txt" in messes.done.stderr


def test_a_manifest_with_a_missing_file_and_a_wrong_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech, rate = sentence()
    rows = []
    for name in ("good", "gone", "other"):
        path = tmp_path / f"{name}.wav"
        soundfile.write(path, speech, rate)
        rows.append({"id": name, "path": path.name, "dataset": "d", "kind": "music"})
        rows[-1]["sha256"] = "0" * 64 if name == "other" else audio.sha256(path)
    (tmp_path / "gone.wav").unlink()
    with open(tmp_path / "set.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.chdir(tmp_path)
    run = bench_run("set.csv")
    assert run.done.exit_code == console.SOME_FAILED
    assert sorted(run.clips["good"]["values"]) == ["mel", "sdr"]
    found = audio.sha256(tmp_path / "good.wav")[:12]
    assert run.failures == [
        "  d/gone (reference): gone.wav: no such file",
        "  d/other (reference): other.wav: not the file of the manifest "
        f"(sha256 {found}..., expected 000000000000...)",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,path\n", "column dataset, kind, sha256 is missing; expected id, path, dataset, kind,"),
        ("id,path,dataset,kind,sha256\n", "no clips, only a header"),
        (
            "id,path,dataset,kind,sha256\n"
            + "".join(f"a,{path},d,speech,{'0' * 64}\n" for path in ("a.wav", "b.wav")),
            "row 3: the id 'a' is that of row 2 too",
        ),
    ],
)
def test_a_manifest_that_is_none_ends_the_run_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("set.csv").write_text(text)
    done = CliRunner().invoke(cli.app, ["run", "--codec", "reference", "--data", "set.csv"])
    assert done.exit_code == cli.MISSING
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: set.csv")
    assert told in line
    assert [path.name for path in tmp_path.iterdir()] == ["set.csv"]
