"""Range coding of codes: what the model of a block did not expect costs bits, the rest hardly any.

A code is the digits of FSQ, and near digits resemble each other, in time and in strength. Each
digit is coded with frequencies counted so far in the same block, under three views of what has
just been: the same digit in the two frames before; the digit before with the activity around
(the distance of digits from the middle); and that activity in more detail. Their counts are
added. Several channels are coded side by side, and one that repeats the channel before it is
predicted from that alone.

Everything is counted in integers, so every machine reads what another wrote. A block starts
from nothing: it needs no other block, and no tables that fit one set of weights only.

Source of the coder: G. N. N. Martin, "Range encoding" (1979), with carries into what is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_TOP, _BOTTOM = 1 << 32, 1 << 24  # the coder's range lies between; totals stay far below
_GAIN = 4  # what a count weighs against the 1 that each digit has from the start


class _Coder(Protocol):
    def code(self, frequencies: list[int], digit: int | None) -> int:
        """Code a digit, or find it out if it is None; return it."""


class _Encoder:
    def __init__(self) -> None:
        self._out = bytearray()
        self._low, self._range = 0, _TOP - 1

    def code(self, frequencies: list[int], digit: int | None) -> int:
        assert digit is not None
        unit = self._range // sum(frequencies)
        self._low += unit * sum(frequencies[:digit])
        self._range = unit * frequencies[digit]
        while self._range < _BOTTOM:
            self._range <<= 8
            self._shift()
        return digit

    def finish(self) -> bytes:
        """Return all bytes; zeros at the end go without saying."""
        self._low += _BOTTOM - 1  # some number within the range that ends in zeros
        self._shift()
        return bytes(self._out).rstrip(b"\0")

    def _shift(self) -> None:
        """Move the uppermost byte of `low` to the output."""
        if self._low >= _TOP:  # a carry: 1 goes into what is written
            at = len(self._out) - 1
            while self._out[at] == 255:
                self._out[at] = 0
                at -= 1
            self._out[at] += 1
            self._low -= _TOP
        self._out.append(self._low >> 24)
        self._low = self._low << 8 & _TOP - 1


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = iter(data)
        self._ahead, self._range = 0, _TOP - 1
        for _ in range(4):
            self._shift()

    def code(self, frequencies: list[int], digit: int | None) -> int:
        total = sum(frequencies)
        unit = self._range // total
        at = min(self._ahead // unit, total - 1)
        digit = below = 0
        while below + frequencies[digit] <= at:
            below += frequencies[digit]
            digit += 1
        self._ahead -= unit * below
        self._range = unit * frequencies[digit]
        while self._range < _BOTTOM:
            self._range <<= 8
            self._shift()
        return digit

    def _shift(self) -> None:
        # Damaged bytes may lead beyond the range; they must not let numbers grow.
        self._ahead = (self._ahead << 8 | next(self._data, 0)) & _TOP - 1


def encode(codes: NDArray[np.int64], channels: int, levels: tuple[int, ...]) -> bytes:
    """Codes [n], frame by frame with the channels in turn -> bytes."""
    encoder = _Encoder()
    for _ in _run(encoder, codes.tolist(), channels, levels):
        pass
    return encoder.finish()


def decode(data: bytes, n_codes: int, channels: int, levels: tuple[int, ...]) -> NDArray[np.int64]:
    """Undo `encode`: bytes -> codes, int64 [n]; any bytes at all give some codes."""
    found = _run(_Decoder(data), repeat(None, n_codes), channels, levels)
    return np.fromiter(found, np.int64, n_codes)


def _run(
    coder: _Coder, codes: Iterable[int | None], channels: int, levels: tuple[int, ...]
) -> Iterator[int]:
    """Code every code, or find it out where it is None; yield it."""
    counts: dict[tuple[int, ...], list[int]] = {}
    n_digits = len(levels)
    silence = [level // 2 for level in levels]
    before = [(silence, 0)] * channels  # of each channel: the digits of the last frame ...
    earlier = [silence] * channels  # ... with their activity, and those of the frame before it
    alike = [False] * channels  # the channel's last frame was that of the channel before it
    beside = silence
    for position, code in enumerate(codes):
        channel = position % channels
        last, strength = before[channel]
        repeats = channel > 0 and alike[channel]
        digits: list[int] = []
        active = 0
        number, base = 0, 1
        for i, level in enumerate(levels):
            so_far = active * n_digits // i if i else strength
            views: list[tuple[int, ...]]
            if repeats:
                views = [(level, 3, beside[i])]
            else:
                views = [
                    (level, 0, last[i], earlier[channel][i]),
                    (level, 1, last[i], _coarse(strength + so_far)),
                    (level, 2, min(strength, 15) // 2, min(active, 15) // 2, i // 2),
                ]
            tables = [counts.setdefault(view, [0] * level) for view in views]
            frequencies = [1 + _GAIN * sum(seen) for seen in zip(*tables, strict=True)]
            digit = coder.code(frequencies, None if code is None else code // base % level)
            for table in tables:
                table[digit] += 1
            repeats = repeats and digit == beside[i]
            digits.append(digit)
            active += abs(digit - level // 2)
            number += digit * base
            base *= level
        alike[channel] = digits == beside
        earlier[channel], before[channel] = last, (digits, active)
        beside = digits
        yield number


def _coarse(activity: int) -> int:
    """Activity in steps that widen: 0, 3, 6, 9, 12, 15, 21, 30 and more."""
    return sum(activity >= bound for bound in (3, 6, 9, 12, 15, 21, 30))
