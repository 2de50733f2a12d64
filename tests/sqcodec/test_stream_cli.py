"""`sqcodec encode`, `decode` and `info FILE.sqc`, run as a user runs them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

import sqcodec
from sqcodec import weights
from sqcodec.bitstream_reader import read
from sqcodec.cli import app
from sqcodec.presets import SQCodecConfig
from sqcodec.weights import load_weights, save_weights

Run = Callable[..., Result]
AUDIO = np.random.default_rng(0).normal(0, 0.1, (16_000 * 25, 1)).astype(np.float32)
AUDIO[:160_000] *= 0.01  # that something can be saved


@pytest.fixture
def run(tiny: SQCodecConfig, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, with weights of ``tiny`` where local weights are kept."""
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tiny_weights.parent))

    def run(*arguments: str | Path, given: bytes = b"") -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)

    return run


def _wav(path: Path, audio: NDArray[np.float32] = AUDIO[:8_000], rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, subtype="FLOAT", format="WAV")
    return path


def _assert_one_line(result: Result, status: int, *words: str) -> None:
    assert result.exit_code == status, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize("options", [[], ["--entropy"]])
def test_there_and_back(run: Run, tmp_path: Path, tiny_weights: Path, options: list[str]) -> None:
    source, coded, out = _wav(tmp_path / "a.wav"), tmp_path / "a.sqc", tmp_path / "b.wav"
    assert run("encode", source, coded, "--codec", "tiny", *options).exit_code == 0
    assert run("decode", coded, out).exit_code == 0
    codec = sqcodec.load(tiny_weights)
    expected = codec.decode(codec.encode(torch.from_numpy(AUDIO[:8_000, 0])), 8_000).numpy()
    found, sample_rate = soundfile.read(out, dtype="float32")
    assert sample_rate == 16_000
    assert (found == expected).all()


def test_stereo_at_another_rate_through_pipes(run: Run, tmp_path: Path) -> None:
    audio = AUDIO[:10_000].reshape(-1, 2)  # [T, C]
    source = _wav(tmp_path / "a.wav", audio, 22_050)
    coded = run("encode", "-", "-", "--codec", "tiny", given=source.read_bytes()).stdout_bytes
    decoded = run("decode", "-", "-", given=coded).stdout_bytes
    found, sample_rate = soundfile.read(io.BytesIO(decoded))
    assert sample_rate == 22_050
    assert found.shape == audio.shape
    run("encode", source, tmp_path / "a.sqc", "--codec", "tiny")
    assert (tmp_path / "a.sqc").read_bytes() == coded


def test_a_folder_goes_on_without_its_bad_files(run: Run, tmp_path: Path) -> None:
    tree, coded, out = tmp_path / "in", tmp_path / "coded", tmp_path / "out"
    _wav(tree / "a.wav")
    _wav(tree / "deep" / "er" / "b.wav", rate=8_000)
    (tree / "empty.wav").write_bytes(b"")
    (tree / "text.flac").write_text("I am no audio")
    (tree / "cut.wav").write_bytes(_wav(tmp_path / "c.wav").read_bytes()[:9_000])
    _wav(tree / "nan.wav", np.full((100, 1), np.nan, np.float32))
    (tree / "notes.txt").write_text("not looked at")
    result = run("encode", tree, coded, "--codec", "tiny")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines[:4]] == [
        str(tree / name) for name in ("cut.wav", "empty.wav", "nan.wav", "text.flac")
    ]
    assert lines[4:] == ["sqcodec: 2 of 6 files written"]
    assert sorted(p.relative_to(coded) for p in coded.rglob("*.*")) == [
        Path("a.sqc"),
        Path("deep/er/b.sqc"),
    ]
    result = run("decode", coded, out)
    assert (result.exit_code, result.stderr) == (0, "sqcodec: 2 of 2 files written\n")
    assert soundfile.info(out / "deep" / "er" / "b.wav").samplerate == 8_000


