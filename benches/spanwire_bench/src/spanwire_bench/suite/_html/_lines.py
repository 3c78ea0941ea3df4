"""What curves and series share: a plane with axes, names at the ends of lines (wide) or in a legend (narrow)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spanwire_bench.suite._html._figures import text_width
from spanwire_bench.suite._html._frame import SMALL, Frame, apart, legend, words
from spanwire_bench.suite._html._sides_shown import class_of, is_ours
from spanwire_bench.suite._html._svg import Markup, element, join

__all__ = ["Plane", "end_names", "path", "plane"]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where lines are drawn; ``head`` is the legend above it."""

    left: float
    right: float
    top: float
    bottom: float
    head: Markup


def plane(frame: Frame, sides: Sequence[str], figures: Sequence[str], tick_texts: Sequence[str]) -> Plane:
    """With room for the figures of the axis, and for the names, each with its last figure."""
    left = max([20.0, *(text_width(text, SMALL) for text in tick_texts)]) + 9
    if frame.wide:
        room = max(
            text_width(f"{frame.name(side)} {figure}", SMALL + 1, bold=is_ours(side))
            for side, figure in zip(sides, figures, strict=True)
        )
        return Plane(left, frame.width - min(room, frame.width * 0.4) - 22, 12, 272, Markup(""))
    head, top = legend(frame, sides, 0)
    return Plane(left, frame.width - 10, top + 8, top + 208, head)


def end_names(frame: Frame, area: Plane, ends: Mapping[str, tuple[float, float]], figures: Mapping[str, str]) -> Markup:
    """Beside the last point of each line, moved apart where lines end together."""
    if not frame.wide:
        return Markup("")
    sides = list(ends)
    places = apart([ends[side][1] for side in sides], 16, area.top + 4, area.bottom - 2)
    parts = []
    x = area.right + 18
    for side, place in zip(sides, places, strict=True):
        end_x, end_y = ends[side]
        parts.append(
            element(
                "path",
                class_=f"leader {class_of(side)}",
                d=f"M{end_x + 6:.1f} {end_y:.1f}L{area.right + 8:.1f} {place:.1f}h6",
            )
        )
        text = f"{frame.name(side)} {figures[side]}"
        parts.append(words(text, x, place + 4, class_=f"key {class_of(side)}", size=SMALL + 1, room=frame.width - x))
    return join(parts)


def path(points: Sequence[tuple[float, float]]) -> str:
    """The ``d`` of a line through them."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
