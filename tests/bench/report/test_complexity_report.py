"""bench.report.complexity: what is printed of measured figures, and what is written."""

import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from bench.complexity import Complexity
from bench.macs import Layer
from bench.report.complexity import complexity_table, write
from bench.report.paper import paper_complexity
from bench.speed import Speed


def found(codec: str, look_ahead_s: float | None, *, timed: bool = True) -> Complexity:
    layers = (Layer("encoder", "encoder.0", 3 * 10**9), Layer("decoder", "decoder.0", 10**9))
    speed = Speed(2.0, 4.0, n_turns=3, n_threads=2, peak_memory_bytes=512 * 2**20)
    return Complexity(
        codec=codec,
        sample_rate=16_000,
        duration_s=10.0,
        n_parameters=5_000_000,
        macs_by_paper=2 * 10**9,
        layers=layers,
        layers_as_counted=(*layers, Layer("decoder", "decoder.1", 10**8)),
        look_ahead_s=look_ahead_s,
        speed=speed if timed else None,
    )


def lines(*codecs: Complexity) -> list[str]:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(complexity_table(codecs))
    return capture.get().splitlines()


def test_each_codec_has_its_counts_beside_the_papers() -> None:
    rows = [line.split() for line in lines(found("sqcodec-3k", math.inf), found("mine", 0.0125))]
    counts = ["2.00", "4.10", "4.00", "3.00", "0.00", "1.00"]
    assert ["sqcodec-3k", "5.00", "11.26", "11.16", *counts] in rows
    assert ["mine", "5.00", "-", "-", *counts] in rows


def test_each_codec_has_what_was_measured() -> None:
    rows = [line.split() for line in lines(found("sqcodec-3k", math.inf), found("mine", 0.0125))]
    assert ["sqcodec-3k", "whole", "clip", "2.0", "4.0", "3", "2", "512"] in rows
    assert ["mine", "12.5", "ms", "2.0", "4.0", "3", "2", "512"] in rows
    untimed = " ".join(lines(found("sqcodec-3k", 0.0125, timed=False)))
    assert "12.5 ms" in untimed
    assert "real time" not in untimed


def test_the_file_has_every_layer_and_the_sums(tmp_path: Path) -> None:
    path = write(found("dac-16k-6k", math.inf), tmp_path)
    assert path == tmp_path / "complexity" / "dac-16k-6k.json"
    content = json.loads(path.read_text())
    assert (content["macs"], content["macs_as_counted"]) == (4 * 10**9, 41 * 10**8)
    assert content["macs_by_part"] == {"encoder": 3 * 10**9, "quantizer": 0, "decoder": 10**9}
    assert content["macs_as_counted_by_part"]["decoder"] == 11 * 10**8
    assert content["layers"]["encoder"] == {"encoder.0": 3 * 10**9}
    assert content["paper"] == {"params_m": 74.18, "macs_g": 556.1}
    assert content["look_ahead_s"] is None
    assert content["measured"]["speed"]["n_threads"] == 2


def test_what_was_not_asked_for_is_not_in_the_file(tmp_path: Path) -> None:
    content = json.loads(write(found("dac-16k-6k", None, timed=False), tmp_path).read_text())
    assert content["measured"] is None
    assert "look_ahead_s" not in content
    ahead = json.loads(write(found("dac-16k-6k", 0.0125, timed=False), tmp_path).read_text())
    assert ahead["look_ahead_s"] == 0.0125


@pytest.mark.parametrize(
    ("name", "sample_rate", "macs_g"),
    [("wavtokenizer-480", 24_000, 34.26), ("dac-16k-1k", 16_000, 556.01)],
)
def test_rows_of_table_1_are_found_by_every_kind_of_name(
    name: str, sample_rate: int, macs_g: float
) -> None:
    row = paper_complexity(name, sample_rate)
    assert row is not None
    assert row.scores["macs_g"] == macs_g
    assert paper_complexity(name, sample_rate + 1) is None
