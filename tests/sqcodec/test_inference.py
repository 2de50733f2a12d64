"""The codec as it is used: shapes, lengths, padding modes, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import sqcodec
from sqcodec.inference import describe
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS, SQCodecConfig
from sqcodec.weights import load_weights

# Folding changes the order of float32 operations, nothing else.
FOLDING_ROUNDING = 1e-5


@pytest.fixture
def codec(tiny_weights: Path) -> sqcodec.SQCodec:
    return sqcodec.load(tiny_weights)


def _noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)) * 0.1


@pytest.mark.parametrize("length", [1, 63, 64, 65, 1600, 1601, 5000])
def test_frames_and_length(codec: sqcodec.SQCodec, length: int) -> None:
    codes = codec.encode(_noise(2, length))
    assert codes.dtype == torch.int64
    assert codes.shape == (2, -(-length // 64))
    assert codec.decode(codes, length).shape == (2, length)


def test_a_single_clip_is_a_batch_of_one(codec: sqcodec.SQCodec) -> None:
    audio = _noise(3000)
    codes = codec.encode(audio)
    assert torch.equal(codes, codec.encode(audio[None])[0])
    assert torch.equal(codec.decode(codes, 3000), codec.decode(codes[None], 3000)[0])


def test_many_codes_occur_and_runs_agree(codec: sqcodec.SQCodec) -> None:
    codes = codec.encode(_noise(1, 16000))
    assert len(codes.unique()) > 20
    assert torch.equal(codes, codec.encode(_noise(1, 16000)))


@pytest.mark.parametrize("fast", [True, False])
def test_no_part_is_in_training_mode(tiny_weights: Path, fast: bool) -> None:
    network = sqcodec.load(tiny_weights, fast=fast)._network
    assert [name for name, module in network.named_modules() if module.training] == []
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_matches_the_network_in_evaluation_mode(codec: sqcodec.SQCodec, tiny_weights: Path) -> None:
    network, _ = load_weights(tiny_weights)
    network.eval()
    audio = _noise(2, 6400)
    with torch.no_grad():
        expected = network(audio)
        assert torch.equal(network.encode(audio), codec.encode(audio))
    decoded = codec.decode(codec.encode(audio), 6400)
    assert (decoded - expected).abs().max() < FOLDING_ROUNDING


def test_window_padding_codes_whole_windows(tiny_weights: Path) -> None:
    codec = sqcodec.load(tiny_weights, padding="window")
    codes = codec.encode(_noise(1, 1601))
    assert codes.shape == (1, 50)  # two windows of 25 frames
    assert codec.decode(codes, 1601).shape == (1, 1601)


def test_padding_modes_agree_on_whole_windows(tiny_weights: Path) -> None:
    audio = _noise(1, 3200)
    by_hop = sqcodec.load(tiny_weights, padding="hop")
    by_window = sqcodec.load(tiny_weights, padding="window")
    assert torch.equal(by_hop.encode(audio), by_window.encode(audio))
    assert by_hop.info.revision != by_window.info.revision


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (torch.zeros(1, 0), r"T >= 1.*got \(1, 0\)"),
        (torch.zeros(1, 2, 100), r"shape \[B, T\].*got \(1, 2, 100\)"),
        (torch.zeros(1, 100, dtype=torch.int16), "floating-point tensor, got torch.int16"),
        (torch.full((1, 100), float("nan")), "must be finite"),
        (torch.full((1, 100), float("inf")), "must be finite"),
    ],
)
def test_bad_audio(codec: sqcodec.SQCodec, audio: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        codec.encode(audio)


@pytest.mark.parametrize(
    ("codes", "length", "message"),
    [
        (torch.zeros(1, 4), 256, "int64 tensor, got torch.float32"),
        (torch.zeros(1, 0, dtype=torch.int64), None, r"F >= 1, got \(1, 0\)"),
        (torch.zeros(1, 4, dtype=torch.int64), 257, "4 codes do not stand for 257 samples"),
        (torch.zeros(1, 4, dtype=torch.int64), 0, "4 codes do not stand for 0 samples"),
        (torch.full((1, 4), 125), 256, r"0\.\.124, got 125\.\.125"),
        (torch.full((1, 4), -1), 256, r"0\.\.124, got -1\.\.-1"),
    ],
)
def test_bad_codes(
    codec: sqcodec.SQCodec, codes: torch.Tensor, length: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        codec.decode(codes, length)


def test_the_plain_path_gives_the_same(tiny_weights: Path) -> None:
    fast, plain = (sqcodec.load(tiny_weights, fast=fast) for fast in (True, False))
    assert (fast.fast, plain.fast) == (True, False)
    assert sqcodec.load(tiny_weights).info.revision == fast.info.revision
    assert fast.info.revision != plain.info.revision  # which round differently
    audio = _noise(2, 5000)
    codes = plain.encode(audio)
    assert torch.equal(fast.encode(audio), codes)
    decoded = plain.decode(codes, 5000)
    assert (fast.decode(codes, 5000) - decoded).abs().max() < FOLDING_ROUNDING


def test_bf16_is_near_and_another_revision(tiny_weights: Path) -> None:
    exact, half = (sqcodec.load(tiny_weights, precision=p) for p in ("fp32", "bf16"))
    assert exact.info.revision != half.info.revision
    audio = _noise(2, 5000)
    codes = exact.encode(audio)
    assert (half.encode(audio) == codes).float().mean() > 0.8
    decoded, expected = half.decode(codes, 5000), exact.decode(codes, 5000)
    assert decoded.dtype == torch.float32
    assert not torch.equal(decoded, expected)
    assert (decoded - expected).square().mean() < 0.01 * expected.square().mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp16"}, r"precision must be one of \('fp32', 'bf16'\), got 'fp16'"),
        ({"fast": False, "precision": "bf16"}, "fast=False computes in fp32"),
        ({"fast": False, "compile": True}, "is not compiled"),
    ],
)
def test_bad_options(tiny_weights: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sqcodec.load(tiny_weights, **options)


def test_compiling_without_a_compiler(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(FileNotFoundError, match="compiler, and no-such-compiler is not"):
        sqcodec.load(tiny_weights, compile=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # of its own use of TorchScript
def test_compiled_is_the_same(tiny_weights: Path) -> None:
    compiled, eager = (sqcodec.load(tiny_weights, compile=c) for c in (True, False))
    assert compiled.info.revision != eager.info.revision
    for length in (700, 5000):
        audio = _noise(2, length)
        codes = eager.encode(audio)
        assert torch.equal(compiled.encode(audio), codes)
        difference = compiled.decode(codes) - eager.decode(codes)
        assert difference.abs().max() < FOLDING_ROUNDING


def test_unknown_padding(tiny_weights: Path) -> None:
    with pytest.raises(ValueError, match="padding must be one of"):
        sqcodec.load(tiny_weights, padding="reflect")


def test_unknown_preset() -> None:
    with pytest.raises(ValueError, match="did you mean sqcodec-3k"):
        sqcodec.load("sqcodec-3kk")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights file at"):
        sqcodec.load(tmp_path / "absent.safetensors")


def test_revision_follows_the_weights(tiny_weights: Path, tiny: SQCodecConfig) -> None:
    before = sqcodec.load(tiny_weights).info.revision
    assert sqcodec.load(tiny_weights).info.revision == before
    network, card = load_weights(tiny_weights)
    with torch.no_grad():
        network.decoder.last.conv.bias.add_(0.01)
    sqcodec.weights.save_weights(tiny_weights, network, card)
    assert sqcodec.load(tiny_weights).info.revision != before


def test_info_is_counted_from_the_network() -> None:
    from dataclasses import replace

    base = PRESETS["sqcodec-3k"]
    wider = replace(base, encoder_widths=(24, 48, 96, 200))
    assert describe(base).n_parameters == 11_256_344
    assert describe(wider).n_parameters == SQCodecNetwork(wider).n_parameters()
    assert describe(wider).n_parameters > describe(base).n_parameters
    finer = replace(base, encoder_rates=(6, 5, 2), decoder_rates=(5, 3, 2, 2))
    assert describe(finer).hop_length == 60
    assert describe(finer).bitrate_bps == pytest.approx(1.5 * describe(base).bitrate_bps)
    richer = replace(base, fsq_levels=(9, 9, 9, 7, 7, 7))
    assert describe(richer).codebook_size == 250_047
