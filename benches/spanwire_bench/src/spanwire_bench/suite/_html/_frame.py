"""What every plot has: a size, a name for those who do not see it, axes, and a legend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from spanwire_bench.suite._html._figures import text_width
from spanwire_bench.suite._html._scale import Scale
from spanwire_bench.suite._html._sides_shown import class_of, is_ours, label, mark
from spanwire_bench.suite._html._svg import Markup, element, join
from spanwire_bench.suite._model import Outcome

__all__ = ["SMALL", "TEXT", "Frame", "apart", "bottom_axis", "left_axis", "legend", "svg", "words"]

TEXT, SMALL = 13.0, 11.0
"""Sizes of text, in units of the plot; a plot is shown at about its own size."""
_WIDE, _NARROW = 700.0, 320.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One drawing of an outcome; each has two, since text that is read on a wide screen is too small on a phone.

    :param key: an id that no other plot of the page has.
    :param names: by side, what it is called.
    :param languages: by side, where sides of several are drawn together.
    :param linear: no logarithmic scale of values, whatever they are.
    """

    key: str
    outcome: Outcome
    old: Outcome | None
    names: Mapping[str, str]
    languages: Mapping[str, str]
    wide: bool
    linear: bool = False

    @property
    def width(self) -> float:
        return _WIDE if self.wide else _NARROW

    @property
    def log(self) -> bool | None:
        """For ``scale``."""
        return False if self.linear else None

    def name(self, side: str) -> str:
        return label(self.names, side)


def svg(frame: Frame, height: float, describe: str, *parts: Markup) -> Markup:
    """The whole picture; ``describe`` says its figures in words."""
    kind = f"plot {'wide' if frame.wide else 'narrow'} {'linear' if frame.linear else 'usual'}"
    return element(
        "svg",
        element("title", frame.outcome.title, id=f"{frame.key}-t"),
        element("desc", describe, id=f"{frame.key}-d"),
        *parts,
        class_=kind,
        viewBox=f"0 0 {frame.width:g} {height:.0f}",
        role="img",
        aria_labelledby=f"{frame.key}-t",
        aria_describedby=f"{frame.key}-d",
        xmlns="http://www.w3.org/2000/svg",
    )


def bottom_axis(
    frame: Frame,
    scale: Scale,
    top: float,
    bottom: float,
    ticks: Sequence[float],
    say: Callable[[float], str],
    title: str,
) -> Markup:
    """Lines of the grid from ``top`` to ``bottom``, figures below them, and what they are of below those (in 40 units)."""
    parts = []
    taken = -1e9
    for tick in ticks:
        place, text = scale.place(tick), say(tick)
        parts.append(element("line", class_="grid", x1=place, x2=place, y1=top, y2=bottom))
        half = text_width(text, SMALL) / 2
        middle = min(max(place, half), frame.width - half)  # never cut at the edges
        if middle - half > taken:
            parts.append(words(text, middle, bottom + 15, class_="tick", anchor="middle"))
            taken = middle + half + 6
    left = max(0.0, min(scale.start, frame.width - text_width(title, SMALL)))
    parts.append(words(title, left, bottom + 33, class_="axis", size=SMALL, room=frame.width - left))
    return join(parts)


def left_axis(scale: Scale, left: float, right: float, ticks: Sequence[float], say: Callable[[float], str]) -> Markup:
    """Lines of the grid from ``left`` to ``right``, figures to the left of them."""
    parts = []
    taken = 1e9
    for tick in ticks:
        place = scale.place(tick)
        parts.append(element("line", class_="grid", x1=left, x2=right, y1=place, y2=place))
        if place < taken:
            parts.append(words(say(tick), left - 7, place + 4, class_="tick", anchor="end"))
            taken = place - SMALL - 3
    return join(parts)


def words(
    text: str,
    x: float,
    y: float,
    *,
    class_: str,
    anchor: str | None = None,
    size: float = TEXT,
    room: float | None = None,
) -> Markup:
    """A line of text; what has no room ends in dots (the tables have it whole)."""
    if room is not None:
        text = _shortened(text, size, room)
    return element("text", text, class_=class_, x=x, y=y, text_anchor=anchor)


def _shortened(text: str, size: float, room: float) -> str:
    if text_width(text, size) <= room:
        return text
    while text and text_width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def legend(frame: Frame, sides: Iterable[str], top: float) -> tuple[Markup, float]:
    """Marks and names in as many lines as they need, and where they end."""
    parts, x, y = [], 0.0, top + 10
    for side in sides:
        name = _shortened(frame.name(side), SMALL + 1, frame.width - 24)
        needed = 22 + text_width(name, SMALL + 1, bold=is_ours(side))
        if x > 0 and x + needed > frame.width:
            x, y = 0.0, y + 20
        parts += [mark(side, x + 6, y - 4), words(name, x + 16, y, class_=f"key {class_of(side)}")]
        x += needed + 10
    return join(parts), y + 8


def apart(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """The same places, moved as little as it takes for neighbours to be ``least`` apart, within ``low`` to ``high`` where that is enough."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    floor = low
    for index in order:
        moved[index] = floor = max(moved[index], floor)
        floor += least
    ceiling = high
    for index in reversed(order):
        moved[index] = ceiling = min(moved[index], ceiling)
        ceiling -= least
    return moved