def test_a_damaged_block_costs_that_block(run: Run, tmp_path: Path) -> None:
    coded, out = tmp_path / "a.sqc", tmp_path / "out.wav"
    run("encode", _wav(tmp_path / "a.wav", AUDIO), coded, "--codec", "tiny")
    data = bytearray(coded.read_bytes())
    step = read(bytes(data)).header.block_frames * 64  # samples of a block
    data[len(data) // 2] ^= 1
    coded.write_bytes(data)
    _assert_one_line(run("decode", coded, out), 2, "block 1 is damaged: its checksum differs")
    assert not out.exists()
    result = run("decode", coded, out, "--lenient")
    assert result.exit_code == 1
    assert "block 1 is damaged" in result.stderr
    assert f"silent from {step / 16_000:.2f} to {2 * step / 16_000:.2f} s" in result.stderr
    audio, _ = soundfile.read(out)
    assert len(audio) == len(AUDIO)
    assert not audio[step : 2 * step].any()
    assert audio[:step].any()
    result = run("info", coded)
    assert result.exit_code == 1
    assert "damaged    block 1 is damaged: its checksum differs" in result.stdout


def test_info_measures_against_the_nominal_size(run: Run, tmp_path: Path) -> None:
    source = _wav(tmp_path / "a.wav", AUDIO)
    run("encode", source, tmp_path / "a.sqc", "--codec", "tiny")
    run("encode", source, tmp_path / "b.sqc", "--codec", "tiny", "--entropy")
    packed, coded = json.loads(run("info", tmp_path / "a.sqc", tmp_path / "b.sqc", "--json").stdout)
    # tiny: 250 frames a second of log2(125) bits
    assert packed["nominal_bytes"] == pytest.approx(25 * 250 * np.log2(125) / 8)
    assert packed["payload_bytes"] == pytest.approx(packed["nominal_bytes"], rel=0.005)
    assert packed["file_bytes"] == (tmp_path / "a.sqc").stat().st_size
    assert packed["bits_per_frame"] == pytest.approx(np.log2(125), rel=0.001)
    assert coded["file_bytes"] <= packed["file_bytes"]
    assert coded["frames"] == packed["frames"] == 6_250
    shown = run("info", tmp_path / "a.sqc").stdout
    assert f"{packed['file_bytes']:,} bytes, " in shown
    assert "% of nominal" in shown


def test_other_weights(run: Run, tmp_path: Path, tiny_weights: Path) -> None:
    other = tmp_path / "other" / "w.safetensors"
    network, card = load_weights(tiny_weights)
    with torch.no_grad():
        network.quantizer.project_out.weight.mul_(0.5)
    save_weights(other, network, card)
    coded, out = tmp_path / "a.sqc", tmp_path / "out.wav"
    run("encode", _wav(tmp_path / "a.wav"), coded, "--codec", other)
    _assert_one_line(run("decode", coded, out), 2, "encoded with weights", "--any-weights")
    assert not out.exists()
    assert run("decode", coded, out, "--weights", other).exit_code == 0
    assert run("decode", coded, out, "--any-weights").exit_code == 0


def test_bad_input_to_encode(run: Run, tmp_path: Path) -> None:
    good = _wav(tmp_path / "good.wav")
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "nothing").mkdir()
    out = tmp_path / "x.sqc"
    for source, target, words in (
        (tmp_path / "missing.wav", out, "no such file or folder"),
        (tmp_path / "text.wav", out, "not readable as audio"),
        (tmp_path / "empty.wav", out, "empty (0 bytes)"),
        (tmp_path / "nothing", out, "has no files ending in"),
        (good, good, "would be overwritten by itself"),
        (good, good / "x.sqc", "not a directory"),
        (good, "/proc/x.sqc", "no such file or directory: /proc/x.sqc\n"),
        ("", out, "IN and OUT must be named"),
        (_wav(tmp_path / "loud.wav", AUDIO[:100] * 1e20), out, "audio must lie in [-1, 1]"),
    ):
        result = run("encode", source, target, "--codec", "tiny")
        _assert_one_line(result, 2, words)
    _assert_one_line(run("encode", good, out, "--codec", "tinny"), 2, "did you mean tiny?")
    for device in ("gpu9", "meta:0:0", "xla"):
        result = run("encode", good, out, "--codec", "tiny", "--device", device)
        _assert_one_line(result, 2, f"--device {device} cannot be used here")
    assert not out.exists()


def test_bad_input_to_decode(run: Run, tmp_path: Path) -> None:
    coded, text, out = tmp_path / "a.sqc", tmp_path / "text.sqc", tmp_path / "x.wav"
    run("encode", _wav(tmp_path / "a.wav"), coded, "--codec", "tiny")
    text.write_text("hello")
    cut = tmp_path / "cut.sqc"
    cut.write_bytes(coded.read_bytes()[:100])
    for source, target, options, words in (
        (text, out, [], "this is not a .sqc file"),
        (cut, out, [], "block 0 is cut short"),
        (cut, out, ["--lenient"], "nothing of it can be read"),
        (coded, tmp_path / "x.txt", [], "must end as an audio file does"),
        (coded, out, ["--bits", "8"], "--bits must be one of 16, 24, 32, got 8"),
        (coded, out, ["--weights", tmp_path / "no.safetensors"], "no weights file at"),
        (coded, out, ["--weights", "sqcodec-3k"], "which sqcodec-3k cannot decode"),
    ):
        _assert_one_line(run("decode", source, target, *options), 2, words)
    assert not out.exists()
    _assert_one_line(run("info", text), 2, f"{text}: this is not a .sqc file")
    _assert_one_line(run("info", tmp_path / "no.sqc"), 2, "no.sqc: no such file or directory\n")
    _assert_one_line(run("info", tmp_path), 2, f"{tmp_path}: is a directory\n")
    (tmp_path / "named.bin").write_bytes(b"hello")
    _assert_one_line(run("info", tmp_path / "named.bin"), 2, "named.bin: this is not a .sqc file")


def test_too_little_memory_is_a_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resample(*_: object) -> NDArray[np.float32]:
        raise MemoryError

    coded, out = tmp_path / "a.sqc", tmp_path / "a.wav"
    run("encode", _wav(tmp_path / "in.wav"), coded, "--codec", "tiny")
    assert coded.exists()
    monkeypatch.setattr("sqcodec.recording.resample", resample)
    _assert_one_line(run("decode", coded, out), 2, "a.sqc: there is too little memory for it")
    assert not out.exists()
