"""The signal metrics: pure functions of one clip, `(reference, estimate, sample_rate) -> float`.

- `sdr`: signal-to-distortion ratio of BSS Eval, dB.
- `mel`: multi-scale mel distance of the Descript Audio Codec.
- `stoi`: short-time objective intelligibility.
- `pesq`: wide-band PESQ.
- `alignment`: the delay of a codec, and SDR once it is removed.
- `codes`: how a codec uses its codebooks, and whether it clips.
- `validation`: what every metric demands of its input.

A metric takes one mono clip as float arrays [T] and returns a finite number, or raises
`ValueError` with the reason why there is none: no score is ever made up. `METRICS` is the
index by name of the suites' metrics, `BESIDE` that of others. They hold descriptions only; a
metric's library is imported at its first score.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib.metadata import version

from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Metric:
    """A metric by name. Calling it scores a clip.

    Attributes:
        name: identifier, as in a stored cell.
        display_name: as in a table's head.
        description: what it is, in a few words.
        unit: "" for a score without one.
        higher_is_better: the direction of "better".
        revision: our own, raised whenever our code changes what comes out.
        libraries: the packages whose version decides the score, those included that only
            change its last digits.
        function: where it is computed, as "module:function".
        scored_at_hz: the rate that both signals are brought to first; None where the
            clip's own rate is used, which then belongs to the score's record.
        less_delay: the metric that this one is once the codec's constant delay is taken back,
            which it takes too, as `delay_samples`; "" for others.
    """

    name: str
    display_name: str
    description: str
    unit: str
    higher_is_better: bool
    revision: int
    libraries: tuple[str, ...]
    function: str
    scored_at_hz: int | None = None
    less_delay: str = ""

    @property
    def version(self) -> str:
        """What decides the score, such as ``pesq/1 pesq==0.0.4 soxr==1.1.0``."""
        pins = [f"{library}=={version(library)}" for library in self.libraries]
        return " ".join([f"{self.name}/{self.revision}", *pins])

    def __call__(
        self, reference: ArrayLike, estimate: ArrayLike, sample_rate: int, **extra: int
    ) -> float:
        """Score `estimate` [T] against `reference` [T], both at `sample_rate` (Hz).

        Raises:
            ValueError: there is no score; the message says why.
        """
        return pkgutil.resolve_name(self.function)(reference, estimate, sample_rate, **extra)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="sdr",
            display_name="SDR",
            description="signal-to-distortion ratio of BSS Eval",
            unit="dB",
            higher_is_better=True,
            revision=1,
            libraries=("mir_eval", "numpy", "scipy"),
            function="bench.metrics.sdr:sdr_db",
        ),
        Metric(
            name="mel",
            display_name="MEL",
            description="distance of mel spectra at two scales, as DAC is evaluated",
            unit="",
            higher_is_better=False,
            revision=1,
            libraries=("librosa", "numpy", "scipy"),
            function="bench.metrics.mel:mel_distance",
        ),
        Metric(
            name="stoi",
            display_name="STOI",
            description="short-time objective intelligibility, classic",
            unit="",
            higher_is_better=True,
            revision=1,
            libraries=("pystoi", "numpy", "scipy"),
            function="bench.metrics.stoi:stoi",
            scored_at_hz=10_000,
        ),
        Metric(
            name="pesq",
            display_name="PESQ",
            description="perceived quality, wide-band (ITU-T P.862.2)",
            unit="MOS-LQO",
            higher_is_better=True,
            revision=1,
            libraries=("pesq", "soxr"),
            function="bench.metrics.pesq:pesq",
            scored_at_hz=16_000,
        ),
    )
}

BESIDE: dict[str, Metric] = {
    "aligned_sdr": Metric(
        name="aligned_sdr",
        display_name="Aligned SDR",
        description="SDR after the codec's constant delay is removed",
        unit="dB",
        higher_is_better=True,
        revision=1,
        libraries=("mir_eval", "numpy", "scipy"),
        function="bench.metrics.alignment:aligned_sdr_db",
        less_delay="sdr",
    )
}
"""What stands beside a suite's metrics under a name of its own, never in the place of one."""
