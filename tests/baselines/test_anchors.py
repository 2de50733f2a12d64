"""baselines.anchors: what comes back is what went in, and bits are those of 16-bit PCM."""

import numpy as np
import pytest

from baselines import anchors
from bench.codec import Codec
from bench.roundtrip import through_codec

BAND_KEPT_DB = -50.0
BAND_LOST_DB = -80.0
CLIPS = np.random.default_rng(0).standard_normal((2, 1234)).astype(np.float32)


@pytest.mark.parametrize("name", anchors.NAMES)
def test_an_anchor_keeps_the_contract(name: str) -> None:
    codec = anchors.load(name)
    assert isinstance(codec, Codec)
    assert codec.info.name == name
    encoded = codec.encode(CLIPS, 16_000)
    assert encoded.bits == (16 * 1234,) * 2
    assert (encoded.length, encoded.sample_rate) == (1234, 16_000)
    assert np.array_equal(codec.decode(encoded), CLIPS)


def test_only_resample_has_a_rate_and_a_bitrate_of_its_own() -> None:
    reference, resample = (anchors.load(name).info for name in anchors.NAMES)
    assert (reference.sample_rate, reference.bitrate_bps) == (None, None)
    assert (resample.sample_rate, resample.bitrate_bps) == (16_000, 256_000)


def test_the_revision_follows_the_settings() -> None:
    revisions = {anchors.Identity("x", rate).info.revision for rate in (None, 8_000, 16_000)}
    assert len(revisions) == 3
    assert anchors.Identity("x", 8_000).info.revision == anchors.Identity("y", 8_000).info.revision


def test_resample_16k_costs_the_band_above_8_khz_and_nothing_else() -> None:
    noise = np.random.default_rng(1).standard_normal(44_100).astype(np.float32)
    decoded = through_codec(anchors.load("resample-16k"), noise, 44_100)
    assert decoded.bits == 16 * 16_000
    assert len(decoded.estimate) == len(noise)
    window = np.hanning(len(noise))
    frequencies_hz = np.fft.rfftfreq(len(noise), 1 / 44_100)
    reference, estimate = (
        np.fft.rfft(window * signal) for signal in (decoded.reference, decoded.estimate)
    )

    def relative_db(part: np.ndarray, band: np.ndarray) -> float:
        return 10 * np.log10(np.mean(np.abs(part[band]) ** 2) / np.mean(np.abs(reference) ** 2))

    assert relative_db(estimate - reference, frequencies_hz < 7_000) < BAND_KEPT_DB
    assert relative_db(estimate, frequencies_hz > 8_500) < BAND_LOST_DB
