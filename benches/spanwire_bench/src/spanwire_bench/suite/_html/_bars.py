"""A bar a side: the median, with the quartiles (of eight rounds or more) as a box and the extremes as whiskers on it."""

from __future__ import annotations

from spanwire_bench.suite._html._figures import percent, place_on_axis, text_width, tick_text
from spanwire_bench.suite._html._frame import SMALL, TEXT, Frame, bottom_axis, svg, words
from spanwire_bench.suite._html._scale import Scale, scale
from spanwire_bench.suite._html._sides_shown import OURS_FIRST, class_of, is_ours, measured
from spanwire_bench.suite._html._summary import verdict_of_rows
from spanwire_bench.suite._html._svg import Markup, element, join
from spanwire_bench.suite._model import QUARTILES_FROM, Outcome, Row
from spanwire_bench.suite._values import noun, ratio_text, value
from spanwire_bench.suite._verdict import Verdict

__all__ = ["bars", "needs_log"]

_THICK = 18.0
_GAP = 8.0  # between a bar's end and its figure


def needs_log(outcome: Outcome) -> bool:
    """Whether the values are drawn on a logarithmic scale, unless told otherwise."""
    return scale(_values(measured(outcome)), 0, 1).log


def bars(frame: Frame) -> Markup:
    """Wide: names to the left of the bars; narrow: above them."""
    rows = measured(frame.outcome)
    before = {(row.side, row.at): row for row in measured(frame.old)}
    old = [before.get((row.side, row.at)) for row in rows]
    verdicts = verdict_of_rows(frame.outcome)
    doubts = [_doubtful(verdicts.get((row.side, row.at))) for row in rows]
    ours = next((row for side in OURS_FIRST for row in rows if row.side == side), None)
    figures = [value(row.median, frame.outcome.unit) for row in rows]
    times = [_times(row, ours) + ("  ≈" if doubt else "") for row, doubt in zip(rows, doubts, strict=True)]
    labels = [_label(frame, row) for row in rows]

    left = 0.0
    if frame.wide:
        names = (text_width(text, TEXT, bold=is_ours(row.side)) for row, text in zip(rows, labels, strict=True))
        tags = (text_width(tag, SMALL) for tag in frame.languages.values())
        left = min(230.0, max([60.0, *names, *tags]) + 14)
    room = max(text_width(f"{figure}  {other}", TEXT, bold=True) for figure, other in zip(figures, times, strict=True))
    room = min(room, frame.width - left - 120)  # a figure that needs more is cut; the table has it
    right = frame.width - (room + _GAP + 4 if frame.wide else 6)
    values = scale(_values([*rows, *(row for row in old if row)]), left, right, log=frame.log, below=True)
    pitch = (36.0 if any(frame.languages.values()) else 32.0) if frame.wide else 46.0

    parts = []
    for index, (row, was) in enumerate(zip(rows, old, strict=True)):
        top = index * pitch + (6 if frame.wide else 4)
        bar_top = top + ((pitch - _THICK) / 2 - 3 if frame.wide else 19)
        drawn, end = _bar(values, row, was, bar_top)
        said = [words(labels[index], 0, bar_top + 13, class_=_name_class(row), room=left - 10 if frame.wide else None)]
        if frame.wide:
            if tag := frame.languages.get(row.side):
                said = [
                    words(labels[index], 0, bar_top + 7, class_=_name_class(row), room=left - 10),
                    words(tag, 0, bar_top + 20, class_="tag"),
                ]
            said.append(_figure(figures[index], times[index], end + _GAP, bar_top + 13.5, "start"))
        else:
            name_room = frame.width - text_width(f"{figures[index]}  {times[index]}", TEXT, bold=True) - 10
            said = [
                words(labels[index], 0, top + 12, class_=_name_class(row), room=name_room),
                _figure(figures[index], times[index], frame.width, top + 12, "end"),
            ]
        hit = element("rect", class_="hit", x=0, y=top, width=frame.width, height=pitch - 4, rx=4)
        tip = element("title", _tip(frame, row, was))
        parts.append(element("g", tip, hit, *said, drawn, class_="row"))

    bottom = len(rows) * pitch + 8
    unit = frame.outcome.unit
    axis = bottom_axis(
        frame,
        values,
        0,
        bottom,
        values.ticks(6 if frame.wide else 4),
        lambda tick: tick_text(tick, unit),
        _axis(frame, values, doubt=any(doubts)),
    )
    return svg(frame, bottom + 42, _describe(frame, rows), axis, *parts)


