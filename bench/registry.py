"""The registry of codecs: from a name to a codec, importing no more than that one needs.

An adapter module has ``NAMES``, the codecs it offers, ``load(name) -> Codec`` and, for lists,
``card(name) -> CodecCard``. One that can compute elsewhere than on the CPU takes
``load(name, device)``, "cpu" or "cuda"; one whose networks can be counted without weights has
``architecture(name) -> Architecture``. The project's own are listed here and asked in order,
so that a codec without a model does not wait for a neural one's framework. Third parties join
by an entry point in the group ``bench.codecs``: its name is the codec's, its object a function
like ``load``; it cannot take the place of a codec of ours. Neither can a codec of an isolated
environment (`bench.isolation`), which has a process of its own. A path to a ``.safetensors``
file is a checkpoint of SQCodec, and ``folder:PATH`` a folder of audio that was decoded elsewhere.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, cast

from bench.architecture import Architecture
from bench.codec import Codec, CodecCard, CodecUnavailableError
from bench.devices import prepare
from bench.isolation import codec as isolated
from bench.names import UnknownNameError
from bench.trainable import Trainable

ENTRY_POINT_GROUP = "bench.codecs"

_ADAPTERS = (
    "baselines.anchors",
    "baselines.ffmpeg",
    "baselines.sqcodec",
    "baselines.encodec",
    "baselines.dac",
    "baselines.wavtokenizer.adapter",
)
_CHECKPOINT_ADAPTER = "baselines.sqcodec"
_CHECKPOINT_SUFFIX = ".safetensors"
_TRAINABLE_ADAPTER = "baselines.sqcodec_training"
_FOLDER_ADAPTER = "baselines.decoded_folder"
_FOLDER_PREFIX = "folder:"
_FAMILY = re.compile(r"(.+)-[\d.]+k?")  # "opus-12k", "wavtokenizer-480"


class _Adapter(Protocol):
    NAMES: tuple[str, ...]
    load: Callable[..., Codec]
    card: Callable[[str], CodecCard]


def _adapter(module: str) -> _Adapter:
    return cast(_Adapter, importlib.import_module(module))


def _third_parties() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def available() -> dict[str, str]:
    """Every codec's name, with the module that offers it."""
    ours = {name: module for module in _ADAPTERS for name in _adapter(module).NAMES}
    theirs = {name: entry.module for name, entry in _third_parties().items()}
    return theirs | dict.fromkeys(isolated.available(), isolated.__name__) | ours


def family(name: str) -> list[str]:
    """The names of the same codec at other bitrates: those that differ in their last part only."""
    own = _FAMILY.fullmatch(name)
    if own is None:
        return []
    others = (_FAMILY.fullmatch(other) for other in available() if other != name)
    return [other.string for other in others if other is not None and other[1] == own[1]]


def cards() -> list[CodecCard]:
    """What every codec is and lacks here; none is loaded, so a third party's says little."""
    ours = [_adapter(module).card(name) for module in _ADAPTERS for name in _adapter(module).NAMES]
    names = {card.name for card in ours}
    ours += [card for card in isolated.cards() if card.name not in names]
    names = {card.name for card in ours}
    theirs = [
        CodecCard(name, f"of another package: {entry.value}", None, None)
        for name, entry in _third_parties().items()
        if name not in names
    ]
    return ours + theirs


def load(name: str, device: str = "cpu") -> Codec:
    """Load the codec called `name`, the SQCodec checkpoint at that path, or `folder:PATH`.

    Args:
        name: of a codec, a path, or "folder:" and a path.
        device: where it shall compute if it leaves a choice; one of `bench.devices.DEVICES`.

    Raises:
        UnknownNameError: there is no such codec.
        CodecUnavailableError: it exists but cannot run here; one line says what is missing.
    """
    if name.startswith(_FOLDER_PREFIX):
        return _adapter(_FOLDER_ADAPTER).load(name)
    if name.endswith(_CHECKPOINT_SUFFIX):
        if not Path(name).is_file():
            raise CodecUnavailableError(f"no checkpoint at {name}: no such file")
        return _call(_adapter(_CHECKPOINT_ADAPTER).load, name, device)
    for module in _ADAPTERS:
        adapter = _adapter(module)
        if name in adapter.NAMES:
            return _call(adapter.load, name, device)
    if name in isolated.available():
        return _call(isolated.load, name, device)
    third_parties = _third_parties()
    if name not in third_parties:
        raise UnknownNameError("codec", name, available(), lister="bench list codecs")
    entry = third_parties[name]
    try:
        return _call(entry.load(), name, device)
    except CodecUnavailableError:
        raise
    except Exception as error:  # whatever a stranger's package raises is its codec's fault
        raise CodecUnavailableError(
            f"codec {name!r} of {entry.value} does not load: {type(error).__name__}: {error}"
        ) from error


def architecture(name: str) -> Architecture:
    """The networks of the codec called `name`, without its weights.

    Raises:
        UnknownNameError: there is no such codec.
        CodecUnavailableError: it has no networks that could be counted, or lacks a library.
    """
    modules = available()
    if name not in modules:
        raise UnknownNameError("codec", name, modules, lister="bench list codecs")
    networks_of = getattr(importlib.import_module(modules[name]), "architecture", None)
    if networks_of is None:
        raise CodecUnavailableError(
            f"{name} has no networks to count: its adapter {modules[name]} offers no architecture"
        )
    return networks_of(name)


def trainable() -> Trainable:
    """The trainer of SQCodec and its variants; importing it takes seconds."""
    return cast(Trainable, importlib.import_module(_TRAINABLE_ADAPTER))


def _call(load: Callable[..., Codec], name: str, device: str) -> Codec:
    if "device" in inspect.signature(load).parameters:
        return load(name, device=prepare(device))
    return load(name)
