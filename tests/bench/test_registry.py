"""bench.registry: names to codecs, lazily, with help for those that miss."""

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from baselines import anchors
from bench import registry
from bench.codec import CodecUnavailableError


def a_third_partys_load(name: str) -> anchors.Identity:
    """What an entry point of another package could name."""
    return anchors.Identity(name, 8_000)


def a_broken_load(name: str) -> anchors.Identity:
    raise ImportError("No module named 'nowhere'")


@pytest.fixture
def third_parties(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = EntryPoints(
        EntryPoint(name, f"{__name__}:{function}", registry.ENTRY_POINT_GROUP)
        for name, function in [
            ("theirs-8k", "a_third_partys_load"),
            ("broken", "a_broken_load"),
            ("reference", "a_third_partys_load"),
        ]
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: entries.select(group=group))


def test_an_anchor_by_name() -> None:
    assert registry.load("reference").info.name == "reference"


def test_an_anchor_does_not_import_torch() -> None:
    program = "import sys, bench.registry as r; r.load('reference'); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"


def test_a_misspelt_name_suggests_the_nearest_and_says_what_lists_all() -> None:
    with pytest.raises(registry.UnknownNameError) as caught:
        registry.load("sqcodec-3")
    message = str(caught.value)
    assert message.startswith("no codec is called 'sqcodec-3'; did you mean sqcodec-3k")
    assert message.endswith("? `bench list codecs` lists all")


def test_a_name_like_no_other_says_what_lists_all() -> None:
    with pytest.raises(registry.UnknownNameError, match="'zzz'; `bench list codecs`"):
        registry.load("zzz")


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CodecUnavailableError, match=r"no checkpoint at .*mine\.safetensors"):
        registry.load(str(tmp_path / "mine.safetensors"))


@pytest.mark.usefixtures("third_parties")
def test_a_third_party_joins_by_entry_point() -> None:
    assert registry.load("theirs-8k").info.sample_rate == 8_000
    assert registry.available()["theirs-8k"] == __name__


@pytest.mark.usefixtures("third_parties")
def test_a_third_party_does_not_replace_ours() -> None:
    assert registry.load("reference").info.sample_rate is None
    assert registry.available()["reference"] == "baselines.anchors"


@pytest.mark.usefixtures("third_parties")
def test_a_third_partys_fault_is_told_in_one_line() -> None:
    with pytest.raises(CodecUnavailableError, match=r"'broken' .* does not load: ImportError"):
        registry.load("broken")


@pytest.mark.usefixtures("third_parties")
def test_every_codec_has_a_card() -> None:
    cards = registry.cards()
    assert {card.name for card in cards} == registry.available().keys()
    assert len(cards) == len(registry.available())
    assert all(card.description for card in cards)
    (theirs,) = (card for card in cards if card.name == "theirs-8k")
    assert theirs.description == f"of another package: {__name__}:a_third_partys_load"


@pytest.mark.parametrize("name", ["reference", "resample-16k", "opus-12k", "mulaw-64k"])
def test_a_card_says_what_the_codec_says(name: str) -> None:
    (card,) = (card for card in registry.cards() if card.name == name)
    info = registry.load(name).info
    assert (card.sample_rate, card.bitrate_bps) == (info.sample_rate, info.bitrate_bps)
    assert card.missing == ""
