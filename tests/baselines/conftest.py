"""What tests of neural baselines share: clips, a folder for weights, no hub."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.codec import Codec
from bench.verify import verify

# What an untrained network cannot do: follow its input, use its codes, know an answer.
FOR_WANT_OF_TRAINING = {
    "in step",
    "constant delay",
    "codebooks used",
    "quality by bitrate",
    "known answer",
}


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is taken for the user's weights, where no hub is in reach."""
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))
    return tmp_path


def noise(n_clips: int, n_samples: int) -> NDArray[np.float32]:
    """White noise [B, T]."""
    samples = np.random.default_rng(0).standard_normal((n_clips, n_samples))
    return (0.1 * samples).astype(np.float32)


@pytest.fixture
def keeps_the_contract() -> object:
    """A check of what every codec with tokens owes, on clips of awkward lengths."""

    def check(codec: Codec, hop: int) -> None:
        info = codec.info
        assert info.sample_rate is not None
        assert info.bitrate_bps == info.n_codebooks * info.frame_rate_hz * np.log2(
            info.codebook_size
        )
        for n_samples in (1, hop - 1, hop, hop + 1, 7 * hop + 5):
            clips = noise(2, n_samples)
            encoded, again = (codec.encode(clips, info.sample_rate) for _ in range(2))
            assert encoded.codes is not None
            n_frames = -(-n_samples // hop)
            assert encoded.codes.shape == (2, info.n_codebooks, n_frames)
            assert encoded.codes.dtype == np.int64
            assert 0 <= encoded.codes.min() <= encoded.codes.max() < info.codebook_size
            bits = np.ceil(info.n_codebooks * n_frames * np.log2(info.codebook_size))
            assert encoded.bits == (bits, bits)
            assert np.array_equal(encoded.codes, again.codes)
            decoded = codec.decode(encoded)
            assert decoded.shape == clips.shape
            assert decoded.dtype == np.float32
            assert np.array_equal(decoded, codec.decode(again))
            alone = codec.encode(clips[1:], info.sample_rate)
            assert np.mean(alone.codes == encoded.codes[1:]) > 0.99

    return check


def _fixture_tool() -> ModuleType:
    """What makes the numbers of public implementations, for the weights and clips it used."""
    path = Path(__file__).parents[2] / "tools" / "wavtokenizer_fixture.py"
    spec = importlib.util.spec_from_file_location("wavtokenizer_fixture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def random_weights() -> object:
    """Shapes by name -> the random weights that the fixtures of numbers were made with."""
    return _fixture_tool().weights_for


@pytest.fixture
def random_clip() -> object:
    """Samples -> the clip [T] that the fixtures of numbers were made with."""
    return _fixture_tool().clip_for


@pytest.fixture
def is_certified() -> object:
    """A check that a codec of random weights passes all that randomness lets it pass."""

    def check(load: Callable[[], Codec]) -> None:
        found = verify(load(), load)
        failed = {one.name: one.value for one in found.checks if one.passed is False}
        assert failed.keys() <= FOR_WANT_OF_TRAINING, failed
        passed = {one.name for one in found.checks if one.passed}
        assert {"eval mode", "batch as one by one", "length and rate", "weights' hash"} <= passed

    return check
