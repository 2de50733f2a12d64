"""bench.delay: a codec's own delay, found once on the same broadband audio."""

import dataclasses
import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import audio, registry
from bench.codec import Codec, CodecInfo, Encoded
from bench.datasets import mini
from bench.delay import PROBE_CLIPS, Delay, constant_delay, probe

# Another probe gives other delays: raise the number in `bench.delay.VERSION` with it.
PROBE_SHA256 = "924aed43385a4a62d48d604cf6f9aab4043243b6c957bec7d8484f307a95bbda"


class Shifting:
    """A codec that only moves its audio by `n_samples` and scales it; 0 makes it silent."""

    def __init__(self, n_samples: int, gain: float = 1.0) -> None:
        reference = registry.load("reference")
        self.info: CodecInfo = dataclasses.replace(reference.info, name="shifting")
        self._n_samples, self._gain = n_samples, gain

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        return Encoded((1.0,) * len(audio), audio.shape[1], sample_rate, payload=audio)

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        return self._gain * np.roll(encoded.payload, self._n_samples, axis=1)


class Babbling(Shifting):
    """A codec that returns noise, whatever it gets."""

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        shape = (len(encoded.payload), encoded.length)
        return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def test_the_probe_is_the_same_at_every_call_and_has_all_frequencies() -> None:
    audio_16k = probe(16_000)
    assert np.array_equal(audio_16k, probe(16_000))
    assert 14 < len(audio_16k) / 16_000 < 16
    assert np.abs(audio_16k).max() <= 1
    for rate in (8_000, 44_100):
        power = np.abs(np.fft.rfft(probe(rate))) ** 2
        bands = [band.mean() for band in np.array_split(power, 20)]
        assert min(bands) > 1e-4 * max(bands)


def test_the_probes_clips_are_those_of_this_version() -> None:
    hashes = "".join(audio.sha256(mini.FOLDER / f"{name}.flac") for name in PROBE_CLIPS)
    assert hashlib.sha256(hashes.encode()).hexdigest() == PROBE_SHA256


@pytest.mark.parametrize("n_samples", [0, 8, -8, 1105])
def test_a_codec_that_shifts(n_samples: int) -> None:
    found = constant_delay(Shifting(n_samples))
    assert (found.samples, found.sample_rate, found.error) == (n_samples, 16_000, "")
    assert found.correlation is not None
    assert found.correlation > 0.9


def test_inverted_polarity_is_said() -> None:
    found = constant_delay(Shifting(8, gain=-1.0))
    assert found.samples == 8
    assert found.correlation is not None
    assert found.correlation < -0.9


@pytest.mark.parametrize(
    ("codec", "reason"),
    [(Babbling(0), "no clear delay"), (Shifting(0, gain=0.0), "the estimate is silent")],
)
def test_no_delay_is_invented(codec: Codec, reason: str) -> None:
    found = constant_delay(codec)
    assert (found.samples, found.correlation, found.at(44_100)) == (None, None, None)
    assert found.error.startswith(reason)


@pytest.mark.parametrize(
    ("name", "samples", "sample_rate"),
    [
        ("reference", 0, 16_000),
        ("resample-16k", 0, 16_000),
        ("opus-6k", 2, 16_000),  # narrow-band inside, with resamplers of its own
        ("opus-12k", 0, 16_000),
        ("opus-24k", 0, 16_000),
        ("mp3-32k", 0, 16_000),
        ("mulaw-64k", 0, 8_000),
        ("amrnb-12.2k", 40, 8_000),  # its 5 ms of look-ahead
    ],
)
def test_the_anchors(name: str, samples: int, sample_rate: int) -> None:
    found = constant_delay(registry.load(name))
    assert (found.samples, found.sample_rate) == (samples, sample_rate)


def test_at_another_rate() -> None:
    late = Delay(40, 8_000, 0.7)
    assert [late.at(rate) for rate in (8_000, 16_000, 44_100)] == [40, 80, 220]
    assert Delay(-8, 16_000, 0.7).at(24_000) == -12
