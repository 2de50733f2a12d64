"""baselines.encodec on small random weights in the hub's layout: loading, bitrates, length."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from baselines import encodec
from bench import registry
from bench.codec import Codec, CodecUnavailableError

HOP = 320
OLD_NAMES = {"parametrizations.weight.original0": "weight_g"} | {
    "parametrizations.weight.original1": "weight_v"
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the hub has it: weight norm under its older names, and a configuration."""
    from transformers import EncodecConfig, EncodecModel

    folder = tmp_path_factory.mktemp("encodec")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = EncodecModel(EncodecConfig(num_filters=4, hidden_size=16))
        for layer in model.quantizer.layers:
            layer.codebook.embed.normal_()
    model.config.save_pretrained(folder)
    state = {}
    for name, value in model.state_dict().items():
        for new, old in OLD_NAMES.items():
            name = name.replace(new, old)
        state[name] = value
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def weights(published: Path, weights_folder: Path) -> Path:
    """The published files, a copy of them, where the user keeps weights."""
    folder = weights_folder / "encodec_24khz"
    folder.mkdir()
    for file in published.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_the_names_are_the_five_bitrates() -> None:
    cards = [encodec.card(name) for name in encodec.NAMES]
    assert [(card.name, card.bitrate_bps) for card in cards] == [
        ("encodec-1.5k", 1500),
        ("encodec-3k", 3000),
        ("encodec-6k", 6000),
        ("encodec-12k", 12_000),
        ("encodec-24k", 24_000),
    ]
    for card, n_codebooks in zip(cards, (2, 4, 8, 16, 32), strict=True):
        assert card.description == f"EnCodec 24 kHz, {n_codebooks} codebooks of 1,024"


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("name", ["encodec-1.5k", "encodec-24k"])
def test_the_contract(name: str, keeps_the_contract: Callable[[Codec, int], None]) -> None:
    keeps_the_contract(registry.load(name), HOP)


def test_a_higher_bitrate_adds_codebooks_to_the_same_first_ones(weights: Path) -> None:
    clip = np.random.default_rng(1).standard_normal((1, 2000)).astype(np.float32)
    few, many = (encodec.load(name).encode(clip, 24_000).codes for name in encodec.NAMES[1:3])
    assert few is not None
    assert many is not None
    assert np.array_equal(many[:, : few.shape[1]], few)


def test_the_adapter_is_the_model_and_nothing_more(weights: Path) -> None:
    from transformers import EncodecModel

    model = EncodecModel.from_pretrained(weights, local_files_only=True).eval()
    clip = 0.1 * torch.sin(torch.arange(HOP * 5 + 7) / 10)[None]
    with torch.inference_mode():
        codes, audio = model(clip[:, None], bandwidth=6.0, return_dict=False)
    codec = encodec.load("encodec-6k")
    encoded = codec.encode(clip.numpy(), 24_000)
    assert np.array_equal(encoded.codes, codes[0].numpy())
    assert np.array_equal(codec.decode(encoded), audio[:, 0, : clip.shape[1]].numpy())


def test_weights_are_read_as_they_were_written(weights: Path, published: Path) -> None:
    state = encodec.load("encodec-6k").network.state_dict()
    written = load_file(published / "model.safetensors")
    assert torch.equal(state["decoder.layers.0.conv.bias"], written["decoder.layers.0.conv.bias"])
    name = "encoder.layers.0.conv.parametrizations.weight.original0"
    assert torch.equal(state[name], written["encoder.layers.0.conv.weight_g"])


def test_the_full_model_has_the_papers_parameters() -> None:
    with torch.device("meta"):
        network = encodec.network("encodec-6k")
    assert sum(value.numel() for value in network.parameters()) == 14_851_810


def test_the_revision_follows_weights_and_bitrate(weights: Path) -> None:
    first = {name: encodec.load(name).info for name in ("encodec-1.5k", "encodec-3k")}
    assert first["encodec-1.5k"].revision != first["encodec-3k"].revision
    state = load_file(weights / "model.safetensors")
    state["decoder.layers.0.conv.bias"] += 1
    save_file(state, weights / "model.safetensors", metadata={"format": "pt"})
    changed = encodec.load("encodec-3k").info
    assert changed.revision != first["encodec-3k"].revision
    assert "a local copy of facebook/encodec_24khz, SHA-256 " in changed.weights


def test_a_file_that_lacks_a_weight_is_refused(weights: Path) -> None:
    state = load_file(weights / "model.safetensors")
    del state["decoder.layers.0.conv.bias"]
    save_file(state, weights / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CodecUnavailableError, match=r"does not fit its own config.*1 missing keys"):
        registry.load("encodec-6k")


def test_values_that_are_not_finite_are_refused(weights: Path) -> None:
    state = load_file(weights / "model.safetensors")
    state["decoder.layers.0.conv.bias"][0] = torch.nan
    save_file(state, weights / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CodecUnavailableError, match=r"not finite, in decoder\.layers\.0"):
        registry.load("encodec-6k")


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("sampling_rate", 48_000, "sampling_rate is 48000, expected 24000"),
        ("normalize", True, "normalize is True, expected False"),
        ("target_bandwidths", [1.5, 24.0], r"has no 6 kbit/s, only \[1\.5, 24\.0\]"),
    ],
)
def test_another_model_is_refused(weights: Path, setting: str, value: object, why: str) -> None:
    config = json.loads((weights / "config.json").read_text())
    (weights / "config.json").write_text(json.dumps(config | {setting: value}))
    with pytest.raises(CodecUnavailableError, match=why):
        registry.load("encodec-6k")


def test_a_file_that_is_no_checkpoint_is_told_in_one_line(weights: Path) -> None:
    (weights / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CodecUnavailableError, match="cannot be loaded: ") as caught:
        registry.load("encodec-6k")
    assert "\n" not in str(caught.value)


def test_missing_weights_are_told_in_one_line(weights_folder: Path) -> None:
    with pytest.raises(CodecUnavailableError, match=r"no weights of facebook/encodec_24khz: not "):
        registry.load("encodec-6k")
    card = encodec.card("encodec-6k")
    assert card.missing.startswith("no weights of facebook/encodec_24khz: put config.json and ")
    assert card.weights == ""


def test_a_card_says_what_the_codec_says(weights: Path) -> None:
    card, info = encodec.card("encodec-12k"), encodec.load("encodec-12k").info
    assert (card.sample_rate, card.bitrate_bps) == (info.sample_rate, info.bitrate_bps)
    assert card.description == "EnCodec 24 kHz, 16 codebooks of 1,024"
    assert (card.weights, card.missing) == ("facebook/encodec_24khz", "")


def test_a_missing_library_is_told_in_one_line(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(CodecUnavailableError, match=r"the package transformers, .*\[baselines\]"):
        registry.load("encodec-6k")
    assert "transformers" in encodec.card("encodec-6k").missing


@pytest.mark.usefixtures("weights")
def test_random_weights_are_certified_but_for_training(
    is_certified: Callable[[Callable[[], Codec]], None],
) -> None:
    is_certified(lambda: registry.load("encodec-3k"))
