"""How often what happened: a strip a side over one logarithmic axis, with the quantiles marked."""

from __future__ import annotations

import math

from spanwire_bench.suite._html._figures import text_width, tick_text
from spanwire_bench.suite._html._frame import SMALL, TEXT, Frame, bottom_axis, svg, words
from spanwire_bench.suite._html._scale import Scale, scale
from spanwire_bench.suite._html._sides_shown import class_of, is_ours, mark, measured, ordered
from spanwire_bench.suite._html._svg import Markup, element, join
from spanwire_bench.suite._model import Histogram, Outcome, Row
from spanwire_bench.suite._values import place, value

__all__ = ["Bin", "bins", "histogram"]

Bin = tuple[float, float, int]
_HEIGHT = 58.0


def histogram(frame: Frame) -> Markup:
    """Heights are logarithmic too: what happens once in a thousand times is what one looks for."""
    rows = measured(frame.outcome)
    strips = {row.side: bins(row.histogram) for row in rows if row.histogram and bins(row.histogram)}
    sides = ordered(strips)
    edges = [edge for strip in strips.values() for first, last, _ in strip for edge in (first, last)]
    marked = {side: [row for row in rows if row.side == side and row.at is not None] for side in sides}
    edges += [row.median for side in sides for row in marked[side]]
    positive = [edge for edge in edges if edge > 0]
    log = bool(positive) and max(positive) / min(positive) > 2
    along = scale(positive if log else edges, 5, frame.width - 5, log=log, zero=False)
    most = max(count for strip in strips.values() for _, _, count in strip)

    parts, y = [], 0.0
    before = {row.side: row for row in measured(frame.old) if row.at == 0.5}
    for side in sides:
        drawn, y = _strip(frame, side, strips[side], marked[side], along, most, y, before.get(side))
        parts.append(drawn)
    unit = frame.outcome.unit
    title = f"{frame.outcome.axis or frame.outcome.per}{', log scale' if log else ''} · height: how often, log scale"
    if frame.old is not None:
        title += " · ▾ median before"
    axis = bottom_axis(
        frame, along, 0, y, along.ticks(7 if frame.wide else 4), lambda tick: tick_text(tick, unit), title
    )
    said = "; ".join(f"{frame.name(side)}: {_quantiles(frame.outcome, marked[side])}" for side in sides)
    return svg(
        frame, y + 42, f"Histograms of {frame.outcome.axis or 'values'}, one for each side. {said}.", axis, *parts
    )


def bins(said: Histogram) -> list[Bin]:
    """Those from the first to the last that has something, as (lower edge, upper edge, count)."""
    every = [
        (float(first), float(last), count)
        for first, last, count in zip(said.edges, said.edges[1:], said.counts, strict=False)
        if math.isfinite(first) and math.isfinite(last) and first < last
    ]
    full = [index for index, (_, _, count) in enumerate(every) if count > 0]
    return every[full[0] : full[-1] + 1] if full else []


def _strip(
    frame: Frame,
    side: str,
    strip: list[Bin],
    marked: list[Row],
    along: Scale,
    most: int,
    top: float,
    before: Row | None,
) -> tuple[Markup, float]:
    name_class = "name ours" if is_ours(side) else "name"
    quantiles = _quantiles(frame.outcome, marked)
    name = frame.name(side)
    parts = [mark(side, 8, top + 11), words(name, 20, top + 15, class_=name_class, room=frame.width - 24)]
    y = top + 22
    if frame.wide and text_width(name + quantiles, TEXT, bold=True) < frame.width - 50:
        parts.append(words(quantiles, frame.width - 2, top + 15, class_="said", anchor="end"))
    else:
        for line in _wrapped(quantiles.split(" · "), frame.width - 22):
            parts.append(words(line, 20, y + 9, class_="said"))
            y += 15
    base = y + 16 + _HEIGHT
    points = [
        (along.start if first <= 0 else along.place(first), along.place(last), count) for first, last, count in strip
    ]
    outline = f"M{points[0][0]:.1f} {base:.1f}"
    for first, last, count in points:
        height = _HEIGHT * math.log1p(count) / math.log1p(most) if count > 0 else 0.0
        outline += f"L{first:.1f} {base - height:.1f}H{last:.1f}"
    parts.append(element("path", class_=f"hill {class_of(side)}", d=f"{outline}V{base:.1f}Z"))
    taken = -1e9
    for row in marked:
        x = along.place(row.median)
        text = place(frame.outcome, row.at).replace("maximum", "max")
        half = text_width(text, SMALL) / 2
        middle = min(max(x, half), frame.width - half)
        parts.append(element("path", class_="quantile", d=f"M{x:.1f} {y + 16:.1f}V{base:.1f}"))
        if middle - half > taken:
            parts.append(words(text, middle, y + 13, class_="tick", anchor="middle"))
            taken = middle + half + 5
    if before is not None:
        parts.append(
            element("path", class_="ghost-tip", d=f"M{along.place(before.median) - 4:.1f} {base - 5:.1f}h8l-4 5z")
        )
    tip = element("title", f"{name}: {quantiles}")
    return element("g", tip, join(parts), class_="strip"), base + 14


def _quantiles(outcome: Outcome, marked: list[Row]) -> str:
    return " · ".join(f"{place(outcome, row.at)} {value(row.median, outcome.unit)}" for row in marked)


def _wrapped(words_: list[str], room: float) -> list[str]:
    lines: list[str] = []
    for word in words_:
        if lines and text_width(f"{lines[-1]} · {word}", SMALL + 1) <= room:
            lines[-1] = f"{lines[-1]} · {word}"
        else:
            lines.append(word)
    return lines
