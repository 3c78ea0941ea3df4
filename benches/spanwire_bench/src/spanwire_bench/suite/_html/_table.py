"""An outcome's figures, for those who want all of them, or cannot see the plot; and the box that every table has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from spanwire_bench.suite._html._figures import percent, place_on_axis
from spanwire_bench.suite._html._sides_shown import is_ours, label, measured
from spanwire_bench.suite._html._summary import verdict_of_rows
from spanwire_bench.suite._html._svg import Child, Markup, element
from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._values import place, ratio_text, value
from spanwire_bench.suite._verdict import ratio

__all__ = ["boxed", "facts", "table"]


@dataclass(frozen=True, slots=True)
class _Column:
    """``kind`` is a class: ``n`` for numbers, ``t`` for text. A column that has nothing to say of any row is left out."""

    title: str
    say: Callable[[Row], str | None]
    kind: str = "n"


def boxed(
    name: str, caption: str, columns: Iterable[tuple[str, str]], lines: Iterable[Markup], class_: str = ""
) -> Markup:
    """A table in a box of its own that scrolls: a page never does sideways. Columns are (title, class)."""
    head = element("tr", *(element("th", title, scope="col", class_=kind) for title, kind in columns))
    whole = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *lines),
    )
    return element(
        "div", whole, class_=f"scroll {class_}".strip(), tabindex="0", role="region", aria_label=f"Table: {name}"
    )


def table(outcome: Outcome, old: Outcome | None, names: Mapping[str, str]) -> Markup:
    """A line a row."""
    rows = measured(outcome)
    every = _columns(outcome, old, names)
    columns = [column for column in every if any(column.say(row) is not None for row in rows)]
    lines = []
    for row in rows:
        first, *others = columns
        cells = [element("th", first.say(row), scope="row", class_=first.kind)]
        cells += [element("td", column.say(row) or "–", class_=column.kind) for column in others]
        lines.append(element("tr", *cells, class_="ours" if is_ours(row.side) else None))
    caption = f"{outcome.title}: a {outcome.per}; ratio: how many times better than the reference"
    if outcome.reference is None:
        caption = f"{outcome.title}: a {outcome.per}"
    return boxed(outcome.title, caption, ((column.title, column.kind) for column in columns), lines)


def facts(pairs: Mapping[str, Child]) -> Markup:
    """A list of names and what they are; what is empty is left out."""
    return element(
        "dl",
        *(element("div", element("dt", name), element("dd", said)) for name, said in pairs.items() if said),
    )


def _columns(outcome: Outcome, old: Outcome | None, names: Mapping[str, str]) -> list[_Column]:
    unit = outcome.unit
    columns = [
        _Column("side", lambda row: label(names, row.side), "t"),
        _where(outcome),
        _Column("median", lambda row: value(row.median, unit)),
        _Column("minimum", lambda row: value(row.minimum, unit)),
        _Column("maximum", lambda row: value(row.maximum, unit)),
        _Column("spread", lambda row: percent(row.spread)),
        _Column("rounds", lambda row: str(len(row.samples))),
        _Column("instructions", lambda row: None if row.instructions is None else f"{row.instructions:,.0f}"),
        _times(outcome),
    ]
    if old is not None:
        columns += _before(old, unit)
    verdicts = verdict_of_rows(outcome)
    return [
        *columns,
        _Column("delivered", lambda row: None if row.delivered is None else f"{row.delivered:,}"),
        _Column("spans a request", lambda row: None if row.spans_a_request is None else f"{row.spans_a_request:,.0f}"),
        _Column("verdict", lambda row: found.words if (found := verdicts.get((row.side, row.at))) else None, "t long"),
        _Column("note", lambda row: row.note or None, "t long"),
    ]


def _where(outcome: Outcome) -> _Column:
    def say(row: Row) -> str | None:
        if row.at is None:
            return None
        return place(outcome, row.at) if outcome.plot == "histogram" else place_on_axis(row.at)

    return _Column("quantile" if outcome.plot == "histogram" else outcome.axis or "at", say)


def _times(outcome: Outcome) -> _Column:
    reference = {row.at: row for row in measured(outcome) if row.side == outcome.reference}

    def say(row: Row) -> str | None:
        other = reference.get(row.at)
        found = None if other is None or other is row else ratio(outcome, row, other)
        return None if found is None else f"{ratio_text(found.medians)}×"

    return _Column("ratio", say)


def _before(old: Outcome, unit: str) -> list[_Column]:
    rows = {(row.side, row.at): row for row in measured(old)}

    def was(row: Row) -> str | None:
        found = rows.get((row.side, row.at))
        return None if found is None else value(found.median, unit)

    def change(row: Row) -> str | None:
        found = rows.get((row.side, row.at))
        if found is None or found.median <= 0:
            return None
        text = percent(row.median / found.median - 1)
        return text if text.startswith("-") else f"+{text}"

    return [_Column("median before", was), _Column("change", change)]
