"""One look for each family, and the names of the paper's rows."""

from pathlib import Path

import pandas as pd
import pytest

from bench import registry
from bench.report.palette import FAMILIES, codec_of, family_of, short_bitrate

TABLE_1 = Path(__file__).parents[3] / "results" / "paper" / "table1-signal.csv"


def test_every_codec_of_the_project_has_a_family() -> None:
    assert all(family_of(name) in FAMILIES for name in registry.available())


def test_families_differ_by_colour_or_marker() -> None:
    assert len({(family.colour, family.marker) for family in FAMILIES}) == len(FAMILIES)
    assert len({family.marker for family in FAMILIES}) == len(FAMILIES)


def test_codecs_of_others_have_a_family_of_their_own() -> None:
    assert family_of("mine-3k") == family_of("mine-6k") != family_of("yours-3k")
    assert family_of("mine-3k").label == "mine"
    assert family_of("opusculum-3k").key == "opusculum"


def test_every_row_of_table_1_is_a_codec_of_the_project() -> None:
    rows = pd.read_csv(TABLE_1)
    names = [
        codec_of(row.model, int(row.input_sample_rate_hz), float(row.bitrate_bps))
        for row in rows.itertuples()
    ]
    assert len(set(names)) == len(rows) == 21
    assert set(names) <= set(registry.available())


@pytest.mark.parametrize(("bps", "text"), [(480, "480"), (1500, "1.5k"), (24_000, "24k")])
def test_bitrates_are_written_as_the_paper_does(bps: float, text: str) -> None:
    assert short_bitrate(bps) == text
