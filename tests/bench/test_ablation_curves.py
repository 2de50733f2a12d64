"""The curve of a training: of a log of any kind, with no number that JSON does not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.ablation.curves import LOG, curve
from bench.ablation.folder import Run

HEAD = "step,loss,waveform,stft,skipped,validation\n"
EMPTY: dict[str, list[float]] = {"step": [], "loss": [], "validated": [], "validation": []}
SETTINGS = {"waveform_weight": 100.0, "stft_weight": 1.0}


def of(folder: Path, text: str | bytes) -> dict[str, list[float]]:
    (folder / LOG).write_bytes(text if isinstance(text, bytes) else text.encode())
    found = curve(Run("baseline", 0, "one", folder, SETTINGS))
    json.dumps(found, allow_nan=False)
    return found


@pytest.mark.parametrize("broken", ["nan", "inf", "-inf", "", "x"])
def test_a_skipped_step_is_left_out(broken: str, tmp_path: Path) -> None:
    rows = f"1,3,0.01,2,0,\n2,{broken},{broken},1,1,\n3,3,0.03,{broken},2,\n4,3,0.01,3,2,7.5\n"
    found = of(tmp_path, HEAD + rows)
    expected = {"step": [1, 4], "loss": [3.0, 4.0], "validated": [4], "validation": [7.5]}
    assert found == expected


def test_a_stretch_with_a_skipped_step_is_the_mean_of_the_others(tmp_path: Path) -> None:
    rows = "".join(f"{n},3,0,{'nan' if n == 2 else n},0,\n" for n in range(1, 202))
    found = of(tmp_path, HEAD + rows)
    assert (found["step"][0], found["loss"][0]) == (3, 2.0)  # of the steps 1 and 3


def test_validations_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    found = of(tmp_path, HEAD + "1,3,0.01,2,0,nan\n2,3,0.01,2,0,inf\n3,3,0.01,2,0,6\n")
    assert (found["validated"], found["validation"]) == ([3], [6.0])


def test_sums_that_are_not_finite_do_no_harm(tmp_path: Path) -> None:
    rows = "1,3,0,1.7e308,0,\n" * 2 * 100 + "2,3,1e308,1,0,\n"
    assert max(of(tmp_path, HEAD + rows)["loss"]) == pytest.approx(1.7e308)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        HEAD,
        "step,loss\n1,3\n",
        HEAD + "nan,nan,nan,nan,nan,nan\n",
        HEAD + '"1,3,0.01',
        HEAD + "1,2,3,4,5,6,7,8,9,10,11,12,13,14\n",
        HEAD + "1,3,0.01," + 200_000 * "9",
        b"\xff\xfe\x00\x01",
        b"\x00" * 100,
    ],
)
def test_what_is_no_log_is_an_empty_curve(text: str | bytes, tmp_path: Path) -> None:
    assert of(tmp_path, text) == EMPTY


def test_a_damaged_row_costs_itself_alone(tmp_path: Path) -> None:
    rows = "1,3,0.01,2,0,\n2,3,0.01,2,0,,,7\n3,3,0.01\n4,3,0.02,2,0,\n"
    assert of(tmp_path, HEAD + rows)["step"] == [1, 4]


def test_without_a_log_it_is_empty(tmp_path: Path) -> None:
    assert curve(Run("baseline", 0, "one", tmp_path, SETTINGS)) == EMPTY
