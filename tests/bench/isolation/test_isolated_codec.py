"""bench.isolation.codec: a codec in a process of its own behind the contract, and its nonsense."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import registry
from bench.codec import CodecUnavailableError
from bench.isolation import codec as isolated
from bench.isolation.definition import Definition
from bench.isolation.environment import create
from bench.isolation.process import IsolatedLost
from bench.names import UnknownNameError

SCRIPT = """
import os
from array import array

LEVELS = {"steps-8": 8, "steps-16": 16}


def revision(codec):
    return "weights of " + codec


def encode(codec, audio):
    if max(audio, default=0) > 1:
        raise ValueError("the clip is louder than full scale")
    levels = LEVELS[codec]
    codes = [min(int((sample + 1) / 2 * levels), levels - 1) for sample in audio]
    return {"bits": len(codes) * levels.bit_length(), "codes": [codes]}


def decode(codec, codes, payload, length):
    return array("f", [(code + 0.5) / LEVELS[codec] * 2 - 1 for code in codes[0]])
"""
TABLE = {
    "sample_rate": 8_000,
    "bitrate_bps": 24_000,
    "n_codebooks": 1,
    "codebook_size": 8,
    "frame_rate_hz": 8_000,
}


@pytest.fixture
def offer(
    environments: Path, define: Callable[..., Definition]
) -> Callable[..., dict[str, Definition]]:
    """Makes an environment of a worker that is codecs."""

    def made(script: str = SCRIPT, verbs: tuple[str, ...] = ("encode", "decode"), **table: object):
        definition = define(script, verbs=list(verbs))
        tables = "".join(
            f"[codecs.{name}]\n"
            + "".join(f"{key} = {value!r}\n" for key, value in (TABLE | size | table).items())
            for name, size in {"steps-8": {}, "steps-16": {"codebook_size": 16}}.items()
        )
        definition.path.write_text(definition.path.read_text() + tables)
        create(definition)
        return isolated.available()

    return made


def clips() -> np.ndarray:
    ramp = np.linspace(-0.9, 0.9, 500, dtype=np.float32)
    return np.stack([ramp, ramp[::-1]])  # the second is no contiguous one


def test_clips_go_through_it(offer: Callable[..., object]) -> None:
    offer()
    codec = registry.load("steps-16")
    assert codec.info.sample_rate == 8_000
    encoded = codec.encode(clips(), 8_000)
    assert encoded.codes is not None
    assert encoded.codes.shape == (2, 1, 500)
    assert encoded.bits == (2_500.0, 2_500.0)
    np.testing.assert_allclose(codec.decode(encoded), clips(), atol=1 / 16)
    with pytest.raises(ValueError, match=r"^the clip is louder than full scale$"):
        codec.encode(2 * clips(), 8_000)


def test_the_registry_knows_it_and_its_family(offer: Callable[..., object]) -> None:
    assert "steps-8" not in registry.available()
    offer()
    assert registry.family("steps-8") == ["steps-16"]
    card = next(card for card in registry.cards() if card.name == "steps-8")
    assert (card.sample_rate, card.bitrate_bps, card.missing) == (8_000, 24_000, "")
    with pytest.raises(UnknownNameError, match="did you mean steps-8"):
        registry.load("steps-9")
    with pytest.raises(CodecUnavailableError, match="steps-8 has no networks to count"):
        registry.architecture("steps-8")


def test_its_revision_is_of_script_settings_and_weights(offer: Callable[..., object]) -> None:
    def revision(*arguments: object, **table: object) -> str:
        offer(*arguments, **table)
        with_process = isolated.load("steps-8")
        with_process.close()
        return with_process.info.revision

    first = revision()
    assert revision() == first
    others = [
        revision(SCRIPT + "\n# changed\n"),
        revision(bitrate_bps=25_000),
        revision(SCRIPT, ("encode", "decode", "revision")),
    ]
    assert len({first, *others}) == 4


def test_without_its_environment_or_with_a_broken_worker_it_is_unavailable(
    offer: Callable[..., dict[str, Definition]],
) -> None:
    definition = offer()["steps-8"]
    path = definition.path
    path.write_text(
        path.read_text().replace('name = "tiny"', 'name = "tiny"\nrequirements=["a==1"]')
    )
    told = "steps-8: the environment tiny was made for other requirements: run `bench env create"
    with pytest.raises(CodecUnavailableError, match=told):
        registry.load("steps-8")
    assert "other requirements" in next(c for c in isolated.cards() if c.name == "steps-8").missing
    offer("import nothing_such\n")
    told = "steps-8: the worker of tiny cannot start: ModuleNotFoundError: No module named 'nothing"
    with pytest.raises(CodecUnavailableError, match=told):
        registry.load("steps-8")
    offer(colour="red")
    with pytest.raises(CodecUnavailableError, match=r"codecs\.steps-8 has no such field: colour"):
        registry.load("steps-8")
    offer(sample_rate="fast")
    with pytest.raises(CodecUnavailableError, match="expected sample_rate to be a number, got 'fa"):
        registry.load("steps-8")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("None", r"expected bits and codes of encode, got None"),
        ("{'codes': [[1]]}", r"expected bits and codes of encode, got \{'codes'"),
        ("{'bits': 1}", r"expected codes of encode, whole numbers \[1, F\], got None"),
        ("{'bits': 1, 'codes': [1, 2]}", r"whole numbers \[1, F\], got \[1, 2\]"),
        ("{'bits': 1, 'codes': [[1], [1, 2]]}", r"whole numbers \[1, F\], got \[\[1\]"),
        ("{'bits': 1, 'codes': [[0.5]]}", r"whole numbers \[1, F\], got \[\[0\.5\]\]"),
    ],
)
def test_nonsense_of_encode(offer: Callable[..., object], answer: str, told: str) -> None:
    offer(f"def encode(codec, audio):\n    return {answer}\n")
    codec = isolated.load("steps-8")
    with pytest.raises(ValueError, match=f"^steps-8: .*{told}"):
        codec.encode(clips(), 8_000)
    codec.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("[0.5] * length", "steps-8: expected float32 audio of decode, got list"),
        ("array('f', [0.5])", "steps-8: expected 500 samples of decode, got 1"),
    ],
)
def test_nonsense_of_decode(offer: Callable[..., object], answer: str, told: str) -> None:
    script, _, _ = SCRIPT.partition("def decode")
    offer(f"{script}def decode(codec, codes, payload, length):\n    return {answer}\n")
    codec = isolated.load("steps-8")
    with pytest.raises(ValueError, match=told):
        codec.decode(codec.encode(clips(), 8_000))
    codec.close()


def test_a_codec_without_tokens_has_what_it_needs_beside(offer: Callable[..., object]) -> None:
    offer(
        "from array import array\n"
        "def encode(codec, audio):\n"
        "    return {'bits': 8, 'payload': {'loudest': max(audio)}}\n"
        "def decode(codec, codes, payload, length):\n"
        "    return array('f', [payload['loudest']] * length)\n",
        n_codebooks=0,
        codebook_size=0,
    )
    codec = isolated.load("steps-8")
    encoded = codec.encode(clips()[:1], 8_000)
    assert encoded.codes is None
    assert codec.decode(encoded)[0, 0] == np.float32(0.9)
    codec.close()


def test_a_worker_that_dies_costs_one_clip(offer: Callable[..., object]) -> None:
    offer(
        SCRIPT.replace(
            "levels = LEVELS", "if len(audio) == 1:\n        os._exit(7)\n    levels = LEVELS"
        )
    )
    codec = isolated.load("steps-8")
    with pytest.raises(IsolatedLost, match=r"the worker of tiny ended itself \(status 7\)"):
        codec.encode(clips()[:, :1], 8_000)
    assert codec.encode(clips(), 8_000).bits
    codec.close()
