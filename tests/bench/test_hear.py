"""Excerpts to listen to: which clips, at one loudness, with their rights."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import soundfile
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench.audio import sha256
from bench.codec import CodecInfo, Encoded
from bench.datasets.licences import Rights
from bench.datasets.manifest import Clip, Manifest
from bench.hear import Chosen, NothingToHearError, choose, hear
from bench.hear_cli import hear_
from bench.report import results as results_files
from bench.report.results import BesideResult, ClipResult, Result

RATE = 16_000
RIGHTS = Rights("CC0-1.0", "Ann", "a-package")


class Quieter:
    """Returns the audio at a tenth of its level; in 8 kHz."""

    def __init__(self, gain: float = 0.1, sample_rate: int | None = 8_000) -> None:
        self._gain = gain
        self._info = CodecInfo("quieter", sample_rate, 100.0, 0, 0, 0.0, "r1", "none at all")

    @property
    def info(self) -> CodecInfo:
        return self._info

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        self._audio = audio
        length = audio.shape[1]
        return Encoded((100.0 * length / sample_rate,), length, sample_rate)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        return self._audio * np.float32(self._gain)


def _clip(folder: Path, name: str, seconds: float, peak: float = 0.5) -> Clip:
    """A tone of 400 Hz whose second half is the louder one."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = peak * np.sin(2 * np.pi * 400 * time) * np.where(time < seconds / 2, 0.5, 1.0)
    path = folder / f"{name}.wav"
    soundfile.write(path, tone, RATE)
    return Clip("tones", name, "speech", path, sha256(path), transcript="beep")


def _scored(clip: str, dataset: str, kind: str, **values: float) -> ClipResult:
    return ClipResult(dataset, clip, kind, None, "0" * 64, RATE, 1.0, 1.0, None, 0, values, {})


def _result(*clips: ClipResult) -> Result:
    beside = BesideResult(None, {}, 0, 0, None, None)
    codec: dict[str, str | float | None] = {"name": "sqcodec-3k"}
    return Result(
        2, "signal", "small", "r1", codec, "", "", 1.0, len(clips), 0, 0.95, (), beside, (), {},
        None, None, clips,
    )  # fmt: skip


@pytest.fixture
def one(tmp_path: Path) -> Chosen:
    return Chosen(_clip(tmp_path, "t1", 8.0), RIGHTS, "because")


def _heard(one: Chosen, out: Path, codecs: Mapping[str, Quieter]) -> dict[str, object]:
    path = hear([one], codecs, Manifest("small", "r1", (one.clip,)), out)
    assert path == out / "small" / "heard.json"
    (found,) = json.loads(path.read_text())["clips"]
    return found


def test_the_worst_clip_of_each_data_set_speech_and_others_by_turns() -> None:
    names = ("a1", "a2", "b1", "m1", "m2", "x1")
    manifest = Manifest(
        "small", "r1", tuple(Clip("-", name, "speech", Path(), "") for name in names)
    )
    scored = _result(
        _scored("a1", "a", "speech", pesq=2.0),
        _scored("a2", "a", "speech", pesq=1.5),
        _scored("b1", "b", "speech", pesq=1.8),
        _scored("m1", "m", "music", mel=1.0),
        _scored("m2", "m", "music", mel=3.0),
        _scored("x1", "x", "effects", mel=2.0),
    )
    rights = dict.fromkeys(names, RIGHTS)
    chosen = choose(scored, manifest, rights, 10)
    assert [found.clip.id for found in chosen] == ["a2", "m2", "b1", "x1"]
    assert chosen[0].why == "sqcodec-3k's worst PESQ on a: 1.50"
    assert [found.clip.id for found in choose(scored, manifest, rights, 3)] == ["a2", "m2", "b1"]
    # Without a licence the next one takes its place.
    del rights["a2"]
    del rights["b1"]
    assert choose(scored, manifest, rights, 1)[0].clip.id == "a1"
    with pytest.raises(NothingToHearError, match="licence"):
        choose(scored, manifest, {}, 3)


