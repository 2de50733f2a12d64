"""The figures: every one drawn or with a reason, the same bytes every time, without torch."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cells import Source
from bench.codec import CodecInfo
from bench.report import results as results_files
from bench.report.figures import draw
from bench.report.figures.heat_map import by_dataset
from bench.report.results import Result, result_of
from bench.report.stored import StoredResultError
from bench.report.summary import summarise
from bench.suites import SIGNAL

STORED = Path(__file__).parents[4] / "results"
PNG, PDF = b"\x89PNG\r\n", b"%PDF-"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The paper's tables and the model's exports, without results of ours."""
    for name in ("paper", "figures"):
        shutil.copytree(STORED / name, tmp_path / "results" / name)
    return tmp_path / "results"


@pytest.fixture
def result(info: CodecInfo, cells: pd.DataFrame) -> Result:
    codes = [np.array([[1, 2, 3, 3]])]
    source = Source("signal", "small", "r1", "sqcodec-3k", "abc", "libsndfile 1", "")
    summary = summarise(info, cells, SIGNAL, codes=codes)
    return result_of(summary, cells, source)


def _fill(folder: Path, result: Result) -> None:
    """Two bitrates of SQCodec, one of Opus, costs, and a log of training."""
    for name, bitrate_bps in (("sqcodec-3k", 3e3), ("sqcodec-6k", 6e3), ("opus-6k", 5.6e3)):
        codec = result.codec | {"name": name}
        changed = replace(result, codec=codec, measured_bitrate_bps=bitrate_bps)
        results_files.write(changed, folder)
    (folder / "complexity").mkdir()
    (folder / "complexity" / "sqcodec-3k.json").write_text(
        json.dumps(
            {
                "codec": "sqcodec-3k",
                "macs_by_paper": 11e9,
                "macs": 40e9,
                "measured": {"speed": {"encode": 5.0, "decode": 6.0}},
            }
        )
    )
    (folder / "training").mkdir()
    with open(folder / "training" / "sqcodec-3k.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "stft", "validation"])
        writer.writerows([[step, 3 / (step + 1), 1.0, 2.0 if step else ""] for step in range(9)])


def test_the_papers_figures_need_no_results_and_are_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    first = draw(tmp_path / "first", folder, only_paper=True)
    second = draw(tmp_path / "second", folder, only_paper=True)
    assert [figure.name for figure in first] == ["figure1-paper", "figure2", "figure3"]
    for figure, again in zip(first, second, strict=True):
        kinds = [path.suffix for path in figure.files]
        assert kinds == [".png", ".svg", ".pdf"]
        contents = [path.read_bytes() for path in figure.files]
        assert contents == [path.read_bytes() for path in again.files]
        assert contents[0].startswith(PNG)
        assert contents[1].startswith(b"<?xml")
        assert contents[2].startswith(PDF)


def test_all_figures_are_drawn_of_full_results(
    folder: Path, tmp_path: Path, result: Result
) -> None:
    _fill(folder, result)
    drawn = {figure.name: figure for figure in draw(tmp_path / "out", folder)}
    assert [name for name, figure in drawn.items() if figure.reason] == []
    assert len(drawn) == 10
    assert len(list((tmp_path / "out").iterdir())) == 30
    # What has a network and no count is named, not forgotten.
    assert "sqcodec-6k" in drawn["figure1-full-macs"].caption
    assert "opus-6k" not in drawn["figure1-full-macs"].caption


def test_without_results_there_are_reasons_and_no_stale_files(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "heat-map.png").write_bytes(b"of an earlier run")
    shutil.rmtree(folder / "figures")
    reasons = {figure.name: figure.reason for figure in draw(out, folder)}
    assert reasons.pop("figure1-paper") == ""
    assert len(reasons) == 9
    assert all(reasons.values())
    assert "sqcodec figures" in reasons["figure2"]
    assert "no real-time factor was measured" in reasons["figure1-real-time"]
    assert sorted(path.name for path in out.iterdir()) == [
        "figure1-paper.pdf",
        "figure1-paper.png",
        "figure1-paper.svg",
    ]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("figures/architecture-sqcodec-3k.json", "{}", "no architecture that can be read"),
        ("figures/tpooling.npz", "nothing", "no arrays that can be read"),
    ],
)
def test_exports_that_cannot_be_used_are_named(
    folder: Path, tmp_path: Path, file: str, text: str, message: str
) -> None:
    (folder / file).write_text(text)
    with pytest.raises(StoredResultError, match=message):
        draw(tmp_path / "out", folder, only_paper=True)


def test_an_architecture_that_does_not_sum_up_is_refused(folder: Path, tmp_path: Path) -> None:
    path = folder / "figures" / "architecture-sqcodec-3k.json"
    content = json.loads(path.read_text())
    content["blocks"].pop(3)
    path.write_text(json.dumps(content))
    with pytest.raises(StoredResultError, match="blocks have 11,236,328 parameters"):
        draw(tmp_path / "out", folder, only_paper=True)


def test_the_heat_map_has_the_means_of_the_clips(result: Result) -> None:
    table = by_dataset([result], "sdr")
    assert list(table.columns) == ["books", "prompts", "songs"]
    assert table.loc["sqcodec-3k"].tolist() == [3.0, 5.0, -3.0]
    assert list(by_dataset([result], "pesq").columns) == ["books", "prompts"]


def test_figures_are_drawn_without_torch(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bench.report.figures import draw; "
        "draw(Path(sys.argv[1]), Path(sys.argv[2]), only_paper=True); "
        "assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out"), str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
