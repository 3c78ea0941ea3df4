"""How sides look: their order, names, classes of the style sheet and marks; and which rows have figures to draw."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from spanwire_bench.suite._html._svg import Markup, element
from spanwire_bench.suite._model import Document, Outcome, Row
from spanwire_bench.suite._sides import OURS, SIDES

__all__ = [
    "OURS_FIRST",
    "class_of",
    "is_ours",
    "label",
    "labels",
    "language",
    "mark",
    "measured",
    "ordered",
    "with_figures",
]

OURS_FIRST = (OURS, "exporter")
"""What is spanwire's, the whole before the part: the first of them that was measured is what an outcome is about."""
_ORDER = {side: place for place, side in enumerate(SIDES)}
_LARGEST = 1e30  # what is beyond is a damaged file


def is_ours(side: str) -> bool:
    """Whether it is spanwire, or has a part of it."""
    return side in OURS_FIRST


def class_of(side: str) -> str:
    """The class that gives an element its side's colour, as ``--c``."""
    return f"s-{re.sub(r'[^a-z-]', '', side)}" if side in SIDES else "s-other"


def labels(document: Document) -> Mapping[str, str]:
    """By side, what it is called."""
    names = {row.side for outcome in document.outcomes for row in outcome.rows} | set(document.sides)
    return {side: _said(document, side, "label", SIDES[side].label if side in SIDES else side) for side in names}


def label(names: Mapping[str, str], side: str) -> str:
    """Of a side that may be unknown to the document."""
    return names.get(side) or (SIDES[side].label if side in SIDES else side)


def language(document: Document, side: str) -> str:
    """Empty where it is not known."""
    return _said(document, side, "language", SIDES[side].language if side in SIDES else "")


def _said(document: Document, side: str, what: str, otherwise: str) -> str:
    entry: Any = document.sides.get(side)
    value = entry.get(what) if isinstance(entry, Mapping) else None
    return str(value) if value else otherwise


def ordered(sides: Iterable[str]) -> list[str]:
    """Each once, in the order of tables; unknown ones behind."""
    return sorted(set(sides), key=lambda side: (_ORDER.get(side, len(_ORDER)), side))


def measured(outcome: Outcome | None) -> list[Row]:
    """Rows with figures, by side and place."""
    rows = (
        []
        if outcome is None
        else [row for row in outcome.rows if row.samples and all(map(_is_figure, (*row.samples, row.at or 0)))]
    )
    return sorted(rows, key=lambda row: (_ORDER.get(row.side, len(_ORDER)), row.side, row.at or 0.0))


def with_figures(outcome: Outcome) -> Outcome:
    """The same with only those rows, in that order: the others have nothing to show, nor to be compared with."""
    return dataclasses.replace(outcome, rows=tuple(measured(outcome)))


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) < _LARGEST


# Corners of a mark of radius 1, one shape a side: colours are not for everybody.
_SHAPES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "sdk": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "exporter": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "fastotel": ((0, -1.15), (1.1, 0.8), (-1.1, 0.8)),
    "ddtrace": ((0, 1.15), (1.1, -0.8), (-1.1, -0.8)),
    "opentelemetry-rust": tuple(
        (
            1.25 * math.sin(turn * math.pi / 5) * (1 if turn % 2 == 0 else 0.45),
            -1.25 * math.cos(turn * math.pi / 5) * (1 if turn % 2 == 0 else 0.45),
        )
        for turn in range(10)
    ),
    "opentelemetry-rust-builder": ((-1.1, -0.8), (1.1, -0.8), (-1.1, 0.8), (1.1, 0.8)),
    "fastrace": tuple(
        (math.sin(turn * 2 * math.pi / 5) * 1.1, -math.cos(turn * 2 * math.pi / 5) * 1.1) for turn in range(5)
    ),
    "opentelemetry-go": tuple(
        (math.sin(turn * math.pi / 3) * 1.1, -math.cos(turn * math.pi / 3) * 1.1) for turn in range(6)
    ),
    "opentelemetry-java": (
        *((-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4)),
        *((0.4, 1.1), (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)),
    ),
}


def mark(side: str, x: float, y: float, radius: float = 4.5) -> Markup:
    """Its shape with the middle there; spanwire's is a disc."""
    kind = f"mark {class_of(side)}"
    if side not in _SHAPES:
        return element("circle", class_=kind, cx=x, cy=y, r=radius)
    corners = " ".join(f"{x + radius * right:.1f},{y + radius * down:.1f}" for right, down in _SHAPES[side])
    return element("polygon", class_=kind, points=corners)
