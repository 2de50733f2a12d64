"""baselines.wavtokenizer: equal to the public code's numbers; loading, contract, bad files.

The numbers in `wavtokenizer.json` are what the public implementation made of random weights at
small widths (its `origin` says which code); `tools/wavtokenizer_fixture.py` made them.
"""

import importlib.util
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from baselines.wavtokenizer import adapter, checkpoint
from baselines.wavtokenizer.encoder import Conv
from bench import registry
from bench.codec import Codec, CodecUnavailableError

HERE = Path(__file__).parent
NUMBERS = json.loads((HERE / "wavtokenizer.json").read_text())
SAME_AUDIO = 1e-5  # of samples up to 1
PAPERS_PARAMETERS = {"wavtokenizer-480": 80_913_988, "wavtokenizer-900": 80_552_420}
FILES = {
    "wavtokenizer-480": Path(
        "WavTokenizer-large-unify-40token", "wavtokenizer_large_unify_600_24k.ckpt"
    ),
    "wavtokenizer-900": Path(
        "WavTokenizer-large-speech-75token", "wavtokenizer_large_speech_320_v2.ckpt"
    ),
}


def _tool() -> ModuleType:
    path = HERE.parent.parent / "tools" / "wavtokenizer_fixture.py"
    spec = importlib.util.spec_from_file_location("wavtokenizer_fixture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


def published(name: str) -> dict[str, Any]:
    """A checkpoint of random weights as the authors' training leaves it."""
    state = TOOL.weights_for(NUMBERS["models"][name]["shapes"])
    discriminator = {"multiperioddisc.discriminators.0.convs.0.bias": torch.ones(32)}
    return {"epoch": 3, "global_step": 7, "state_dict": state | discriminator}


def write(checkpoint_: dict[str, Any], file: Path) -> Path:
    file.parent.mkdir(exist_ok=True)
    torch.save(checkpoint_, file)
    return file


@pytest.fixture
def weights(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both models at the small widths, with checkpoints where the user keeps weights."""
    backbone = TOOL.SMALL_BACKBONE
    for name, model in list(adapter._MODELS.items()):
        small = replace(model.config, **TOOL.SMALL, **backbone)
        monkeypatch.setitem(adapter._MODELS, name, replace(model, config=small))
        write(published(name), weights_folder / FILES[name])
    return weights_folder


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("name", adapter.NAMES)
def test_codes_and_audio_are_the_public_implementations(name: str) -> None:
    codec = registry.load(name)
    clips = NUMBERS["models"][name]["clips"]
    assert len({code for clip in clips for code in clip["codes"]}) >= 5
    for clip in clips:
        audio = TOOL.clip_for(clip["n_samples"])[None]
        encoded = codec.encode(audio, 24_000)
        assert encoded.codes is not None
        assert encoded.codes[0, 0].tolist() == clip["codes"]
        whole = replace(encoded, length=len(clip["codes"]) * adapter._MODELS[name].config.hop)
        decoded = codec.decode(whole)[0, :: TOOL.SAMPLE_STEP]
        assert np.allclose(decoded, clip["decoded"], rtol=0, atol=SAME_AUDIO)
        assert np.ptp(decoded) > 100 * SAME_AUDIO


@pytest.mark.parametrize("name", adapter.NAMES)
def test_every_part_has_the_published_parameters(name: str) -> None:
    with torch.device("meta"):
        network = adapter.network(name)
    theirs = NUMBERS["models"][name]["full_parameters"]

    def count(module: torch.nn.Module) -> int:
        return sum(value.numel() for value in module.parameters())

    convolutions = [part for part in network.encoder.modules() if isinstance(part, Conv)]
    # Weight norm, multiplied out here, has a scale for each output channel.
    scales = sum(convolution.out_channels for convolution in convolutions)
    assert count(network.encoder) + scales == theirs["encoder"]
    assert count(network.backbone) == theirs["backbone"]
    assert count(network.head) == theirs["head"]
    assert list(network.codebook.shape) == [4096, 512]
    # The paper counts the decoder that the checkpoint holds and nobody uses.
    assert count(network) + scales + theirs["unused_decoder"] == PAPERS_PARAMETERS[name]


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(("name", "hop"), [("wavtokenizer-480", 600), ("wavtokenizer-900", 320)])
def test_the_contract(
    name: str, hop: int, keeps_the_contract: Callable[[Codec, int], None]
) -> None:
    keeps_the_contract(registry.load(name), hop)


@pytest.mark.usefixtures("weights")
def test_a_batch_is_its_clips_one_by_one() -> None:
    codec = registry.load("wavtokenizer-900")
    clips = np.stack([TOOL.clip_for(3000), TOOL.clip_for(3001)[:3000]])
    together = codec.encode(clips, 24_000)
    alone = [codec.encode(clip[None], 24_000) for clip in clips]
    assert np.array_equal(together.codes, np.concatenate([one.codes for one in alone]))
    decoded = np.concatenate([codec.decode(one) for one in alone])
    assert np.array_equal(codec.decode(together), decoded)


def test_bitrates_and_cards() -> None:
    cards = {name: adapter.card(name) for name in adapter.NAMES}
    assert {name: card.bitrate_bps for name, card in cards.items()} == {
        "wavtokenizer-480": 480,
        "wavtokenizer-900": 900,
    }
    assert all(card.description.endswith("one codebook of 4,096") for card in cards.values())


def test_a_checkpoint_is_converted_once(weights: Path) -> None:
    name = "wavtokenizer-480"
    first = registry.load(name)
    ckpt = weights / FILES[name]
    converted = ckpt.with_suffix(".safetensors")
    made = converted.stat().st_mtime_ns
    ckpt.unlink()
    assert adapter.card(name).missing == ""
    again = registry.load(name)
    assert again.info == first.info
    assert converted.stat().st_mtime_ns == made
    assert "wavtokenizer_large_unify_600_24k.ckpt of novateur/" in again.info.weights


def test_a_newer_checkpoint_is_converted_again(weights: Path) -> None:
    name = "wavtokenizer-480"
    first = registry.load(name).info
    other = published(name)
    other["state_dict"]["head.out.bias"] += 1
    ckpt = write(other, weights / FILES[name])
    later = ckpt.with_suffix(".safetensors").stat().st_mtime + 10
    os.utime(ckpt, (later, later))
    second = registry.load(name).info
    assert second.revision != first.revision
    assert second.weights != first.weights


def test_the_other_models_checkpoint_is_refused(weights: Path) -> None:
    (weights / FILES["wavtokenizer-900"]).replace(weights / FILES["wavtokenizer-480"])
    with pytest.raises(
        CodecUnavailableError, match=r"is of another model: \d+ weights do not fit, such as encoder"
    ):
        registry.load("wavtokenizer-480")
    assert not (weights / FILES["wavtokenizer-480"]).with_suffix(".safetensors").exists()


def test_a_checkpoint_that_lacks_a_weight_is_refused(weights: Path) -> None:
    lacking = published("wavtokenizer-480")
    del lacking["state_dict"]["backbone.embed.bias"]
    write(lacking, weights / FILES["wavtokenizer-480"])
    with pytest.raises(CodecUnavailableError, match=r"backbone\.embed\.bias: .*, got nothing"):
        registry.load("wavtokenizer-480")


def test_values_that_are_not_finite_are_refused(weights: Path) -> None:
    broken = published("wavtokenizer-480")
    broken["state_dict"]["head.out.bias"][0] = torch.inf
    write(broken, weights / FILES["wavtokenizer-480"])
    with pytest.raises(CodecUnavailableError, match=r"not finite, in head\.out\.bias"):
        registry.load("wavtokenizer-480")


class _RunsCode:
    """What a malicious pickle would hold."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("ran",)


def test_a_pickle_cannot_run_code(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write({"state_dict": _RunsCode()}, weights / FILES["wavtokenizer-480"])
    with pytest.raises(CodecUnavailableError, match="cannot be read as a checkpoint") as caught:
        registry.load("wavtokenizer-480")
    assert "\n" not in str(caught.value)
    assert not Path("ran").exists()
    pickle.loads(pickle.dumps(_RunsCode()))
    assert Path("ran").exists()  # so it could have


@pytest.mark.parametrize("content", [b"", b"nothing of that kind"])
def test_a_file_that_is_no_checkpoint_is_told_in_one_line(weights: Path, content: bytes) -> None:
    (weights / FILES["wavtokenizer-900"]).write_bytes(content)
    with pytest.raises(CodecUnavailableError, match="cannot be read as a checkpoint"):
        registry.load("wavtokenizer-900")


def test_a_foreign_safetensors_file_is_refused(weights: Path) -> None:
    from safetensors.torch import save_file

    converted = (weights / FILES["wavtokenizer-900"]).with_suffix(".safetensors")
    save_file({"codebook": torch.ones(1)}, converted)
    with pytest.raises(CodecUnavailableError, match=f"expected format '{checkpoint.FORMAT}'"):
        registry.load("wavtokenizer-900")


def test_a_folder_that_cannot_be_written_is_told_in_one_line(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", no_space)
    with pytest.raises(CodecUnavailableError, match=r"cannot write .*No space left.*BENCH_WEIGHTS"):
        registry.load("wavtokenizer-480")
    assert [file.suffix for file in (weights / FILES["wavtokenizer-480"]).parent.iterdir()] == [
        ".ckpt"
    ]


@pytest.mark.usefixtures("weights_folder")
def test_missing_weights_are_told_in_one_line() -> None:
    with pytest.raises(CodecUnavailableError, match="no weights of novateur/WavTokenizer-large-u"):
        registry.load("wavtokenizer-480")
    assert adapter.card("wavtokenizer-900").missing.startswith("no weights of novateur/")


@pytest.mark.usefixtures("weights")
def test_random_weights_are_certified_but_for_training(
    is_certified: Callable[[Callable[[], Codec]], None],
) -> None:
    is_certified(lambda: registry.load("wavtokenizer-480"))
