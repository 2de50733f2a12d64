"""Certification: is a codec's adapter right? Checks on the adapter alone, with what they measured.

Published tables carry rows that are wrong because an adapter was: a model left in training
mode, a quantizer broken by another version of a library, audio stamped with a rate that it is
not at, clips paired by position. Each of these shows in one of the checks here, on the 15 s of
speech, music, effects and noise of `bench.delay` and on clips of awkward lengths. A check
passes, fails, or does not apply (no known answer, no other bitrate here). What a codec is
known to do, such as a delay that belongs to it, it declares in `bench.codec.Facts`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import audio
from bench.codec import Codec, Encoded, Facts
from bench.delay import ANY_RATE_HZ, constant_delay, probe
from bench.errors import reason
from bench.metrics.codes import usage
from bench.roundtrip import through_codec

VERSION = "2"
"""Raised when a check or a threshold changes."""

DELAY_TOLERANCE = 2  # samples: codecs that keep little phase are measured to a sample or so
TOKEN_BITRATE_TOLERANCE = 0.02
OTHER_BITRATE_TOLERANCE = 0.2  # variable rate, and headers of frames
SAME_CODES = 0.99  # of a batch and its clips: sums in another order may tip a code
SAME_AUDIO_DB = 20.0
IN_STEP = 0.5
LEAST_USED = 0.02  # of the codes that a codebook could show
QUALITY_TOLERANCE = 0.05
_FRAME_S = 0.02
_SHORT_S = 0.3
_ODD_RATES = (11_025, 22_050, 44_100)
_DEFAULT_HOP = 320

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: of the check.
        value: what was measured, in words.
        passed: None where it does not apply.
    """

    name: str
    value: str
    passed: bool | None


@dataclass(frozen=True)
class Certificate:
    """What the checks found about one revision of a codec."""

    codec: str
    revision: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not any(check.passed is False for check in self.checks)


def verify(
    codec: Codec,
    load_again: Callable[[], Codec],
    family: Sequence[Codec] = (),
) -> Certificate:
    """Check a codec.

    Args:
        codec: a loaded codec.
        load_again: loads it a second time.
        family: the same codec at other bitrates, as far as they are here.
    """
    subject = _Subject(codec)
    checks = {
        "eval mode": subject.eval_mode,
        "same input, same codes": subject.deterministic,
        "batch as one by one": subject.batch,
        "codes alone decode": subject.codes_alone,
        "length and rate": subject.lengths,
        "frames per second": subject.frame_rate,
        "bits per second": subject.bitrate,
        "in step": subject.in_step,
        "constant delay": subject.delay,
        "codebooks used": subject.codebooks,
        "quality by bitrate": lambda: _quality(codec, family),
        "weights' hash": lambda: _same_revision(codec, load_again),
        "known answer": subject.known_answer,
    }
    return Certificate(
        codec.info.name,
        codec.info.revision,
        tuple(_checked(name, measure) for name, measure in checks.items()),
    )


def _checked(name: str, measure: Callable[[], tuple[str, bool | None]]) -> Check:
    try:
        return Check(name, *measure())
    except Exception as error:  # a codec may raise anything
        return Check(name, reason(error), False)


