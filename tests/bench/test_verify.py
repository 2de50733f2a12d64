"""bench.verify: a right adapter passes, and each planted fault is caught by its check's name."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench import cli, console, registry
from bench.codec import Codec, CodecInfo, Encoded, Facts, KnownAnswer
from bench.report.certificate import certified as certificates
from bench.store import Store
from bench.verify import VERSION, Certificate, verify

RATE = 16_000
HOP = 4
LEVELS = (7,) * HOP
MU = 255.0
CHECKS = (
    "eval mode",
    "same input, same codes",
    "batch as one by one",
    "codes alone decode",
    "length and rate",
    "frames per second",
    "bits per second",
    "in step",
    "constant delay",
    "codebooks used",
    "quality by bitrate",
    "weights' hash",
    "known answer",
)

Audio = NDArray[np.float32]


class Frames:
    """Four samples a frame, seven mu-law levels a sample: one code of 7^4."""

    facts = Facts(levels=LEVELS)

    def __init__(self, name: str = "frames-50k") -> None:
        self.network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout()).eval()
        self._info = CodecInfo(
            name=name,
            sample_rate=RATE,
            bitrate_bps=RATE / HOP * math.log2(7**HOP),
            n_codebooks=1,
            codebook_size=7**HOP,
            frame_rate_hz=RATE / HOP,
            revision="abc",
        )

    @property
    def info(self) -> CodecInfo:
        return self._info

    def encode(self, audio: Audio, sample_rate: int) -> Encoded:
        n_clips, length = audio.shape
        padded = np.pad(audio, ((0, 0), (0, -length % HOP)))
        level = np.sign(padded) * np.log1p(MU * np.abs(padded)) / np.log1p(MU)
        digits = self.quantize(3 * level) + 3
        frames = digits.astype(np.int64).reshape(n_clips, -1, HOP)
        codes = (frames @ (7 ** np.arange(HOP)))[:, None]  # [B, 1, F]
        bits = float(math.ceil(codes.shape[2] * math.log2(7**HOP)))
        return Encoded((bits,) * n_clips, length, sample_rate, codes)

    def quantize(self, level: Audio) -> Audio:
        return np.rint(level)

    def decode(self, encoded: Encoded) -> Audio:
        assert encoded.codes is not None
        digits = encoded.codes[:, 0, :, None] // 7 ** np.arange(HOP) % 7
        level = (digits.reshape(len(digits), -1) - 3) / 3
        audio = np.sign(level) * np.expm1(np.abs(level) * np.log1p(MU)) / MU
        return audio[:, : encoded.length].astype(np.float32)


class InTrainMode(Frames):
    def __init__(self) -> None:
        super().__init__()
        self.network.train()


class WithDropout(Frames):
    """What training mode does, in an adapter whose network is out of sight."""

    _random = np.random.default_rng(0)

    def quantize(self, level: Audio) -> Audio:
        return np.rint(level) * (self._random.random(level.shape) > 0.1)


class Late(Frames):
    def decode(self, encoded: Encoded) -> Audio:
        return np.pad(super().decode(encoded), ((0, 0), (8, 0)))[:, :-8]


class StampedWrongly(Frames):
    """Takes 16 kHz for 24 kHz: fewer frames than such a second has."""

    def __init__(self) -> None:
        super().__init__()
        info = self._info
        self._info = replace(
            info,
            frame_rate_hz=1.5 * info.frame_rate_hz,
            bitrate_bps=1.5 * (info.bitrate_bps or 0),
        )


class Stretched(Frames):
    """Returns audio of another rate, cut to the length that was asked for."""

    def decode(self, encoded: Encoded) -> Audio:
        decoded = super().decode(encoded)
        position = np.arange(decoded.shape[1]) * 16_000 / 24_000
        return decoded[:, position.astype(int)]


class RoundedTwice(Frames):
    """Of seven levels, the outermost and the middle one survive."""

    def quantize(self, level: Audio) -> Audio:
        return 3 * np.rint(np.rint(level) / 3)


class Shuffled(Frames):
    def decode(self, encoded: Encoded) -> Audio:
        return super().decode(encoded)[::-1]


class Padded(Frames):
    """Does not cut what its frames add."""

    def decode(self, encoded: Encoded) -> Audio:
        return super().decode(replace(encoded, length=-(-encoded.length // HOP) * HOP))


class SendsBeside(Frames):
    """Its codes say nothing: the audio goes along uncounted."""

    def encode(self, audio: Audio, sample_rate: int) -> Encoded:
        return replace(super().encode(audio, sample_rate), payload=audio)

    def decode(self, encoded: Encoded) -> Audio:
        return np.zeros((1, encoded.length)) if encoded.payload is None else encoded.payload


class CountsHalf(Frames):
    def encode(self, audio: Audio, sample_rate: int) -> Encoded:
        encoded = super().encode(audio, sample_rate)
        return replace(encoded, bits=tuple(bits / 2 for bits in encoded.bits))


class Collapsed(Frames):
    facts = Facts()

    def quantize(self, level: Audio) -> Audio:
        return np.zeros_like(level)


class OtherWeights(Frames):
    facts = Facts(levels=LEVELS, known_answer=KnownAnswer(440.0, 0.5, 0.1, RATE, (1, 2, 3)))


class Breaks(Frames):
    def decode(self, encoded: Encoded) -> Audio:
        raise RuntimeError("out of order")


def certified(codec: Codec, family: Sequence[Codec] = ()) -> Certificate:
    return verify(codec, type(codec), family)


def failed(certificate: Certificate) -> list[str]:
    return [check.name for check in certificate.checks if check.passed is False]


def test_a_right_adapter_passes() -> None:
    found = certified(Frames())
    assert tuple(check.name for check in found.checks) == CHECKS
    assert failed(found) == []
    assert found.passed
    assert (found.codec, found.revision) == ("frames-50k", "abc")
    values = {check.name: check.value for check in found.checks}
    assert values["eval mode"] == "all 3 modules"
    assert values["constant delay"] == "0 samples, declared 0"
    assert values["codebooks used"].endswith("; 7 of 7 levels")
    assert values["frames per second"] == "4000.00 of 4000"
    does_not_apply = [check.name for check in found.checks if check.passed is None]
    assert does_not_apply == ["quality by bitrate", "known answer"]


@pytest.mark.parametrize(
    ("faulty", "caught_by", "value"),
    [
        (InTrainMode, "eval mode", "3 of 3 modules in training mode"),
        (WithDropout, "same input, same codes", "other codes, audio"),
        (Late, "constant delay", "8 samples, declared 0"),
        (StampedWrongly, "frames per second", "4000.00 of 6000"),
        (StampedWrongly, "bits per second", " of 67,"),
        (Stretched, "in step", "levels correlate by "),
        (RoundedTwice, "codebooks used", "; 3 of 7 levels"),
        (Shuffled, "batch as one by one", "100.00 % of codes the same, audio within"),
        (Padded, "length and rate", "returned audio of shape"),
        (SendsBeside, "codes alone decode", "audio within"),
        (CountsHalf, "bits per second", " of 44,"),
        (Collapsed, "codebooks used", "1 of 2,401 that could show"),
        (OtherWeights, "known answer", "0 of 3 codes"),
        (Breaks, "same input, same codes", "RuntimeError: out of order"),
    ],
)
def test_each_planted_fault_is_caught_by_name(
    faulty: type[Frames], caught_by: str, value: str
) -> None:
    found = certified(faulty())
    assert not found.passed
    assert caught_by in failed(found)
    (check,) = (check for check in found.checks if check.name == caught_by)
    assert value in check.value


def test_a_declared_delay_is_no_fault() -> None:
    class Declared(Late):
        facts = Facts(levels=LEVELS, delay_samples=8)

    assert certified(Declared()).passed


def test_a_codec_of_single_clips_declares_it() -> None:
    class Single(Shuffled):
        facts = Facts(levels=LEVELS, batch_size_1=True)

    assert certified(Single()).passed


def test_a_known_answer_that_comes_is_passed() -> None:
    sine = KnownAnswer(440.0, 0.5, 0.1, RATE, ())
    codes = Frames().encode(sine.clip()[None], RATE).codes
    assert codes is not None

    class Known(Frames):
        facts = Facts(known_answer=replace(sine, codes=tuple(codes[0, 0, :10].tolist())))

    (check,) = (check for check in certified(Known()).checks if check.name == "known answer")
    assert (check.value, check.passed) == ("10 of 10 codes", True)


@pytest.mark.parametrize(("bitrate_bps", "passes"), [(1_000.0, True), (90_000.0, False)])
def test_quality_must_not_fall_as_the_bitrate_rises(bitrate_bps: float, passes: bool) -> None:
    coarse = RoundedTwice()
    coarse._info = replace(coarse.info, name="frames-other", bitrate_bps=bitrate_bps)
    found = certified(Frames(), [coarse])
    assert ("quality by bitrate" in failed(found)) is not passes


def test_a_revision_that_changes_by_itself_is_caught() -> None:
    other = Frames()
    other._info = replace(other.info, revision="def")
    found = verify(Frames(), lambda: other)
    assert failed(found) == ["weights' hash"]


def test_families_are_those_that_differ_in_their_bitrate() -> None:
    assert registry.family("opus-12k") == ["opus-6k", "opus-8k", "opus-16k", "opus-24k"]
    assert registry.family("dac-16k-3k") == ["dac-16k-1k", "dac-16k-1.5k", "dac-16k-6k"]
    assert registry.family("reference") == []


@pytest.fixture
def bench_verify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Calls `bench verify` where toys are codecs."""
    toys: dict[str, Callable[[], Codec]] = {"right": Frames, "late": Late}
    load = registry.load

    def with_toys(name: str, device: str = "cpu") -> Codec:
        return toys[name]() if name in toys else load(name, device)

    monkeypatch.setattr(registry, "load", with_toys)
    monkeypatch.chdir(tmp_path)
    return lambda *codec: CliRunner().invoke(cli.app, ["verify", "--codec", *codec])


