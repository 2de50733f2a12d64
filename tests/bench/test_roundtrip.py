"""bench.roundtrip: rates and lengths on the way, and each way a codec can break its contract."""

from collections.abc import Callable
from dataclasses import replace

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from baselines.anchors import Identity
from bench.codec import Encoded
from bench.roundtrip import CodecFault, through_codec

RATE = 22_050
CLIP = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


class Broken(Identity):
    """An identity whose output or encoding goes through a function first."""

    def __init__(
        self,
        decoded: Callable[[NDArray[np.float32]], NDArray] = lambda audio: audio,
        encoded: Callable[[Encoded], Encoded] = lambda encoded: encoded,
    ) -> None:
        super().__init__("broken", None)
        self._decoded, self._encoded = decoded, encoded

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        return self._encoded(super().encode(audio, sample_rate))

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        return self._decoded(super().decode(encoded))


def test_a_codec_without_a_rate_sees_the_clip_as_it_is() -> None:
    decoded = through_codec(Identity("any", None), CLIP, RATE)
    assert np.array_equal(decoded.estimate, CLIP)
    assert np.array_equal(decoded.reference, CLIP)
    assert decoded.bits == 16 * len(CLIP)


def test_a_codec_with_a_rate_gets_it_and_comes_back_at_the_clips_own() -> None:
    decoded = through_codec(Identity("16k", 16_000), CLIP, RATE)
    there = librosa.resample(CLIP, orig_sr=RATE, target_sr=16_000, res_type="soxr_hq")
    back = librosa.resample(there, orig_sr=16_000, target_sr=RATE, res_type="soxr_hq")
    assert decoded.bits == 16 * len(there)
    assert len(decoded.reference) == len(decoded.estimate) == min(len(CLIP), len(back))
    assert np.array_equal(decoded.estimate, back[: len(decoded.estimate)])


def test_a_codec_that_works_in_place_does_not_touch_the_reference() -> None:
    def halve(audio: NDArray[np.float32]) -> NDArray[np.float32]:
        audio *= 0.5
        return audio

    before = CLIP.copy()
    decoded = through_codec(Broken(decoded=halve), CLIP, RATE)
    assert np.array_equal(CLIP, before)
    assert np.array_equal(decoded.estimate, 0.5 * before)


def _one_nan(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    audio[0, 5] = np.nan
    return audio


@pytest.mark.parametrize(
    ("decoded", "told"),
    [
        (lambda audio: audio[:, :-8], r"shape \[1, 22042\] for \[1, 22050\]"),
        (lambda audio: audio[0], r"shape \[22050\] for \[1, 22050\]"),
        (_one_nan, "NaN or infinite samples: 1 of 22050"),
        (lambda audio: np.zeros(audio.shape, np.int16), "int16 samples"),
    ],
)
def test_audio_that_breaks_the_contract(
    decoded: Callable[[NDArray[np.float32]], NDArray], told: str
) -> None:
    with pytest.raises(CodecFault, match=told):
        through_codec(Broken(decoded=decoded), CLIP, RATE)


@pytest.mark.parametrize("bits", [(0.0,), (float("nan"),), (-1.0,), (1.0, 1.0)])
def test_bits_that_break_the_contract(bits: tuple[float, ...]) -> None:
    codec = Broken(encoded=lambda encoded: replace(encoded, bits=bits))
    with pytest.raises(CodecFault, match="bits"):
        through_codec(codec, CLIP, RATE)


def test_a_codec_that_changes_the_rate() -> None:
    codec = Broken(encoded=lambda encoded: replace(encoded, sample_rate=8_000))
    with pytest.raises(CodecFault, match="encoded at 8000 Hz what it got at 22050 Hz"):
        through_codec(codec, CLIP, RATE)


class Tokens(Broken):
    """Two codebooks of four entries."""

    def __init__(self, codes: NDArray | None) -> None:
        super().__init__(encoded=lambda encoded: replace(encoded, codes=codes))
        self._info = replace(self._info, n_codebooks=2, codebook_size=4)


def test_codes_of_the_clip() -> None:
    codes = np.array([[[0, 1, 2], [3, 3, 0]]], np.int32)
    found = through_codec(Tokens(codes), CLIP, RATE).codes
    assert found is not None
    assert found.dtype == np.int64
    assert found.tolist() == codes[0].tolist()
    assert through_codec(Identity("none", None), CLIP, RATE).codes is None


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (None, "no codes, expected 2 codebooks"),
        (np.zeros((1, 3, 5), np.int64), r"shape \[1, 3, 5\], expected \[1, 2, frames\]"),
        (np.zeros((2, 5), np.int64), r"shape \[2, 5\], expected"),
        (np.zeros((1, 2, 5)), "float64 codes, expected integers"),
        (np.full((1, 2, 5), 4), "codes from 4 to 4, expected 0 to 3"),
        (np.full((1, 2, 5), -1), "codes from -1 to -1, expected 0 to 3"),
    ],
)
def test_codes_that_break_the_contract(codes: NDArray | None, told: str) -> None:
    with pytest.raises(CodecFault, match=told):
        through_codec(Tokens(codes), CLIP, RATE)