class _Subject:
    """A codec under examination, with what it makes of the probe."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.facts: Facts = getattr(codec, "facts", Facts())
        self.rate = codec.info.sample_rate or ANY_RATE_HZ
        self.probe = probe(self.rate)
        self._coded: tuple[Encoded, Audio] | None = None

    def coded(self) -> tuple[Encoded, Audio]:
        """The probe encoded, and decoded [T]."""
        if self._coded is None:
            encoded = self.codec.encode(self.probe[None].copy(), self.rate)
            self._coded = encoded, self.codec.decode(encoded)[0]
        return self._coded

    def eval_mode(self) -> tuple[str, bool | None]:
        """No part of a network behind the adapter is in training mode."""
        networks = list(_networks(self.codec))
        if not networks:
            return "no network", None
        modules = [part for network in networks for part in network.modules()]
        training = [type(part).__name__ for part in modules if part.training]
        if training:
            return f"{len(training)} of {len(modules)} modules in training mode", False
        return f"all {len(modules)} modules", True

    def deterministic(self) -> tuple[str, bool | None]:
        """The same clip again gives the same bits, codes and audio."""
        encoded, decoded = self.coded()
        again = self.codec.encode(self.probe[None].copy(), self.rate)
        differing = []
        if again.bits != encoded.bits:
            differing.append("bits")
        if not _same_codes(again.codes, encoded.codes):
            differing.append("codes")
        if not np.array_equal(self.codec.decode(again)[0], decoded):
            differing.append("audio")
        return (f"other {', '.join(differing)}", False) if differing else ("the same", True)

    def batch(self) -> tuple[str, bool | None]:
        """Two clips at once come out as they do one by one."""
        if self.facts.batch_size_1:
            return "declares batch size 1", None
        half = len(self.probe) // 2
        clips = np.stack([self.probe[:half], self.probe[half : 2 * half]])
        together = self.codec.encode(clips.copy(), self.rate)
        alone = [self.codec.encode(clip[None].copy(), self.rate) for clip in clips]
        same = 1.0
        if together.codes is not None:
            one_by_one = np.concatenate([_codes(one) for one in alone])
            if one_by_one.shape != together.codes.shape:
                return f"codes {list(together.codes.shape)}, not {list(one_by_one.shape)}", False
            same = float(np.mean(one_by_one == together.codes))
        decoded = np.concatenate([self.codec.decode(one) for one in alone])
        closest_db = min(map(_snr_db, decoded, self.codec.decode(together)))
        text = f"{100 * same:.2f} % of codes the same, audio within {_db(closest_db)}"
        return text, same >= SAME_CODES and closest_db >= SAME_AUDIO_DB

    def codes_alone(self) -> tuple[str, bool | None]:
        """What is counted as sent is enough to decode: codes without anything beside."""
        encoded, decoded = self.coded()
        if encoded.codes is None:
            return "no codes", None
        bare = self.codec.decode(replace(encoded, payload=None))[0]
        agreement_db = _snr_db(decoded, bare)
        return f"audio within {_db(agreement_db)}", agreement_db >= SAME_AUDIO_DB

    def lengths(self) -> tuple[str, bool | None]:
        """Awkward lengths at the codec's rate, and other rates, come back as long as they went."""
        frame_rate_hz = self.codec.info.frame_rate_hz
        hop = round(self.rate / frame_rate_hz) if frame_rate_hz else _DEFAULT_HOP
        wanted = {max(1, hop - 1), hop, hop + 1, round(_SHORT_S * self.rate)}
        for n_samples in sorted(wanted):
            through_codec(self.codec, self.probe[:n_samples], self.rate)  # raises what is wrong
        for odd_rate in _ODD_RATES:
            clip = audio.resample(self.probe[: self.rate], self.rate, odd_rate)
            decoded = through_codec(self.codec, clip, odd_rate)
            if len(decoded.estimate) != len(clip):
                return f"{len(decoded.estimate)} of {len(clip)} samples at {odd_rate} Hz", False
        rates = ", ".join(f"{rate:,}" for rate in _ODD_RATES)
        return f"kept for {', '.join(map(str, sorted(wanted)))} samples, and at {rates} Hz", True

    def frame_rate(self) -> tuple[str, bool | None]:
        """As many frames a second as the codec says: a wrong rate has more or fewer."""
        encoded, _ = self.coded()
        if encoded.codes is None:
            return "no codes", None
        declared = self.codec.info.frame_rate_hz
        n_frames = encoded.codes.shape[2]
        expected = declared * len(self.probe) / self.rate
        measured = n_frames * self.rate / len(self.probe)
        # A last, unfinished frame may be sent, and one more for what lies ahead of it.
        return f"{measured:.2f} of {declared:g}", abs(n_frames - expected) <= 2

    def bitrate(self) -> tuple[str, bool | None]:
        """Measured against nominal bits per second."""
        nominal = self.codec.info.bitrate_bps
        if nominal is None:
            return "no nominal bitrate", None
        encoded, _ = self.coded()
        measured = encoded.bits[0] * self.rate / len(self.probe)
        has_tokens = encoded.codes is not None
        tolerance = TOKEN_BITRATE_TOLERANCE if has_tokens else OTHER_BITRATE_TOLERANCE
        return f"{measured:,.0f} of {nominal:,.0f}", abs(measured / nominal - 1) <= tolerance

    def in_step(self) -> tuple[str, bool | None]:
        """The decoded audio is loud and quiet when the clip is, which stretched audio is not."""
        _, decoded = self.coded()
        levels = [_levels_db(signal, self.rate) for signal in (self.probe, decoded)]
        correlation = float(np.corrcoef(levels[0], levels[1])[0, 1])
        if not np.isfinite(correlation):
            return "the decoded audio is of one level", False
        return f"levels correlate by {correlation:.2f}", correlation >= IN_STEP

    def delay(self) -> tuple[str, bool | None]:
        """The delay is the declared one."""
        found = constant_delay(self.codec)
        declared = self.facts.delay_samples
        if found.samples is None:
            return found.error, None
        text = f"{found.samples} samples, declared {declared}"
        return text, abs(found.samples - declared) <= DELAY_TOLERANCE

    def codebooks(self) -> tuple[str, bool | None]:
        """No codebook lies idle; of a scalar quantizer, every level of every dimension is used."""
        encoded, _ = self.coded()
        if encoded.codes is None:
            return "no codes", None
        size = self.codec.info.codebook_size
        codes = encoded.codes[0]  # [K, F]
        used = usage([codes], size).used
        possible = min(size, codes.shape[1])
        text = f"{min(used):,} of {possible:,} that could show"
        enough = min(used) >= max(2, LEAST_USED * possible)
        if not self.facts.levels:
            return text, enough
        levels = self.facts.levels
        digits = np.unravel_index(codes.ravel(), levels, order="F")
        fewest = min(
            (len(np.unique(digit)) - n_levels, len(np.unique(digit)), n_levels)
            for digit, n_levels in zip(digits, levels, strict=True)
        )
        return f"{text}; {fewest[1]} of {fewest[2]} levels", enough and fewest[0] == 0

    def known_answer(self) -> tuple[str, bool | None]:
        """The first codes of a known clip through known weights."""
        known = self.facts.known_answer
        if known is None:
            return "none known", None
        encoded = self.codec.encode(known.clip()[None], self.rate)
        found = _codes(encoded)[0, 0, : len(known.codes)]
        n_same = int(np.sum(found == np.array(known.codes)))
        return f"{n_same} of {len(known.codes)} codes", n_same == len(known.codes)


