"""Where labels go, so that they hide neither circles nor each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Side = Literal["right", "left", "below", "above"]
_SIDES: tuple[Side, ...] = ("right", "left", "below", "above")
_Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class Circle:
    """A circle and the size of its label, all in one unit; y grows upwards."""

    x: float
    y: float
    radius: float
    label_width: float
    label_height: float


def sides(circles: Sequence[Circle]) -> list[Side]:
    """On which side of its circle each label hides least, the right one where that is all one.

    One label after the other, in the order given.
    """
    labels: list[_Box] = []
    chosen: list[Side] = []
    for i, circle in enumerate(circles):
        others = [_around(other) for j, other in enumerate(circles) if j != i]
        boxes = {side: _label(circle, side) for side in _SIDES}
        hidden = {
            side: sum(_overlap(box, other) for other in [*others, *labels])
            for side, box in boxes.items()
        }
        best = min(_SIDES, key=lambda side: (hidden[side], _SIDES.index(side)))
        chosen.append(best)
        labels.append(boxes[best])
    return chosen


def spread(positions: Sequence[float], least: float) -> list[float]:
    """Positions of labels, moved apart so that neighbours are at least `least` away."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for _ in range(100):  # each pass halves what is left of an overlap
        for lower, upper in pairwise(order):
            overlap = least - (moved[upper] - moved[lower])
            if overlap > 1e-9:
                moved[lower] -= overlap / 2
                moved[upper] += overlap / 2
    return moved


def _around(circle: Circle) -> _Box:
    r = circle.radius
    return circle.x - r, circle.y - r, circle.x + r, circle.y + r


def _label(circle: Circle, side: Side) -> _Box:
    width, height, away = circle.label_width, circle.label_height, circle.radius
    x, y = {
        "right": (circle.x + away, circle.y - height / 2),
        "left": (circle.x - away - width, circle.y - height / 2),
        "below": (circle.x - width / 2, circle.y - away - height),
        "above": (circle.x - width / 2, circle.y + away),
    }[side]
    return x, y, x + width, y + height


def _overlap(first: _Box, second: _Box) -> float:
    """The area that two boxes share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)
