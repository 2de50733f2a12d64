"""A table as data: what it refuses, and the letters of its reasons."""

import pytest

from bench.report.tables import csv_file, markdown
from bench.report.tables.model import Cell, Column, Group, Row, Table, shown

COLUMNS = (Column("sdr_db", "SDR", "dB", "higher"), Column("mel", "MEL", better="lower"))


def table(*rows: tuple[Cell, Cell]) -> Table:
    made = tuple(Row(f"row {n}", f"key-{n}", cells) for n, cells in enumerate(rows))
    return Table("t", "Title", "Model", COLUMNS, (Group("3k", made),))


@pytest.mark.parametrize(("text", "reason"), [("", ""), ("1.0", "failed")])
def test_a_cell_has_a_text_or_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="expected a text or the reason"):
        Cell(text, reason=reason)


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="expected 2 cells in row 'a', got 1"):
        Table("t", "", "", COLUMNS, (Group("", (Row("a", "a", (Cell("1"),)),)),))


def test_equal_reasons_share_a_letter() -> None:
    made = table((Cell(reason="x"), Cell(reason="y")), (Cell(reason="x"), Cell("1")))
    assert made.footnotes == {"x": "a", "y": "b"}


def test_letters_go_on_after_z() -> None:
    rows = [(Cell(reason=f"{n}"), Cell(reason=f"{n}+")) for n in range(14)]
    letters = list(table(*rows).footnotes.values())
    assert letters[25:] == ["z", "aa", "ab"]


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(-0.001, 2, "0.00"), (-0.006, 2, "-0.01"), (2996.9, 0, "2997"), (0.0, 1, "0.0")],
)
def test_what_rounds_to_nothing_has_no_sign(value: float, decimals: int, text: str) -> None:
    assert shown(value, decimals) == text


def test_markdown_marks_the_best_and_explains_what_is_empty() -> None:
    best = Cell("4.74", 4.74, 4.294, 5.306, bold=True)
    text = markdown.render(table((best, Cell(reason="no | weights"))))
    assert "| Model | SDR↑ (dB) | MEL↓ |" in text
    assert rf"| row 0 | **4.74**<br>\[4.29, 5.31\] | {markdown.NONE}<sup>a</sup> |" in text
    assert r"- <sup>a</sup> no \| weights" in text


def test_markdown_keeps_its_columns_whatever_a_text_holds() -> None:
    text = markdown.render(table((Cell("a|b\nc"), Cell("<i>*x*</i>"))))
    row = next(line for line in text.splitlines() if line.startswith("| row"))
    assert row == r"| row 0 | a\|b c | \<i\>\*x\*\</i\> |"


def test_csv_has_bounds_best_and_reasons() -> None:
    first = (Cell("4.74", 4.739315, 4.29, 5.31, bold=True), Cell(reason="failed"))
    head, row, other = csv_file.render(table(first, (Cell("1.00", 1.0), Cell("x")))).splitlines()
    assert head == "group,key,model,sdr_db,sdr_db_low,sdr_db_high,mel,best,reasons,stands_for"
    assert row == "3k,key-0,row 0,4.739315,4.29,5.31,,sdr_db,mel: failed,"
    assert other == "3k,key-1,row 1,1,,,x,,,"
