"""baselines.anchors: what comes back is what went in, and bits are those of 16-bit PCM."""

import numpy as np
import pytest

from baselines import anchors
from bench.codec import Codec

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
