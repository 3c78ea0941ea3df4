"""Elements of HTML and SVG as text. Whatever is no ``Markup`` is escaped, so a hostile version or note stays text."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable

__all__ = ["Attribute", "Child", "Markup", "element", "escape", "join", "number"]

Attribute = str | int | float | bool | None

# What XML has no place for, and signs that turn the order of the text around them.
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
# Without content they end themselves: HTML's void elements, and SVG's marks.
_EMPTY = frozenset({"br", "circle", "line", "link", "meta", "path", "polygon", "polyline", "rect"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child = str | None
"""``Markup`` goes in as it is, other text is escaped, None is nothing."""


def escape(text: str) -> Markup:
    """For content and for attributes in double quotes; what is no text, from a file, is written as Python does."""
    return Markup(html.escape(_UNSHOWN.sub("\ufffd", str(text))))


def number(value: float) -> str:
    """For attributes: at most two decimals, no zeros behind them."""
    if not math.isfinite(value):
        raise ValueError(f"no place in a plot: {value}")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def join(parts: Iterable[Child], between: str = "") -> Markup:
    """Children of an element that is none."""
    texts = [part if isinstance(part, Markup) else escape(part) for part in parts if part is not None]
    return Markup(escape(between).join(texts))


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """One element. ``class_`` is ``class``, ``stroke_width`` is ``stroke-width``; None and False leave an attribute out."""
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    content = join(children)
    if not content and tag in _EMPTY:
        return Markup(f"<{tag}{said}/>")
    return Markup(f"<{tag}{said}>{content}</{tag}>")


def _attribute(value: str | float | bool) -> str:
    if value is True:
        return ""
    return escape(value) if isinstance(value, str) else number(value)