def test_versions_have_one_loudness_and_what_is_known_of_them(one: Chosen, tmp_path: Path) -> None:
    found = _heard(one, tmp_path / "heard", {"quieter": Quieter()})
    assert (found["licence"], found["attribution"]) == ("CC0-1.0", "Ann")
    assert found["start_s"] == pytest.approx(4.0, abs=0.01)  # where the louder half begins
    assert found["duration_s"] == 3.0
    reference, quieter = cast(list[dict[str, object]], found["versions"])
    assert quieter["gain_db"] == pytest.approx(20, abs=0.1)
    assert reference["gain_db"] == 0
    assert (quieter["revision"], quieter["weights"]) == ("r1", "none at all")
    assert quieter["bitrate_bps"] == 100
    levels = []
    for version in (reference, quieter):
        path = tmp_path / "heard" / "small" / str(version["file"])
        assert sha256(path) == version["sha256"]
        audio, rate = soundfile.read(path)
        assert rate == version["sample_rate"]
        assert len(audio) == 3 * rate
        levels.append(np.sqrt(np.mean(audio**2)))
    assert [reference["sample_rate"], quieter["sample_rate"]] == [RATE, 8_000]
    assert levels[0] == pytest.approx(levels[1], rel=0.01)


def test_where_matching_would_clip_all_are_turned_down(tmp_path: Path) -> None:
    class Peaky(Quieter):
        def decode(self, encoded: Encoded) -> NDArray[np.float32]:
            audio = super().decode(encoded).copy()
            audio[:, ::100] += 0.9
            return audio

    one = Chosen(_clip(tmp_path, "t1", 2.0, peak=0.95), RIGHTS, "because")
    found = _heard(one, tmp_path / "heard", {"peaky": Peaky(sample_rate=None)})
    gains = [float(str(v["gain_db"])) for v in cast(list[dict[str, object]], found["versions"])]
    assert gains[0] < 0
    audio, _ = soundfile.read(tmp_path / "heard" / "small" / "t1" / "peaky.flac")
    assert np.abs(audio).max() <= 0.981


def test_silence_is_refused_and_what_was_there_stays(one: Chosen, tmp_path: Path) -> None:
    out = tmp_path / "heard"
    _heard(one, out, {"quieter": Quieter()})
    before = sorted(path.name for path in out.rglob("*"))
    with pytest.raises(NothingToHearError, match="t1: silent through quieter"):
        _heard(one, out, {"quieter": Quieter(0.0)})
    assert sorted(path.name for path in out.rglob("*")) == before


def test_licence_texts_go_with_the_excerpts(one: Chosen, tmp_path: Path) -> None:
    text = tmp_path / "CC0.txt"
    text.write_text("no rights reserved")
    manifest = Manifest("small", "r1", (one.clip,))
    path = hear([one], {"quieter": Quieter()}, manifest, tmp_path / "heard", [text])
    assert json.loads(path.read_text())["licence_texts"] == ["CC0.txt"]
    assert (path.parent / "CC0.txt").read_text() == "no rights reserved"


def _run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(hear_)
    found = CliRunner().invoke(app, list(arguments))
    return found.exit_code, found.stderr


def test_the_command_writes_the_mini_sets_worst_clip(tmp_path: Path) -> None:
    clip = _scored("librivox-austen-0930", "librivox", "speech", pesq=1.0)
    scored = replace(_result(clip), dataset="mini", codec={"name": "resample-16k"})
    results_files.write(scored, tmp_path)
    status, said = _run("--codec", "resample-16k,reference", "--results", str(tmp_path))
    assert status == 0, said
    content = json.loads((tmp_path / "heard" / "mini" / "heard.json").read_text())
    (found,) = content["clips"]
    assert found["clip"] == "librivox-austen-0930"
    assert [version["codec"] for version in found["versions"]] == ["reference", "resample-16k"]
    assert "LICENSES.md" in content["licence_texts"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--codec", "resample-16k"], "no result that can be read"),
        (["--codec", "resample-16k", "--data", "nowhere"], "nowhere"),
        (["--codec", "resample-16k", "--data", "."], "no manifest, and so no licences"),
    ],
)
def test_what_is_missing_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), RATE)
    monkeypatch.chdir(tmp_path)
    status, said = _run(*arguments, "--results", str(tmp_path))
    assert status == 2
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "heard").exists()


def test_an_unknown_codec_is_one_line(tmp_path: Path) -> None:
    clip = _scored("librivox-austen-0930", "librivox", "speech", pesq=1.0)
    results_files.write(replace(_result(clip), dataset="mini"), tmp_path)
    status, said = _run("--codec", "sqcodec-3k,opsu-6k", "--results", str(tmp_path))
    assert status == 2
    assert "did you mean opus-6k" in said
