"""The tables of a small, fixed set of results, to the byte."""

from pathlib import Path

import pytest

from bench.report.claims import shown
from bench.report.claims.judge import judge
from bench.report.tables import write

GOLDEN = Path(__file__).parents[1] / "golden"
UNAVAILABLE = {"dac-16k-3k": "no weights of descript/dac_16khz"}
TABLES = sorted(p.relative_to(GOLDEN).as_posix() for p in GOLDEN.glob("*/*"))


@pytest.fixture
def written(small_results: Path, tmp_path: Path) -> Path:
    views, _ = write.of_all(small_results, UNAVAILABLE, None)
    write.write(views, tmp_path / "out")
    return tmp_path / "out" / "tables"


def test_tables_are_as_they_were(written: Path) -> None:
    assert len(TABLES) == 12
    for name in TABLES:
        assert (written / name).read_text() == (GOLDEN / name).read_text(), name


def test_claims_are_as_they_were(small_results: Path) -> None:
    views, measured = write.of_all(small_results, UNAVAILABLE, None)
    text = shown.markdown(judge(views["paper"], views["ours"], measured))
    assert text == (GOLDEN / "claims.md").read_text()


def test_every_table_is_there_in_every_view_and_format(written: Path) -> None:
    files = {path.relative_to(written).as_posix() for path in written.rglob("*.*")}
    tables = ("1-signal", "2-application", "3-ablation", "4-training-data", "5-configurations")
    for view in ("paper", "ours", "both"):
        expected = {f"{view}/table{t}.{s}" for t in tables for s in ("md", "csv", "tex")}
        assert expected | {f"{view}/tables.tex"} == {f for f in files if f.startswith(view)}
