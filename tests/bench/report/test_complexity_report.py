"""bench.report.complexity: what is printed of measured figures, and what is written."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.complexity import Complexity, Measured
from bench.macs import Layer
from bench.report.complexity import complexity_table, write
from bench.report.paper import paper_complexity
from bench.speed import Speed


def found(codec: str, look_ahead_s: float | None) -> Complexity:
    layers = (Layer("encoder", "encoder.0", 3 * 10**9), Layer("decoder", "decoder.0", 10**9))
    speed = Speed(2.0, 4.0, n_turns=3, n_threads=2, peak_memory_bytes=512 * 2**20)
    return Complexity(
        codec, 16_000, 10.0, 5_000_000, 2 * 10**9, layers, layers, Measured(speed, look_ahead_s)
    )


def lines(*codecs: Complexity) -> list[str]:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(complexity_table(codecs))
    return capture.get().splitlines()


def test_each_codec_has_its_counts_beside_the_papers() -> None:
    rows = [line.split() for line in lines(found("sqcodec-3k", None), found("mine", 0.0125))]
    counts = ["2.00", "4.00", "4.00", "3.00", "0.00", "1.00"]
    assert ["sqcodec-3k", "5.00", "11.26", "11.16", *counts] in rows
    assert ["mine", "5.00", "-", "-", *counts] in rows


def test_each_codec_has_what_was_measured() -> None:
    rows = [line.split() for line in lines(found("sqcodec-3k", None), found("mine", 0.0125))]
    assert ["sqcodec-3k", "2.0", "4.0", "3", "2", "512", "whole", "clip"] in rows
    assert ["mine", "2.0", "4.0", "3", "2", "512", "12.5", "ms"] in rows


def test_the_file_has_every_layer_and_the_sums(tmp_path: Path) -> None:
    path = write(found("dac-16k-6k", None), tmp_path)
    assert path == tmp_path / "complexity" / "dac-16k-6k.json"
    content = json.loads(path.read_text())
    assert content["macs"] == 4 * 10**9
    assert content["macs_by_part"] == {"encoder": 3 * 10**9, "quantizer": 0, "decoder": 10**9}
    assert [layer["name"] for layer in content["layers"]] == ["encoder.0", "decoder.0"]
    assert content["paper"] == {"params_m": 74.18, "macs_g": 556.1}
    assert content["measured"]["look_ahead_s"] is None


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
