"""The paper's five tables, against its text: `as_printed.json` has its lines, not our CSVs'."""

import json
import shutil
from pathlib import Path

import pytest

from bench.report.stored import StoredResultError
from bench.report.tables import paper
from bench.report.tables.model import Table

RESULTS = Path(__file__).parents[4] / "results"
PRINTED = json.loads((Path(__file__).parent / "as_printed.json").read_text(encoding="utf-8"))
HEADINGS = {
    "table1-signal": "Bitrate↓ (bps), #Q↓, MACs↓ (G), #Params↓ (M), SDR↑, MEL↓, STOI↑, PESQ↑, "
    "Audio SDR↑, Audio MEL↓",
    "table2-application": "Bitrate↓ (bps), #Q↓, MACs↓ (G), #Params↓ (M), WER(ASR)↓ (%), "
    "EER(ASV)↓ (%), Acc(ER)↑ (%), Acc(AEC)↑ (%)",
    "table3-ablation": "Receptive field, SDR↑, PESQ↑, WER(ASR)↓ (%), EER(ASV)↓ (%), Audio SDR↑, "
    "Acc(AEC)↑ (%)",
    "table4-training-data": "SQCodec, Encodec, DAC, WavTokenizer",
    "table5-configurations": "Bitrate (bps), MACs (G), #Params (M), Encoder rates, Decoder rates, "
    "Transformer window size, Codebook levels, Training hours",
}


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return {table.name: table for table in paper.tables(RESULTS)}


@pytest.mark.parametrize("name", [name for name in HEADINGS if not name.startswith("table4")])
def test_rows_values_and_groups_are_those_of_the_text(tables: dict[str, Table], name: str) -> None:
    shown = [
        # In its tables the paper spells EnCodec in another way than everywhere else.
        [[row.label.replace("EnCodec", "Encodec"), *(cell.text for cell in row.cells)] for row in g]
        for g in (group.rows for group in tables[name].groups)
    ]
    assert shown == PRINTED[name]


def test_ticks_of_the_training_data(tables: dict[str, Table]) -> None:
    shown = [
        [[row.label, sum(cell.text == paper.YES for cell in row.cells)] for row in group.rows]
        for group in tables["table4-training-data"].groups
    ]
    assert shown == PRINTED["table4-training-data"]


@pytest.mark.parametrize("name", HEADINGS)
def test_columns_and_arrows(tables: dict[str, Table], name: str) -> None:
    assert ", ".join(column.heading for column in tables[name].columns) == HEADINGS[name]


def test_table_5_has_eight_rows(tables: dict[str, Table]) -> None:
    assert len(list(tables["table5-configurations"].rows())) == 8


def test_each_row_of_scores_is_called_as_its_codec(tables: dict[str, Table]) -> None:
    keys = [row.key for row in tables["table1-signal"].rows()]
    assert len(set(keys)) == 21
    assert {"dac-16k-1k", "dac-24k-6k", "sqcodec-0.75k", "sqcodec-12k-24khz"} < set(keys)
    assert keys == [row.key for row in tables["table2-application"].rows()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "the paper's numbers are not here"),
        ("", "it has no rows"),
        ("variant\nx\n", "column '.*' is missing"),
        ("a,b\n\x00", "no table that can be read|is missing"),
    ],
)
def test_what_is_damaged_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    shutil.copytree(RESULTS / "paper", tmp_path / "paper")
    path = tmp_path / "paper" / "table3-ablation.csv"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(StoredResultError, match=rf"table3-ablation\.csv: .*({said})"):
        paper.tables(tmp_path)
