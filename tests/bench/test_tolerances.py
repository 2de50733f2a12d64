"""bench.tolerances: what a user gives goes before, and a name that nothing has is refused."""

import pytest

from bench.names import UnknownNameError
from bench.run_record import Column
from bench.tolerances import ToleranceError, Tolerances, given

METRICS = ("sdr", "stoi", "wer_asr_pct")


def column(metric: str, unit: str = "") -> Column:
    return Column("codec", metric, "1", unit, "codec", (1.0,), {})


def test_numbers_are_of_all_or_of_one() -> None:
    assert given([], METRICS) == Tolerances()
    assert given(["0.5", "sdr=0.1", " stoi =2", "0.25"], METRICS) == Tolerances(
        {"sdr": 0.1, "stoi": 2.0}, 0.25
    )


@pytest.mark.parametrize("text", ["sdr=much", "", "sdr=", "-1", "sdr=-0.1", "inf", "nan"])
def test_what_is_no_tolerance(text: str) -> None:
    with pytest.raises(ToleranceError, match=r"^expected --tolerance NUMBER or METRIC=NUMBER"):
        given([text], METRICS)


def test_a_metric_that_no_cell_has_is_refused_with_the_near_one() -> None:
    with pytest.raises(UnknownNameError, match=r"^no metric of the manifest is called 'sdrr'; did"):
        given(["sdrr=0.02"], METRICS)
    with pytest.raises(UnknownNameError, match=r"is called ''; available: sdr, stoi, wer_asr_pct$"):
        given(["=0.02"], METRICS)


def test_the_user_goes_before_the_metric_and_the_metric_before_its_unit() -> None:
    mine = Tolerances({"sdr": 0.4}, 9.0)
    assert [mine.of(column(name), exact=True) for name in METRICS] == [0.4, 9.0, 9.0]
    none = Tolerances()
    assert [none.of(column(name, "%"), exact=False) for name in METRICS] == [0.05, 0.005, 0.5]
    assert [none.of(column(name, "%"), exact=True) for name in METRICS] == [0.0, 0.0, 0.0]
    assert none.of(column("words"), exact=False) == 0.0