def test_the_verdict_is_printed_and_stored(
    bench_verify: Callable[[str], Result], tmp_path: Path
) -> None:
    done = bench_verify("right")
    assert done.exit_code == 0, done.output
    assert "frames-50k, revision abc, is certified" in done.stdout
    with Store(tmp_path / ".bench" / "store.sqlite") as store:
        assert store.certified("frames-50k", "abc", VERSION)
        assert not store.certified("frames-50k", "other", VERSION)
        assert not store.certified("frames-50k", "abc", "another version")
        ((checks,),) = store._rows("SELECT checks FROM certificates")
    assert [check["name"] for check in json.loads(checks)] == list(CHECKS)


def test_the_verdict_is_written_for_reports(
    bench_verify: Callable[..., Result], tmp_path: Path
) -> None:
    done = bench_verify("right", "--results", str(tmp_path / "results"))
    assert done.exit_code == 0, done.output
    path = tmp_path / "results" / "certificates" / "frames-50k.json"
    assert f"wrote {path}" in done.stderr
    assert certificates(tmp_path / "results") == {("frames-50k", "abc"): True}


def test_a_failed_check_ends_with_status_1_and_takes_the_certificate_back(
    bench_verify: Callable[[str], Result], tmp_path: Path
) -> None:
    assert bench_verify("right").exit_code == 0
    done = bench_verify("late")
    assert done.exit_code == console.SOME_FAILED
    assert "is not certified; failed: constant delay" in done.stdout
    with Store(tmp_path / ".bench" / "store.sqlite") as store:
        assert not store.certified("frames-50k", "abc", VERSION)


