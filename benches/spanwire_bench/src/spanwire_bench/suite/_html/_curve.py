"""A line a side over the places where it was measured, with the band between the least and the most of the rounds."""

from __future__ import annotations

from collections.abc import Sequence

from spanwire_bench.suite._html._figures import place_on_axis, tick_text
from spanwire_bench.suite._html._frame import Frame, bottom_axis, left_axis, svg
from spanwire_bench.suite._html._lines import end_names, path, plane
from spanwire_bench.suite._html._scale import Scale, scale
from spanwire_bench.suite._html._sides_shown import class_of, is_ours, mark, measured, ordered
from spanwire_bench.suite._html._svg import Markup, element
from spanwire_bench.suite._model import Row
from spanwire_bench.suite._values import noun, value

__all__ = ["curve"]

_LOG_AXIS_FROM = 6.0  # places that are doubled, or times ten, belong at equal distances


def curve(frame: Frame) -> Markup:
    """The ticks of the axis are the places that were measured."""
    outcome = frame.outcome
    unit = outcome.unit
    rows = [row for row in measured(outcome) if row.at is not None]
    before = [row for row in measured(frame.old) if row.at is not None]
    sides = ordered(row.side for row in rows)
    by_side = {side: [row for row in rows if row.side == side] for side in sides}
    values = [value for row in (*rows, *before) for value in (row.minimum, row.maximum, row.median)]
    ends = {side: value(by_side[side][-1].median, unit) for side in sides}

    draft = scale(values, 0, 1, log=frame.log, below=True)
    ticks = draft.ticks(6)
    area = plane(frame, sides, list(ends.values()), [tick_text(tick, unit) for tick in ticks])
    up = Scale(draft.low, draft.high, area.bottom, area.top, draft.log)
    places = sorted({at for row in (*rows, *before) if (at := row.at) is not None})
    log_axis = places[0] > 0 and places[-1] / places[0] >= _LOG_AXIS_FROM
    along = scale(places, area.left + 10, area.right, log=log_axis, zero=False)

    parts = [
        area.head,
        left_axis(up, area.left, area.right, ticks, lambda tick: tick_text(tick, unit)),
        bottom_axis(frame, along, area.top, area.bottom, places, place_on_axis, _axis(frame, up, along)),
    ]
    for side in sides:
        old = [row for row in before if row.side == side]
        if len(old) > 1:
            parts.append(element("path", class_="line before", d=path(_points(old, along, up))))
    parts += [_line(frame, by_side[side], along, up) for side in sorted(sides, key=is_ours)]  # ours above the others
    last = {side: _points(by_side[side][-1:], along, up)[0] for side in sides}
    parts.append(end_names(frame, area, last, ends))
    return svg(frame, area.bottom + 42, _describe(frame, by_side), *parts)


def _points(rows: Sequence[Row], along: Scale, up: Scale) -> list[tuple[float, float]]:
    return [(along.place(row.at or 0.0), up.place(row.median)) for row in rows]


def _line(frame: Frame, rows: Sequence[Row], along: Scale, up: Scale) -> Markup:
    side = rows[0].side
    points = _points(rows, along, up)
    over = [(along.place(row.at or 0.0), up.place(row.maximum)) for row in rows]
    under = [(along.place(row.at or 0.0), up.place(row.minimum)) for row in reversed(rows)]
    marks = [
        element("g", element("title", _tip(frame, row)), mark(side, *point), class_="point")
        for row, point in zip(rows, points, strict=True)
    ]
    lines = []
    if len(rows) > 1:
        lines = [
            element("path", class_=f"band {class_of(side)}", d=f"{path([*over, *under])}Z"),
            element("path", class_=f"line {class_of(side)}", d=path(points)),
        ]
    return element("g", *lines, *marks, class_="curve")


def _axis(frame: Frame, up: Scale, along: Scale) -> str:
    outcome = frame.outcome
    said = f"→ {outcome.axis or 'place'}"
    if frame.wide:
        said += f" · ↑ {noun(outcome)} a {outcome.per}"
    if along.log or up.log:
        said += f" · log scale {'both ways' if along.log and up.log else 'across' if along.log else 'upwards'}"
    if frame.old is not None:
        said += " · dotted: before"
    return said


def _tip(frame: Frame, row: Row) -> str:
    unit = frame.outcome.unit
    return (
        f"{frame.name(row.side)} at {place_on_axis(row.at or 0.0)}: {value(row.median, unit)} "
        f"({value(row.minimum, unit)} to {value(row.maximum, unit)})"
    )


def _describe(frame: Frame, by_side: dict[str, list[Row]]) -> str:
    outcome = frame.outcome
    said = "; ".join(
        f"{frame.name(side)}: "
        + ", ".join(f"{value(row.median, outcome.unit)} at {place_on_axis(row.at or 0.0)}" for row in rows)
        for side, rows in by_side.items()
    )
    return f"Lines over {outcome.axis or 'places'}. {said}."
