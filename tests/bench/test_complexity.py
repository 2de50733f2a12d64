"""bench.complexity and its command: the paper's column, the layers, what is said and written."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import registry
from bench.cli import app
from bench.codec import CodecUnavailableError
from bench.complexity import complexity
from bench.names import UnknownNameError
from bench.report.paper import paper_complexity
from bench.shapes import PARTS

PAPER = 0.01
IN_TABLE_1 = (
    "sqcodec-0.75k",
    "sqcodec-1.5k",
    "sqcodec-3k",
    "sqcodec-6k",
    "sqcodec-12k",
    "sqcodec-12k-24khz",
    "sqcodec-24k-24khz",
    "encodec-1.5k",
    "encodec-24k",
    "dac-16k-1k",
    "dac-16k-6k",
    "dac-24k-24k",
    "wavtokenizer-480",
    "wavtokenizer-900",
)


@pytest.mark.parametrize("name", IN_TABLE_1)
def test_the_papers_column_is_reproduced(name: str) -> None:
    found = complexity(name)
    paper = paper_complexity(name, found.sample_rate)
    assert paper is not None
    assert found.macs_by_paper / 1e9 == pytest.approx(paper.scores["macs_g"], rel=PAPER)
    # Of WavTokenizer the paper counts a decoder that nothing runs.
    if not name.startswith("wavtokenizer"):
        assert found.n_parameters / 1e6 == pytest.approx(paper.scores["params_m"], rel=0.001)
    assert found.macs == sum(layer.macs for layer in found.layers)
    assert found.macs == sum(found.macs_of(part) for part in PARTS)


@pytest.mark.parametrize(
    ("name", "as_counted_g", "here_g"),
    [("sqcodec-3k", 45.8, 40.7), ("encodec-6k", 30.6, 30.6), ("dac-16k-6k", 401.0, 401.0)],
)
def test_in_full_is_what_was_counted_on_the_packages(
    name: str, as_counted_g: float, here_g: float
) -> None:
    found = complexity(name)
    assert found.macs_as_counted / 1e9 == pytest.approx(as_counted_g, rel=PAPER)
    assert found.macs / 1e9 == pytest.approx(here_g, rel=PAPER)


def test_multiplications_are_proportional_to_duration() -> None:
    one, two = (complexity("dac-16k-1k", duration_s=seconds).macs for seconds in (1.0, 2.0))
    assert two == pytest.approx(2 * one, rel=PAPER)


def test_a_codec_without_networks_or_of_no_name_says_so() -> None:
    with pytest.raises(CodecUnavailableError, match="reference has no networks to count"):
        registry.architecture("reference")
    with pytest.raises(UnknownNameError, match="did you mean sqcodec-3k"):
        registry.architecture("sqcodec-3")


def test_the_command_counts_writes_and_goes_on_past_what_it_cannot_count(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            *("complexity", "--no-speed", "--layers"),
            *("--codec", "reference,sqcodec-3k"),
            *("--results", str(tmp_path)),
        ],
    )
    assert done.exit_code == 2
    assert "bench: reference has no networks to count" in done.stderr
    row = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["sqcodec-3k"])
    assert row.split()[1:7] == ["11.26", "11.26", "11.16", "11.16", "45.78", "40.78"]
    assert "encoder.stages.0.1.down" in done.stdout
    written = json.loads((tmp_path / "complexity" / "sqcodec-3k.json").read_text())
    summed = {part: sum(layers.values()) for part, layers in written["layers"].items()}
    assert summed == written["macs_by_part"]
    assert sum(summed.values()) == written["macs"]
    assert written["look_ahead_s"] is None  # instance norm takes in the whole clip
    assert written["paper"] == {"params_m": 11.26, "macs_g": 11.16}
    assert written["measured"] is None


def test_results_that_cannot_be_written_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = CliRunner().invoke(
        app,
        [
            *("complexity", "--no-speed", "--codec", "sqcodec-3k"),
            *("--results", str(tmp_path / "taken")),
        ],
    )
    assert done.exit_code == 2
    assert done.stderr.startswith("bench: ")
    assert "sqcodec-3k" in done.stdout