def test_what_is_missing_is_told_in_a_line_and_the_others_go_on(
    bench_verify: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SQCODEC_WEIGHTS", str(tmp_path))
    done = bench_verify("sqcodec-6k-window-150,right")
    assert done.exit_code == cli.MISSING
    assert done.stderr.startswith("bench: no weights for sqcodec-6k-window-150")
    assert "is certified" in done.stdout
    done = bench_verify("nothing-of-that-name")
    assert done.exit_code == cli.MISSING
    assert "no codec is called 'nothing-of-that-name'" in done.stderr


@pytest.mark.usefixtures("teams_are_inline")
def test_a_row_without_a_certificate_is_marked(
    bench_verify: Callable[[str], Result], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, RATE)
    soundfile.write(tmp_path / "data" / "noise.wav", noise, RATE)
    arguments = ["run", "--codec", "right", "--data", "data", "--kind", "music"]
    before = CliRunner().invoke(cli.app, arguments)
    assert before.exit_code == 0, before.output
    assert "frames-50k †" in before.stdout
    assert "† not certified: bench verify --codec frames-50k" in before.stdout
    path = tmp_path / "results" / "signal" / "data" / "frames-50k.json"
    assert json.loads(path.read_text())["certificate"] is None
    assert bench_verify("right").exit_code == 0
    assert "†" not in CliRunner().invoke(cli.app, arguments).stdout
    certificate = json.loads(path.read_text())["certificate"]
    assert (certificate["version"], certificate["passed"]) == (VERSION, True)
    assert [check["name"] for check in certificate["checks"]] == list(CHECKS)


def test_a_store_from_before_there_were_certificates_is_used(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        store._rows("DROP TABLE certificates")
    with Store(tmp_path / "store.sqlite") as store:
        assert not store.certified("a", "b", VERSION)
        store.put_certificate("a", "b", VERSION, True, "[]")
        assert store.certified("a", "b", VERSION)