def _quality(codec: Codec, family: Sequence[Codec]) -> tuple[str, bool | None]:
    """Mel distance does not grow with the bitrate."""
    if not family:
        return "no other bitrate here", None
    from bench.metrics.mel import mel_distance

    distances = []
    for member in sorted([codec, *family], key=lambda one: one.info.bitrate_bps or 0.0):
        rate = member.info.sample_rate or ANY_RATE_HZ
        decoded = through_codec(member, probe(rate), rate)
        distance = mel_distance(decoded.reference, decoded.estimate, rate)
        distances.append((member.info.name, distance))
    text = ", ".join(f"{name} {distance:.2f}" for name, distance in distances)
    steps = itertools.pairwise(distances)
    return f"MEL {text}", all(b <= a * (1 + QUALITY_TOLERANCE) for (_, a), (_, b) in steps)


def _same_revision(codec: Codec, load_again: Callable[[], Codec]) -> tuple[str, bool | None]:
    """Loaded again, it is the same revision."""
    revision, again = codec.info.revision, load_again().info.revision
    if revision != again:
        return f"{revision}, then {again}", False
    return f"revision {revision}" if revision else "no revision", bool(revision)


def _networks(thing: object, depth: int = 3) -> Iterator[Any]:
    """Networks of torch that an object holds, directly or in what it holds."""
    torch = sys.modules.get("torch")  # if it was never imported there is none
    if torch is None or depth == 0:
        return
    for value in getattr(thing, "__dict__", {}).values():
        if isinstance(value, torch.nn.Module):
            yield value
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            yield from _networks(value, depth - 1)


def _codes(encoded: Encoded) -> NDArray[np.int64]:
    if encoded.codes is None:
        raise ValueError("expected codes, got none")
    return encoded.codes


def _same_codes(first: NDArray[np.int64] | None, second: NDArray[np.int64] | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def _snr_db(expected: Audio, found: Audio) -> float:
    """How far below a signal [T] its difference to another lies, dB."""
    if expected.shape != found.shape:
        raise ValueError(f"audio of shape {list(found.shape)}, expected {list(expected.shape)}")
    noise = float(np.sum((expected - found) ** 2))
    signal = float(np.sum(expected**2))
    return np.inf if noise == 0 else float(10 * np.log10(max(signal, 1e-20) / noise))


def _db(value: float) -> str:
    return "0 (exact)" if np.isinf(value) else f"-{value:.0f} dB"


def _levels_db(signal: Audio, rate: int) -> NDArray[np.float64]:
    """Levels of consecutive frames of 20 ms, dB."""
    n = round(_FRAME_S * rate)
    frames = signal[: len(signal) // n * n].reshape(-1, n).astype(np.float64)
    return 10 * np.log10(np.mean(frames**2, axis=1) + 1e-6)
