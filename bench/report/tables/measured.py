"""What is stored of the codecs that were measured here, and why others have nothing stored.

Read from the folder of results alone: scores, complexity, certificates, configurations. What is
not there is no error; what is there and damaged is one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.report.certificate import certified
from bench.report.results import Result
from bench.report.stored import StoredResultError, main_data, read_results, said
from bench.report.tables.model import Cell

NOT_RUN = "not run: bench run --codec NAME"
NOT_COUNTED = "not counted: bench complexity --codec NAME --results results"
NOT_VERIFIED = "not verified: bench verify --codec NAME --results results"
NO_NETWORK = "has no network whose multiplications could be counted"
OTHER_REVISION = "verified as another revision: bench verify --codec NAME --results results"

REFERENCE = "reference"

_CONFIGURATION = ("bitrate_bps", "n_parameters", "receptive_field_s")
_LISTS = ("encoder_rates", "decoder_rates", "window_sizes", "fsq_levels")
_GIGA = 1e9
_MEGA = 1e6


@dataclass(frozen=True)
class Counted:
    """What `bench complexity` counted of a codec, on 10 s of audio.

    Attributes:
        paper_gmacs: by the paper's counter.
        full_gmacs: every product, as the codec runs here.
        params_m: parameters, millions.
        real_time: times real time of encoding and of decoding; None where not measured.
        look_ahead_s: None where it is not known; infinite where a frame needs the whole clip.
    """

    paper_gmacs: float
    full_gmacs: float
    params_m: float
    real_time: tuple[float, float] | None = None
    look_ahead_s: float | None = None


@dataclass(frozen=True)
class Measured:
    """All of it.

    Attributes:
        signal: results of the signal suite on one data set, by codec.
        counted: by codec.
        certificates: (codec, revision) -> whether it passed.
        configurations: of SQCodec's presets, by name, as `sqcodec configurations` wrote them.
        unavailable: why codecs cannot run here, by name.
        others: data sets with results that are not in `signal`.
    """

    signal: dict[str, Result] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    certificates: dict[tuple[str, str], bool] = field(default_factory=dict)
    configurations: dict[str, dict[str, Any]] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @cached_property
    def data(self) -> str:
        """What the results of the signal suite are of, in words; "" where there are none."""
        return said(list(self.signal.values()))

    def why_not_run(self, codec: str) -> str:
        """Why a codec has no results, in a line."""
        return self.unavailable.get(codec) or NOT_RUN


def load(
    results: Path, unavailable: Mapping[str, str] | None = None, data: str | None = None
) -> Measured:
    """Read everything below `results`.

    Args:
        results: the folder.
        unavailable: why codecs cannot run here, by name.
        data: the data set; by default the one with the most codecs.

    Raises:
        StoredResultError: a file cannot be used.
    """
    stored = read_results(results, "signal")
    chosen = main_data(stored, data)
    names = {result.dataset for result in stored} - {result.dataset for result in chosen}
    return Measured(
        signal={str(result.codec["name"]): result for result in chosen},
        counted=_counted(results),
        certificates=certified(results) | _verified(stored),
        configurations=_configurations(results),
        unavailable=unavailable or {},
        others=tuple(sorted(names)),
    )


def certification(codec: str, revision: str | None, measured: Measured) -> Cell:
    """Whether the adapter passed `bench verify` at that revision, or why it is not known."""
    if codec == REFERENCE:
        return Cell("is the clip")
    passed = measured.certificates.get((codec, revision or ""))
    if passed is not None:
        return Cell("yes" if passed else "no: a check failed")
    known = any(name == codec for name, _ in measured.certificates)
    return Cell(reason=OTHER_REVISION if known else NOT_VERIFIED)


def _verified(stored: Sequence[Result]) -> dict[tuple[str, str], bool]:
    """The certificates that results carry."""
    return {
        (str(result.codec["name"]), str(result.codec["revision"])): result.certificate.passed
        for result in stored
        if result.certificate is not None
    }


def _counted(results: Path) -> dict[str, Counted]:
    found = {}
    for path in sorted((results / "complexity").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            measured = content["measured"]
            speed = measured["speed"] if measured else None
            found[str(content["codec"])] = Counted(
                paper_gmacs=content["macs_by_paper"] / _GIGA,
                full_gmacs=content["macs"] / _GIGA,
                params_m=content["n_parameters"] / _MEGA,
                real_time=(float(speed["encode"]), float(speed["decode"])) if speed else None,
                look_ahead_s=_look_ahead(content),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoredResultError(
                f"{path}: no complexity that can be read: {type(error).__name__}: {error}"
            ) from error
    return found


def _look_ahead(content: dict[str, Any]) -> float | None:
    if "look_ahead_s" not in content:
        return None
    seconds = content["look_ahead_s"]
    return float("inf") if seconds is None else float(seconds)


def _configurations(results: Path) -> dict[str, dict[str, Any]]:
    path = results / "configurations.json"
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(one["name"]): _complete(one) for one in content["configurations"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoredResultError(
            f"{path}: no configurations that can be read: {type(error).__name__}: {error}"
        ) from error


def _complete(one: dict[str, Any]) -> dict[str, Any]:
    """A configuration with all that tables need of it. Raises KeyError, TypeError, ValueError."""
    weights = one["weights"]
    return {
        **{key: float(one[key]) for key in _CONFIGURATION},
        **{key: [int(value) for value in one[key]] for key in _LISTS},
        "weights": None
        if weights is None
        else {
            "description": str(weights["description"]),
            "hours_heard": weights["hours_heard"],
            "packages": [str(package) for package in weights["packages"]],
        },
    }
