"""JSON files checked as they are read: nothing is converted, and every fault is one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from bench.report.checked import parsed


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Shape:
    number: float
    inner: tuple[Inner, ...]
    count: int | None = None

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("a negative number")


def test_what_fits_is_read() -> None:
    found = parsed(b'{"schema": 3, "number": 1, "inner": [{"name": "a", "more": 2}]}', Shape, 3)
    assert found == Shape(1.0, (Inner("a"),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON: "),
        ("{", "no JSON: "),
        ("[" * 100_000, "no JSON: "),
        ('{"number": NaN, "inner": []}', "a number in it is not finite"),
        ('{"number": 1e999, "inner": []}', "a number in it is not finite"),
        ("null", "expected a JSON object"),
        ("[1]", "expected a JSON object"),
        ('{"number": "1", "inner": []}', "number: Input should be a valid number"),
        ('{"number": true, "inner": []}', "number: Input should be a valid number"),
        ('{"number": 1, "inner": [{"name": null}]}', "inner.0.name: Input should be a valid str"),
        ('{"number": 1, "inner": [], "count": 5.0}', "count: Input should be a valid integer"),
        ('{"number": -1, "inner": []}', "a negative number"),
        ("{}", "number: Field required"),
    ],
)
def test_what_does_not_is_told_in_a_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as told:
        parsed(text.encode(), Shape)
    assert "\n" not in str(told.value)


def test_bytes_that_are_no_text_are_told() -> None:
    with pytest.raises(ValueError, match="no JSON"):
        parsed(b"\xff\xfe", Shape)


@pytest.mark.parametrize("found", ["{}", '{"schema": "3"}', '{"schema": 4}'])
def test_another_schema_is_told(found: str) -> None:
    with pytest.raises(ValueError, match=r"its schema is .*, this reads 3"):
        parsed(found.encode(), Shape, 3)
