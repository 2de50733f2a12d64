"""Labels hide neither circles nor each other."""

import pytest

from bench.report.figures.labels import Circle, sides, spread


def _circle(x: float, y: float, radius: float = 5, width: float = 20) -> Circle:
    return Circle(x, y, radius, width, 8)


def test_a_lone_label_stands_on_the_right() -> None:
    assert sides([_circle(0, 0), _circle(100, 100)]) == ["right", "right"]


def test_a_neighbours_circle_is_not_hidden() -> None:
    assert sides([_circle(0, 0), _circle(12, 0)]) == ["left", "right"]


def test_a_neighbours_label_is_not_hidden() -> None:
    # Two circles almost in one place: the second label goes where the first is not.
    first, second = sides([_circle(0, 0), _circle(1, 1)])
    assert first != second


def test_between_neighbours_on_both_sides_it_goes_below_or_above() -> None:
    crowd = [_circle(0, 0), _circle(15, 0), _circle(-15, 0)]
    assert sides(crowd)[0] == "below"
    assert sides([*crowd, _circle(0, -12)])[0] == "above"


def test_labels_of_lines_are_moved_apart_and_keep_their_order() -> None:
    moved = spread([2.0, 1.0, 1.02, 1.01], 0.1)
    assert moved[0] == 2.0
    low, high, middle = moved[1:]
    assert low < middle < high
    assert min(middle - low, high - middle) == pytest.approx(0.1, abs=1e-3)
