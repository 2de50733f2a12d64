"""Isolated codecs: a worker of another environment behind the contract of `bench.codec`.

A definition says which codecs its worker is, a table each, with the fields of
`bench.codec.CodecInfo` less `name` and `revision`:

```toml
[codecs.mine-6k]
sample_rate = 16000
bitrate_bps = 6000
n_codebooks = 12
codebook_size = 1024
frame_rate_hz = 50
```

The worker gets one clip at a time, at that rate, and has the verbs

- ``encode(codec, audio)`` -> ``{"bits": ..., "codes": ..., "payload": ...}``: what would be sent;
  codes [K, F], or None for a codec without tokens; and whatever else `decode` needs, as JSON;
- ``decode(codec, codes, payload, length)`` -> audio, float32, of that many samples;
- ``revision(codec)`` -> a text: a hash of its weights, where there are any, downloaded or not.

`codec` is the name, for a worker that is several; the last verb may be missing.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.codec import CodecCard, CodecInfo, CodecUnavailableError, Encoded
from bench.isolation.definition import Definition, DefinitionError
from bench.isolation.environment import EnvironmentMissingError, environment_of
from bench.isolation.known import definitions
from bench.isolation.process import Isolated, IsolationError
from bench.names import UnknownNameError

_OURS = ("name", "revision")


class IsolatedCodec:
    """A codec in an environment and a process of its own, which ends with it or at `close`.

    Args:
        definition: which has a table for it.
        name: of the codec.
        device: "cpu" or "cuda".

    Raises:
        CodecUnavailableError: no environment, or its worker does not start.
    """

    def __init__(self, definition: Definition, name: str, device: str = "cpu") -> None:
        self._name = name
        self._worker = Isolated(definition, device=device)
        weakref.finalize(self, self._worker.stop)
        try:
            digest = hashlib.sha256(self._worker.revision.encode())
            digest.update(json.dumps(definition.codecs[name], sort_keys=True).encode())
            self._worker.start()
            if "revision" in definition.verbs:
                digest.update(str(self._call("revision")).encode())
            self._info = _info(definition, name, digest.hexdigest()[:12])
        except (EnvironmentMissingError, IsolationError, ValueError) as error:
            self._worker.stop()
            raise CodecUnavailableError(f"{name}: {error}") from error

    @property
    def info(self) -> CodecInfo:
        """As the definition has it; the revision covers scripts, settings and versions."""
        return self._info

    def encode(self, audio: NDArray[np.float32], sample_rate: int) -> Encoded:
        """Encode clips [B, T], one after another.

        Raises:
            ValueError: the worker cannot encode a clip, or answers something else than that.
            IsolationError: it failed, died or took too long.
        """
        answers = [self._call("encode", audio=np.ascontiguousarray(clip)) for clip in audio]
        for answer in answers:
            bits = answer.get("bits") if isinstance(answer, dict) else None
            if not isinstance(bits, (int, float)):
                raise ValueError(f"{self._name}: expected bits and codes of encode, got {answer!r}")
        codes = None
        if self._info.n_codebooks:
            codes = np.stack([self._codes(answer.get("codes")) for answer in answers])
        return Encoded(
            bits=tuple(float(answer["bits"]) for answer in answers),
            length=audio.shape[1],
            sample_rate=sample_rate,
            codes=codes,
            payload=[answer.get("payload") for answer in answers],
        )

    def decode(self, encoded: Encoded) -> NDArray[np.float32]:
        """Return the decoded clips [B, T].

        Raises:
            ValueError: the worker cannot decode a clip, or does not answer with its audio.
            IsolationError: it failed, died or took too long.
        """
        n_clips = len(encoded.bits)
        codes = [None] * n_clips if encoded.codes is None else encoded.codes
        payloads = [None] * n_clips if encoded.payload is None else encoded.payload
        clips = []
        for of_clip, payload in zip(codes, payloads, strict=True):
            clip = self._call("decode", codes=of_clip, payload=payload, length=encoded.length)
            if not isinstance(clip, np.ndarray):
                kind = type(clip).__name__
                raise ValueError(f"{self._name}: expected float32 audio of decode, got {kind}")
            if len(clip) != encoded.length:
                raise ValueError(
                    f"{self._name}: expected {encoded.length} samples of decode, got {len(clip)}"
                )
            clips.append(clip)
        return np.stack(clips)

    def close(self) -> None:
        """End its process."""
        self._worker.stop()

    def _call(self, verb: str, **arguments: object) -> Any:
        return self._worker.call(verb, codec=self._name, **arguments)

    def _codes(self, answer: object) -> NDArray[np.int64]:
        """Codes [K, F] as the worker answered with them."""
        try:
            codes = np.array(answer)
        except ValueError:  # rows of different lengths
            codes = np.array(None)
        expected = self._info.n_codebooks
        if codes.ndim != 2 or len(codes) != expected or codes.dtype.kind not in "iu":
            raise ValueError(
                f"{self._name}: expected codes of encode, whole numbers [{expected}, F], "
                f"got {str(answer)[:60]}"
            )
        return codes.astype(np.int64)


def available() -> dict[str, Definition]:
    """The isolated codecs by name, with the definitions that have them."""
    return {name: found for found in definitions() for name in found.codecs}


def load(name: str, device: str = "cpu") -> IsolatedCodec:
    """Load the isolated codec called `name`.

    Raises:
        UnknownNameError: there is none.
        CodecUnavailableError: its environment or its worker cannot be used.
    """
    known = available()
    if name not in known:
        raise UnknownNameError("isolated codec", name, known)
    return IsolatedCodec(known[name], name, device)


def cards() -> list[CodecCard]:
    """What every isolated codec is, and lacks here."""
    found = []
    for name, definition in available().items():
        missing = ""
        try:
            environment_of(definition)
            info = _info(definition, name, "")
        except (EnvironmentMissingError, DefinitionError) as error:
            missing, info = str(error), None
        found.append(
            CodecCard(
                name=name,
                description=definition.description or f"in the environment {definition.name}",
                sample_rate=None if info is None else info.sample_rate,
                bitrate_bps=None if info is None else info.bitrate_bps,
                weights="" if info is None else info.weights,
                missing=missing,
            )
        )
    return found


def _info(definition: Definition, name: str, revision: str) -> CodecInfo:
    """What the definition says of a codec. Raises DefinitionError: not what a codec needs."""
    said = {"sample_rate": None, "bitrate_bps": None, **definition.codecs[name]}
    said = {"n_codebooks": 0, "codebook_size": 0, "frame_rate_hz": 0.0, **said}
    unknown = sorted(said.keys() - ({field.name for field in fields(CodecInfo)} - set(_OURS)))
    if unknown:
        where = f"{definition.path}: codecs.{name}"
        raise DefinitionError(f"{where} has no such field: {', '.join(unknown)}")
    for field in ("sample_rate", "bitrate_bps", "n_codebooks", "codebook_size", "frame_rate_hz"):
        if not isinstance(said[field], (int, float, type(None))):
            where = f"{definition.path}: codecs.{name}"
            raise DefinitionError(f"{where}: expected {field} to be a number, got {said[field]!r}")
    return CodecInfo(name=name, revision=revision, **said)
