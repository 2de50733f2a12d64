"""baselines.dac on small random weights in the hub's layout: loading, codebooks, length."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines import dac
from bench import registry
from bench.codec import Codec, CodecUnavailableError

SHORT = 8  # samples that the model's output lacks to whole frames
PARAMETERS = {"dac-16k-6k": 74_141_697, "dac-24k-24k": 74_653_857}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders as the hub has them."""
    from transformers import DacConfig, DacModel

    root = tmp_path_factory.mktemp("dac")
    for name, sample_rate, n_codebooks in [("dac_16khz", 16_000, 12), ("dac_24khz", 24_000, 32)]:
        config = DacConfig(
            n_codebooks=n_codebooks,
            sampling_rate=sample_rate,
            downsampling_ratios=[2, 4, 5, 8],
            encoder_hidden_size=4,
            decoder_hidden_size=16,
        )
        with torch.random.fork_rng():
            torch.manual_seed(0)
            DacModel(config).save_pretrained(root / name)
    return root


@pytest.fixture
def weights(published: Path, weights_folder: Path) -> Path:
    """Copies of them where the user keeps weights."""
    for file in published.rglob("*.*"):
        copy = weights_folder / file.relative_to(published)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return weights_folder


def test_the_names_are_the_published_bitrates() -> None:
    cards = [dac.card(name) for name in dac.NAMES]
    assert {card.name: (card.description, card.bitrate_bps) for card in cards} == {
        "dac-16k-1k": ("DAC 16 kHz, 2 codebooks of 1,024", 1000),
        "dac-16k-1.5k": ("DAC 16 kHz, 3 codebooks of 1,024", 1500),
        "dac-16k-3k": ("DAC 16 kHz, 6 codebooks of 1,024", 3000),
        "dac-16k-6k": ("DAC 16 kHz, 12 codebooks of 1,024", 6000),
        "dac-24k-6k": ("DAC 24 kHz, 8 codebooks of 1,024", 6000),
        "dac-24k-12k": ("DAC 24 kHz, 16 codebooks of 1,024", 12_000),
        "dac-24k-24k": ("DAC 24 kHz, 32 codebooks of 1,024", 24_000),
    }


@pytest.mark.usefixtures("weights")
def test_the_revision_follows_the_bitrate() -> None:
    assert dac.load("dac-16k-1k").info.revision != dac.load("dac-16k-3k").info.revision


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("name", ["dac-16k-1.5k", "dac-24k-12k"])
def test_the_contract(name: str, keeps_the_contract: Callable[[Codec, int], None]) -> None:
    keeps_the_contract(registry.load(name), dac.HOP)


@pytest.mark.usefixtures("weights")
def test_the_adapter_is_the_authors_preprocess_encode_decode() -> None:
    codec = dac.load("dac-16k-3k")
    clip = 0.1 * torch.sin(torch.arange(dac.HOP * 5) / 10)[None]
    with torch.inference_mode():
        _, latent, codes, _ = codec.network.encode(clip[:, None], 6, return_dict=False)
        (direct,) = codec.network.decode(latent, return_dict=False)
    encoded = codec.encode(clip.numpy(), 16_000)
    assert np.array_equal(encoded.codes, codes.numpy())
    decoded = codec.decode(encoded)
    assert direct.shape == (1, dac.HOP * 5 - SHORT)
    assert np.allclose(decoded[:, :-SHORT], direct.numpy(), atol=1e-6)
    assert not decoded[:, -SHORT:].any()


@pytest.mark.usefixtures("weights")
def test_an_unfinished_frame_is_filled_up_with_zeros() -> None:
    codec = dac.load("dac-16k-1k")
    clip = np.random.default_rng(0).standard_normal((1, 1000)).astype(np.float32)
    filled = np.pad(clip, ((0, 0), (0, 280)))
    encoded, of_filled = codec.encode(clip, 16_000), codec.encode(filled, 16_000)
    assert np.array_equal(encoded.codes, of_filled.codes)
    assert np.array_equal(codec.decode(encoded), codec.decode(of_filled)[:, :1000])


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_full_model_has_its_parameters(name: str) -> None:
    with torch.device("meta"):
        network = dac.network(name)
    assert sum(value.numel() for value in network.parameters()) == PARAMETERS[name]


def test_the_other_rates_model_is_refused(weights: Path) -> None:
    (weights / "dac_16khz").rename(weights / "aside")
    (weights / "dac_24khz").rename(weights / "dac_16khz")
    with pytest.raises(CodecUnavailableError, match="sampling_rate is 24000, expected 16000"):
        registry.load("dac-16k-6k")


def test_a_configuration_of_another_size_is_refused(weights: Path) -> None:
    file = weights / "dac_16khz" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"encoder_hidden_size": 8}))
    with pytest.raises(CodecUnavailableError, match="does not fit its own config"):
        registry.load("dac-16k-6k")


@pytest.mark.usefixtures("weights_folder")
def test_missing_weights_are_told_in_one_line() -> None:
    with pytest.raises(CodecUnavailableError, match="no weights of descript/dac_24khz: not in"):
        registry.load("dac-24k-6k")
    assert dac.card("dac-16k-1k").missing.startswith("no weights of descript/dac_16khz: put")


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("name", ["dac-16k-1.5k", "dac-24k-24k"])
def test_a_card_says_what_the_codec_says(name: str) -> None:
    card, info = dac.card(name), dac.load(name).info
    assert (card.sample_rate, card.bitrate_bps) == (info.sample_rate, info.bitrate_bps)
    assert card.missing == ""


@pytest.mark.usefixtures("weights")
def test_random_weights_are_certified_but_for_training(
    is_certified: Callable[[Callable[[], Codec]], None],
) -> None:
    is_certified(lambda: registry.load("dac-16k-1k"))
