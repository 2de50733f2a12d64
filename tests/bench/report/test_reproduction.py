"""bench.report.reproduction: a line where all is well, a table and the first cells where not."""

import json
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from bench.report.reproduction import listed, reproduction_json, verdict
from bench.reproduce import CellDifference, Comparison, Difference

RECORD: Any = SimpleNamespace(
    codecs=(SimpleNamespace(name="mine[/b]"), SimpleNamespace(name="reference")),
    parts=(SimpleNamespace(dataset="mini", columns=(1,)),),
)
INPUT = Difference("weights of mine", "ab...", "cd...")


def comparison(*different: CellDifference, **more: Any) -> Comparison:
    fields = {"tolerance": 0.0, "inexact_because": "", "n_cells": 20, "largest": 0.5} | more
    fields = {"was_there": False, "n_computed": fields["n_cells"]} | fields
    return Comparison("signal", "mine[/b]", "sdr", different=different, **fields)


def was_there(**more: Any) -> Comparison:
    return comparison(was_there=True, n_computed=0, **more)


def said(*arguments: Any) -> list[str]:
    out = StringIO()
    console = Console(file=out, width=200)
    console.print(verdict(RECORD, *arguments))
    return out.getvalue().splitlines()


def test_all_is_well_in_a_line() -> None:
    assert said([], [comparison()]) == [
        "20 cells of mine[/b], reference on mini: no difference; 20 of 20 computed now, compared "
        "exactly"
    ]


def test_cells_that_were_in_the_store_are_told_apart() -> None:
    older = {"tolerance": 0.05, "inexact_because": "run that computed the cells"}
    assert said([], [comparison(), was_there(), was_there(n_cells=1, **older)]) == [
        "41 cells of mine[/b], reference on mini: no difference; 20 of 41 computed now, compared "
        "exactly; 21 were in the store already (compared within tolerances)"
    ]
    assert said([], [was_there()]) == [
        "20 cells of mine[/b], reference on mini: no difference; 0 of 20 computed now; 20 were in "
        "the store already; so nothing was checked but that store"
    ]


def test_inputs_that_differ_are_not_forgotten() -> None:
    lines = said([INPUT], [comparison(tolerance=0.05, inexact_because="codec, threads")])
    assert lines == [
        "20 cells of mine[/b], reference on mini: no difference; 20 of 20 computed now, compared "
        "within tolerances, since these differ: codec, threads",
        "inputs that differ: 1, said above",
    ]


def test_a_table_and_the_first_cells() -> None:
    cells = [CellDifference(f"clip [{n}]", 1 / 3, "error: gone") for n in range(15)]
    lines = said([], [comparison(*cells), comparison()])
    assert sum(line.split()[:3] == ["signal", "mine[/b]", "sdr"] for line in lines) == 1
    assert (
        "15 of 40 cells of mine[/b], reference on mini differ; 40 of 40 computed now, compared "
        "exactly"
    ) in lines
    assert "  mine[/b] sdr  clip [0]: manifest says 0.333333333, here error: gone" in lines
    assert lines[-1] == "  and 3 more cells, which --json lists"


def test_a_score_of_the_codec_as_a_whole_names_no_clip() -> None:
    assert "  mine[/b] sdr: manifest says 1, here 2" in said(
        [], [comparison(CellDifference("", 1, 2), largest=None)]
    )


def test_json_has_every_cell() -> None:
    cells = [CellDifference(f"clip {n}", 1.0, 2.0) for n in range(15)]
    found = reproduction_json(Path("m.json"), [INPUT], [], [comparison(*cells), was_there()])
    assert json.loads(json.dumps(found)) == found
    assert (found["same"], found["n_cells"], found["n_different"]) == (False, 40, 15)
    assert (found["n_computed"], found["n_in_store_already"]) == (20, 20)
    assert len(found["columns"][0]["different"]) == 15
    assert reproduction_json(Path("m"), [], [], [comparison()])["same"] is True
    assert reproduction_json(Path("m"), [], [], None)["same"] is False


def test_many_lines_are_cut_and_counted() -> None:
    assert listed(["a", "b"], "things") == ["a", "b"]
    assert listed(list(range(15)), "things")[-2:] == ["11", "and 3 more things"]
