"""Complexity of a codec: parameters, multiplications, look-ahead, speed and memory.

All of it is taken from the networks themselves, which need no weights for it; see `bench.macs` and
`bench.paper_macs` for the two ways of counting, and ``docs/complexity.md`` for why they differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench import registry
from bench.lookahead import look_ahead_s
from bench.macs import Layer, in_full, n_parameters
from bench.paper_macs import by_paper
from bench.speed import Speed, measure_in_process

DURATION_S = 10.0
N_TURNS = 3


@dataclass(frozen=True)
class Complexity:
    """What a codec costs.

    Attributes:
        codec: its name.
        sample_rate: Hz.
        duration_s: of the clip, before padding.
        n_parameters: learned values, scales of weight normalisation included.
        macs_by_paper: multiply-accumulates, as the paper's counter has them.
        layers: every multiplication of encoding and decoding as the codec runs here.
        layers_as_counted: the same as the paper's authors ran it.
        look_ahead_s: seconds, infinite where a frame depends on the whole clip; None where that
            was not asked for.
        speed: times and memory, here; None where that was not asked for.
    """

    codec: str
    sample_rate: int
    duration_s: float
    n_parameters: int
    macs_by_paper: int
    layers: tuple[Layer, ...]
    layers_as_counted: tuple[Layer, ...]
    look_ahead_s: float | None = None
    speed: Speed | None = None

    @property
    def macs(self) -> int:
        """All multiply-accumulates as the codec runs here."""
        return sum(layer.macs for layer in self.layers)

    @property
    def macs_as_counted(self) -> int:
        """All multiply-accumulates as the paper's authors ran it."""
        return sum(layer.macs for layer in self.layers_as_counted)

    def macs_of(self, part: str, *, as_counted: bool = False) -> int:
        """Multiply-accumulates of one of `bench.shapes.PARTS`."""
        layers = self.layers_as_counted if as_counted else self.layers
        return sum(layer.macs for layer in layers if layer.part == part)


def complexity(
    name: str,
    n_threads: int | None = None,
    duration_s: float = DURATION_S,
    n_turns: int = N_TURNS,
    *,
    look_ahead: bool = False,
) -> Complexity:
    """Count the codec called `name`, and measure it where a number of threads is given.

    Args:
        name: of a codec of the registry.
        n_threads: for torch while it is timed; None to time nothing.
        duration_s: of the clip.
        n_turns: how many times it is timed.
        look_ahead: whether to find it, which takes seconds.

    Raises:
        UnknownNameError: there is no such codec.
        CodecUnavailableError: it has no networks, or their library is missing.
        RuntimeError: the process that timed it was killed.
    """
    architecture = registry.architecture(name)
    n_samples = round(duration_s * architecture.sample_rate)
    n_learned = n_parameters(architecture.network)
    speed, ahead_s = None, None
    if n_threads is not None:
        speed = measure_in_process(name, duration_s, n_turns, n_threads)
    if look_ahead:
        ahead_s = look_ahead_s(registry.architecture(name))
        ahead_s = math.inf if ahead_s is None else ahead_s
    return Complexity(
        codec=name,
        sample_rate=architecture.sample_rate,
        duration_s=duration_s,
        n_parameters=n_learned,
        macs_by_paper=by_paper(architecture, n_samples),
        layers=tuple(in_full(architecture, n_samples, as_counted=False)),
        layers_as_counted=tuple(in_full(architecture, n_samples, as_counted=True)),
        look_ahead_s=ahead_s,
        speed=speed,
    )
