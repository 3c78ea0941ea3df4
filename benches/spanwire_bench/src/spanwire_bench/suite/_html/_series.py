"""What went on over time: a line a side, and what is marked of the time, such as when there was no backend."""

from __future__ import annotations

import math
from collections.abc import Sequence

from spanwire_bench.suite._html._figures import text_width, tick_text
from spanwire_bench.suite._html._frame import SMALL, Frame, bottom_axis, left_axis, svg, words
from spanwire_bench.suite._html._lines import Plane, end_names, path, plane
from spanwire_bench.suite._html._scale import Scale, scale
from spanwire_bench.suite._html._sides_shown import class_of, is_ours, mark, measured, ordered
from spanwire_bench.suite._html._svg import Markup, element, join
from spanwire_bench.suite._values import value

__all__ = ["finite", "series", "thinned"]

Points = Sequence[tuple[float, float]]


def series(frame: Frame) -> Markup:
    """Values from 0, on a linear scale: areas of memory are compared by their height."""
    unit = frame.outcome.unit
    lines = {row.side: finite(row.series) for row in measured(frame.outcome) if len(row.series) > 1}
    before = {row.side: finite(row.series) for row in measured(frame.old) if len(row.series) > 1}
    sides = ordered(side for side, points in lines.items() if points)
    every = [point for points in (*lines.values(), *before.values()) for point in points]

    ends = {side: value(lines[side][-1][1], unit) for side in sides}
    draft = scale([amount * 1.04 for _, amount in every], 0, 1, log=False)  # with some room above
    ticks = draft.ticks(6)
    area = plane(frame, sides, [*ends.values()], [tick_text(tick, unit) for tick in ticks])
    up = Scale(draft.low, draft.high, area.bottom, area.top)
    along = scale([second for second, _ in every], area.left, area.right, log=False)

    title = f"{frame.outcome.axis or 'seconds'} · dotted: before" if before else frame.outcome.axis or "seconds"
    seconds = along.ticks(8 if frame.wide else 5)
    stretches = [one for one in frame.outcome.stretches if one[0] < one[1]]
    parts = [
        area.head,
        *(_stretch(along, area, one) for one in stretches),
        left_axis(up, area.left, area.right, ticks, lambda tick: tick_text(tick, unit)),
        bottom_axis(frame, along, area.top, area.bottom, seconds, lambda tick: f"{tick:g} s", title),
    ]
    parts += [
        element("path", class_="line before", d=path(_placed(points, along, up)))
        for side, points in before.items()
        if points and side in lines
    ]
    last = {}
    for side in sorted(sides, key=is_ours):  # ours above the others
        placed = _placed(lines[side], along, up)
        tip = element("title", f"{frame.name(side)}: {_said(lines[side], unit)}")
        marks = [
            mark(side, *placed[place]) for place in sorted({0, len(placed) // 3, 2 * len(placed) // 3, len(placed) - 1})
        ]
        parts.append(
            element("g", tip, element("path", class_=f"line {class_of(side)}", d=path(placed)), *marks, class_="curve")
        )
        last[side] = placed[-1]
    parts.append(end_names(frame, area, {side: last[side] for side in sides}, ends))
    said = "; ".join(f"{frame.name(side)} {_said(lines[side], unit)}" for side in sides)
    marked = "".join(f" From {first:g} to {last:g} s: {what}." for first, last, what in stretches)
    return svg(frame, area.bottom + 42, f"Lines over time. {said}.{marked}", *parts)


def thinned(points: Points, most: int) -> list[tuple[float, float]]:
    """At most about ``most`` points with every peak and dip that can be seen: of each stretch the least and the greatest."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / (most // 2))
    kept = [points[0]]
    for first in range(0, len(points), size):
        stretch = points[first : first + size]
        least, greatest = min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])
        kept += sorted({least, greatest})
    return [*kept, points[-1]]


def finite(points: Points) -> list[tuple[float, float]]:
    """In the order of time; empty where there is no line."""
    known = sorted((second, value) for second, value in points if math.isfinite(second) and math.isfinite(value))
    return known if len(known) > 1 else []


def _placed(points: Points, along: Scale, up: Scale) -> list[tuple[float, float]]:
    return [(along.place(second), up.place(value)) for second, value in thinned(points, 600)]


def _stretch(along: Scale, area: Plane, stretch: tuple[float, float, str]) -> Markup:
    first, last = along.place(stretch[0]), along.place(stretch[1])
    parts = [
        element("rect", class_="away", x=first, y=area.top, width=max(1.0, last - first), height=area.bottom - area.top)
    ]
    if text_width(stretch[2], SMALL) < last - first:
        parts.append(words(stretch[2], (first + last) / 2, area.bottom - 8, class_="tick", anchor="middle"))
    return join(parts)


def _said(points: Points, unit: str) -> str:
    values = [value for _, value in points]
    return (
        f"{value(values[0], unit)} at first, {value(max(values), unit)} at most, {value(values[-1], unit)} in the end"
    )
