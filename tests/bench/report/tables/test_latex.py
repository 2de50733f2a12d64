"""The tables in LaTeX: a parser reads them, and every row has as many cells as columns."""

import re
from pathlib import Path

import pytest
from pylatexenc.latexwalker import LatexEnvironmentNode, LatexWalker, LatexWalkerParseError

from bench.report.tables import latex, write
from bench.report.tables.model import Cell, Column, Group, Row, Table

ROW_END = re.compile(r"(?<!\\)\\\\\s*$", re.MULTILINE)
NESTED = re.compile(r"\\shortstack(\[r\])?\{(?:[^{}]|\{[^{}]*\})*\}")


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Table, ...]]:
    root = Path(__file__).parents[4]
    results = tmp_path_factory.mktemp("results")
    (results / "paper").symlink_to(root / "results" / "paper")
    for folder in (root / "tests" / "bench" / "report" / "small").iterdir():
        (results / folder.name).symlink_to(folder)
    made, _ = write.of_all(results, {}, None)
    return made


def environments(text: str) -> list[str]:
    """Parse strictly; the names of all environments, outermost first."""
    nodes, _, _ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    found: list[str] = []
    left = list(nodes)
    while left:
        node = left.pop(0)
        if node is None:
            continue
        if isinstance(node, LatexEnvironmentNode):
            found.append(node.environmentname)
        for name in ("nodelist",):
            left += list(getattr(node, name, None) or [])
        arguments = getattr(node, "nodeargd", None)
        left += list(arguments.argnlist or []) if arguments is not None else []
    return found


@pytest.mark.parametrize("view", ["paper", "ours", "both"])
def test_each_table_is_read_and_is_rectangular(
    views: dict[str, tuple[Table, ...]], view: str
) -> None:
    for table in views[view]:
        text = latex.render(table, view)
        assert environments(text)[0] == "table*"
        assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
        assert text.count(r"\midrule") == len(table.groups)
        body = text.split(r"\toprule")[1].split(r"\bottomrule")[0]
        rows = ROW_END.split(NESTED.sub("x", body).replace(r"\&", ""))[:-1]
        assert len(rows) == 1 + len(list(table.rows()))
        n_columns = len(table.columns) + 1 + table.has_sources
        assert {row.count("&") + 1 for row in rows} == {n_columns}
        specification = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)
        assert specification is not None
        assert len(specification[1]) == n_columns


def test_the_document_has_every_table() -> None:
    text = latex.document(["one", "two"])
    assert environments(text) == ["document"]
    assert [text.count(rf"\input{{{name}}}") for name in ("one", "two")] == [1, 1]
    for package in ("booktabs", "graphicx", "amssymb"):
        assert rf"\usepackage{{{package}}}" in text


@pytest.mark.parametrize("text", ["a & b", "50 % #1 $x$", r"back\slash", "{x}_^~", "<1> | é ✓ †"])
def test_nothing_that_a_result_says_is_a_command(text: str) -> None:
    row = Row(text, "key", (Cell(text),), remark=text)
    groups = (Group("g", (row, Row("b", "b", (Cell(reason=text),)))),)
    table = Table("t", text, text, (Column("c", text, text),), groups, (text,))
    rendered = latex.render(table, "ours")
    assert environments(rendered)[0] == "table*"
    assert latex.escaped(text) in rendered


def test_a_minus_is_one() -> None:
    assert latex.escaped("-4.99 [-5.10, -3.00] sqcodec-3k") == (
        "$-$4.99 [$-$5.10, $-$3.00] sqcodec-3k"
    )


@pytest.mark.parametrize("text", [r"\textbf{a", "a}", r"\begin{tabular}{l} a", r"\end{table}"])
def test_the_parser_refuses_what_would_not_compile(text: str) -> None:
    with pytest.raises(LatexWalkerParseError):
        environments(text)


def test_two_hyphens_stay_two() -> None:
    assert latex.escaped("bench run --codec") == "bench run -{}-codec"


def test_the_caption_leaves_its_number_to_latex(views: dict[str, tuple[Table, ...]]) -> None:
    text = latex.render(views["paper"][2], "paper")
    assert r"\caption{Ablation study}" in text
    assert r"\label{tab:table3-ablation-paper}" in text
