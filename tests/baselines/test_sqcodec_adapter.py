"""baselines.sqcodec: the contract over the package's API, with weights written for the test."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import sqcodec
from baselines import sqcodec as adapter
from bench import registry
from bench.codec import Codec, CodecUnavailableError
from bench.roundtrip import through_codec
from sqcodec.model import SQCodecNetwork
from sqcodec.presets import PRESETS
from sqcodec.weights import WeightsCard, save_weights

CLIPS = (0.1 * np.random.default_rng(0).standard_normal((2, 4321))).astype(np.float32)
CODEBOOK = 7**6
N_FRAMES = math.ceil(4321 / 90)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of sqcodec-3k, in a file called like the preset's own."""
    path = tmp_path_factory.mktemp("weights") / "sqcodec-3k.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SQCodecNetwork(PRESETS["sqcodec-3k"])
    card = WeightsCard(preset="sqcodec-3k", description="random", licence="MIT")
    save_weights(path, network, card, torch.float16)
    return path


@pytest.fixture(scope="module")
def codec(checkpoint: Path) -> Codec:
    return registry.load(str(checkpoint))


def test_the_names_are_the_packages() -> None:
    assert sqcodec.known_names() == adapter.NAMES
    assert "sqcodec-3k" in adapter.NAMES


def test_codes_bits_and_audio_keep_the_contract(codec: Codec) -> None:
    encoded = codec.encode(CLIPS, 16_000)
    assert encoded.codes is not None
    assert encoded.codes.dtype == np.int64
    assert encoded.codes.shape == (2, 1, N_FRAMES)
    assert encoded.bits == (math.ceil(N_FRAMES * math.log2(CODEBOOK)),) * 2
    decoded = codec.decode(encoded)
    assert decoded.shape == CLIPS.shape
    assert decoded.dtype == np.float32


def test_the_same_clip_gives_the_same_codes_and_audio(codec: Codec) -> None:
    first, second = (codec.encode(CLIPS, 16_000) for _ in range(2))
    assert np.array_equal(first.codes, second.codes)
    assert np.array_equal(codec.decode(first), codec.decode(second))


def test_the_adapter_is_the_package_and_nothing_more(codec: Codec, checkpoint: Path) -> None:
    package = sqcodec.load(checkpoint)
    codes = package.encode(torch.from_numpy(CLIPS))
    encoded = codec.encode(CLIPS, 16_000)
    assert np.array_equal(encoded.codes[:, 0], codes.numpy())
    assert np.array_equal(codec.decode(encoded), package.decode(codes, 4321).numpy())


def test_a_clip_at_another_rate_goes_through_the_run(codec: Codec) -> None:
    clip = CLIPS[0]
    decoded = through_codec(codec, clip, 22_050)
    assert len(decoded.estimate) == len(clip)
    n_frames = math.ceil(math.ceil(len(clip) * 16_000 / 22_050) / 90)
    assert decoded.bits == math.ceil(n_frames * math.log2(CODEBOOK))


def test_another_rate_is_refused(codec: Codec) -> None:
    with pytest.raises(ValueError, match="takes audio at 16000 Hz, got 24000"):
        codec.encode(CLIPS, 24_000)


def test_info_says_what_it_is(codec: Codec, checkpoint: Path) -> None:
    info = codec.info
    package = sqcodec.load(checkpoint).info
    assert (info.n_codebooks, info.codebook_size) == (1, CODEBOOK)
    assert info.bitrate_bps == pytest.approx(2994.5, abs=0.1)
    assert (info.revision, info.weights, info.licence) == (package.revision, "random", "MIT")
    assert "2504.04949" in info.citation


def test_a_checkpoint_never_passes_for_the_preset(codec: Codec, checkpoint: Path) -> None:
    sha256 = sqcodec.load(checkpoint).info.weights_sha256
    assert codec.info.name == f"sqcodec-3k-{sha256[:8]}"


def test_missing_weights_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQCODEC_WEIGHTS", str(tmp_path))
    with pytest.raises(CodecUnavailableError, match=r"no weights for sqcodec-6k-window-150: .*"):
        registry.load("sqcodec-6k-window-150")


def test_a_foreign_checkpoint_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(b"nothing of ours")
    with pytest.raises(CodecUnavailableError, match="cannot be read as safetensors") as caught:
        registry.load(str(path))
    assert "\n" not in str(caught.value)


def test_a_card_says_where_the_weights_are(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = adapter.card("sqcodec-3k")
    assert (bundled.weights, bundled.missing) == ("bundled", "")
    config = PRESETS["sqcodec-3k"]
    assert (bundled.sample_rate, bundled.bitrate_bps) == (16_000, config.bitrate_bps)
    monkeypatch.setenv("SQCODEC_WEIGHTS", str(tmp_path))
    absent = adapter.card("sqcodec-12k")
    assert absent.weights == ""
    assert absent.missing.startswith("no weights: train them (sqcodec train --preset sqcodec-12k)")
    local = tmp_path / "sqcodec-12k.safetensors"
    local.write_bytes(checkpoint.read_bytes())
    assert adapter.card("sqcodec-12k").weights == str(local)
