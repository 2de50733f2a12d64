"""baselines.originals: the original packages' checkpoints give the original packages' numbers.

`originals.json` is what those packages made of random weights at small widths (its `origin` says
which); `tools/original_codecs_fixture.py` made it.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines import dac, encodec
from baselines.originals import original_in
from bench import registry
from bench.codec import CodecUnavailableError

NUMBERS = json.loads((Path(__file__).parent / "originals.json").read_text())
ENCODEC = {"num_filters": 4, "hidden_size": 16}
DAC = {"encoder_hidden_size": 4, "decoder_hidden_size": 16}
SAMPLE_STEP = 37
SAME_AUDIO = 1e-5

Weights = Callable[[dict[str, list[int]]], dict[str, torch.Tensor]]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks at the fixture's widths."""
    from transformers import DacConfig, DacModel, EncodecConfig, EncodecModel

    monkeypatch.setattr(encodec, "network", lambda _: EncodecModel(EncodecConfig(**ENCODEC)))
    config = DacConfig(n_codebooks=12, downsampling_ratios=[2, 4, 5, 8], **DAC)
    monkeypatch.setattr(dac, "network", lambda _: DacModel(config))


@pytest.fixture
def checkpoints(weights_folder: Path, small: None, random_weights: Weights) -> Path:
    """Original checkpoints where the user keeps weights."""
    state = random_weights(NUMBERS["encodec"]["shapes"])
    (weights_folder / "encodec_24khz").mkdir()
    torch.save(state, weights_folder / "encodec_24khz" / "ours.th")
    state = {  # the last layer turned down, so that its tanh does not saturate
        name: value * 1e-4 if name.startswith("decoder.model.6.") else value
        for name, value in random_weights(NUMBERS["dac"]["shapes"]).items()
    }
    (weights_folder / "dac_16khz").mkdir()
    metadata = {"kwargs": {"sample_rate": 16_000}}
    torch.save(
        {"state_dict": state, "metadata": metadata}, weights_folder / "dac_16khz" / "weights.pth"
    )
    return weights_folder


@pytest.mark.usefixtures("checkpoints")
@pytest.mark.parametrize(
    ("name", "kind", "n_samples"), [("encodec-6k", "encodec", 2_345), ("dac-16k-3k", "dac", 2_240)]
)
def test_codes_and_audio_are_the_original_packages(
    name: str, kind: str, n_samples: int, random_clip: Callable[[int], NDArray[np.float32]]
) -> None:
    theirs: dict[str, Any] = NUMBERS[kind]
    codec = registry.load(name)
    rate = codec.info.sample_rate
    assert rate is not None
    encoded = codec.encode(random_clip(n_samples)[None], rate)
    assert encoded.codes is not None
    assert len(np.unique(encoded.codes)) > 20
    assert np.array_equal(encoded.codes[0], theirs["codes"])
    length = min(n_samples, theirs["n_decoded"])
    decoded = codec.decode(encoded)[0, :length:SAMPLE_STEP]
    expected = theirs["decoded"][: len(decoded)]
    assert np.allclose(decoded, expected, rtol=0, atol=SAME_AUDIO)
    assert np.ptp(expected) > 100 * SAME_AUDIO


def test_an_original_is_here(checkpoints: Path) -> None:
    assert encodec.card("encodec-6k").missing == ""
    assert dac.card("dac-16k-1k").missing == ""
    assert dac.card("dac-24k-6k").missing != ""
    assert "SHA-256" in registry.load("encodec-6k").info.weights
    assert original_in(checkpoints / "dac_16khz") == checkpoints / "dac_16khz" / "weights.pth"
    assert original_in(checkpoints / "nowhere") is None


def test_the_hash_in_a_name_is_compared(checkpoints: Path) -> None:
    file = checkpoints / "encodec_24khz" / "ours.th"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    right = file.rename(file.with_name(f"encodec_24khz-{sha256[:8]}.th"))
    assert registry.load("encodec-6k").info.name == "encodec-6k"
    right.rename(file.with_name("encodec_24khz-d7cc33bc.th"))
    with pytest.raises(CodecUnavailableError, match="is damaged: its SHA-256 does not begin"):
        registry.load("encodec-6k")


def test_another_models_checkpoint_is_refused(checkpoints: Path) -> None:
    wrong = checkpoints / "dac_16khz" / "weights.pth"
    wrong.replace(checkpoints / "encodec_24khz" / "ours.th")
    with pytest.raises(CodecUnavailableError, match="is no checkpoint of this model") as caught:
        registry.load("encodec-6k")
    assert "\n" not in str(caught.value)