def _values(rows: list[Row]) -> list[float]:
    return [value for row in rows for value in (row.minimum, row.median, row.maximum)]


def _label(frame: Frame, row: Row) -> str:
    return frame.name(row.side) if row.at is None else f"{frame.name(row.side)}, {place_on_axis(row.at)}"


def _name_class(row: Row) -> str:
    return "name ours" if is_ours(row.side) else "name"


def _times(row: Row, ours: Row | None) -> str:
    if ours is None or row is ours or ours.median <= 0 or row.median <= 0:
        return ""
    times = row.median / ours.median
    if not 1e-6 < times < 1e6:
        return f"{times:.0e}×"
    return f"{ratio_text(times)}×" if times >= 0.095 else f"1/{ratio_text(1 / times)}"


def _figure(figure: str, times: str, x: float, y: float, anchor: str) -> Markup:
    more = element("tspan", f"  {times}", class_="times") if times else None
    return element("text", figure, more, class_="figure", x=x, y=y, text_anchor=anchor)


def _bar(values: Scale, row: Row, was: Row | None, top: float) -> tuple[Markup, float]:
    """The drawing, and where it ends."""
    zero, end = (values.start if values.log else values.place(0)), values.place(row.median)
    middle = top + _THICK / 2
    lower, upper = map(values.place, row.quartiles)
    least, most = values.place(row.minimum), values.place(row.maximum)
    shapes = [
        element(
            "rect",
            class_=f"bar {class_of(row.side)}",
            x=min(zero, end),
            y=top,
            width=max(1.5, abs(end - zero)),
            height=_THICK,
            rx=2.5,
        )
    ]
    if most - least >= 1:
        ends = f"M{least:.1f} {middle - 4:.1f}v8M{most:.1f} {middle - 4:.1f}v8M{least:.1f} {middle:.1f}H{most:.1f}"
        shapes += [element("path", class_="whisker halo", d=ends), element("path", class_="whisker", d=ends)]
    if len(row.samples) >= QUARTILES_FROM and upper - lower >= 2:  # fewer have no quartiles
        shapes.append(element("rect", class_="box", x=lower, y=middle - 4.5, width=upper - lower, height=9))
    reach = max(zero, end, most)
    if was is not None:
        place = values.place(was.median)
        line = f"M{place:.1f} {top - 4:.1f}v{_THICK + 8:.1f}"
        shapes += [element("path", class_="ghost-under", d=line), element("path", class_="ghost", d=line)]
        shapes.append(element("path", class_="ghost-tip", d=f"M{max(0.0, place - 4):.1f} {top - 6:.1f}h8l-4 5z"))
        reach = max(reach, place + 4)
    return join(shapes), reach


def _doubtful(verdict: Verdict | None) -> bool:
    """Whether the rounds of both overlap; of one round nothing is known, which is said elsewhere."""
    return verdict is not None and verdict.ratio is not None and verdict.ratio.rounds > 1 and verdict.better is None


def _axis(frame: Frame, values: Scale, *, doubt: bool) -> str:
    said = f"{_of(frame.outcome)}, median of the rounds"
    if values.log:
        said += " · log scale: equal steps multiply" if frame.wide else " · log scale"
    if doubt:
        said += " · ≈ doubtful: rounds overlap" if frame.wide else " · ≈ doubtful"
    if frame.old is not None:
        said += " · ▾ before"
    return said


def _of(outcome: Outcome) -> str:
    return f"{noun(outcome)} a {outcome.per}"


def _tip(frame: Frame, row: Row, was: Row | None) -> str:
    unit = frame.outcome.unit
    said = (
        f"{_label(frame, row)}: median {value(row.median, unit)}, {value(row.minimum, unit)} to "
        f"{value(row.maximum, unit)} in {len(row.samples)} rounds (spread {percent(row.spread)})"
    )
    return said if was is None else f"{said}; before: {value(was.median, unit)}"


def _describe(frame: Frame, rows: list[Row]) -> str:
    return f"Bars, {_of(frame.outcome)}. " + "; ".join(_tip(frame, row, None) for row in rows) + "."
