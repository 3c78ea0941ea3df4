"""The suite on a terminal: a table for each outcome, below it what can be said of it, at the end a sentence about all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import bar, make_console
from spanwire_bench.suite import _verdict
from spanwire_bench.suite._progress import lasting
from spanwire_bench.suite._sides import OURS
from spanwire_bench.suite._values import cell, number, place, ratio_text

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire_bench.suite._model import Document, Outcome, Row
    from spanwire_bench.suite._verdict import Verdict

__all__ = ["show", "summary"]

_SIDE_CELLS = 18
_BAR_CELLS = 14
_TOLD = ("rounds", "scale", "batch", "sender_core", "receiver_core", "pinning", "goals", "instructions")
"""Of the method; the JSON and the report have all of it."""
_MOST_COLUMNS = 5  # sides of a curve beside each other in 80 columns


def show(document: Document, *, color: bool = True) -> None:
    """Everything, to standard output."""
    console = make_console(color=color)
    group = ""
    for outcome in document.outcomes:
        if outcome.group != group:
            group = outcome.group
            console.print(Text(group, style="bold underline"))
        _show_outcome(console, outcome)
    _show_rest(console, document)


def summary(document: Document) -> str:
    """One sentence about all of it."""
    met, goals, doubtful = _verdict.counts(document.outcomes)
    parts = [f"{len(document.outcomes)} scenario{'s' * (len(document.outcomes) != 1)}"]
    if goals:
        parts.append(f"{met} of {goals} goal{'s' * (goals != 1)} met")
    parts.append(f"{doubtful or 'none'} doubtful")
    if document.left_out:
        parts.append(f"{len(document.left_out)} left out")
    ended = "" if document.complete else " (interrupted: this is a part)"
    return f"{', '.join(parts)}; {lasting(document.seconds)}{ended}"


def _show_outcome(console: Console, outcome: Outcome) -> None:
    ascii_only = console.options.ascii_only
    heading = Text.assemble((outcome.name, "bold"), f"  {outcome.title}, {outcome.unit} a {outcome.per}")
    console.print(heading)
    if outcome.plot in ("curve", "histogram"):
        console.print(_places(outcome, ascii_only))
    else:
        console.print(_bars(outcome, ascii_only))
    for line in _lines(outcome):
        console.print(_words(line))
    for row in outcome.rows:
        if row.note:
            console.print(Text(f"{row.side}: {row.note}", style="dim"))
    console.print()


def _bars(outcome: Outcome, ascii_only: bool) -> Table:
    table = _empty_table()
    counted = any(row.instructions is not None for row in outcome.rows)
    table.add_column("", min_width=_SIDE_CELLS, no_wrap=True)
    for heading in ("minimum", "median", "spread"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    if counted:
        table.add_column("instr.", justify="right", no_wrap=True)
    cells = _BAR_CELLS - 6 * counted
    table.add_column("", min_width=cells, max_width=cells, no_wrap=True)
    table.add_column(_ratio_heading(outcome, ascii_only), justify="right", no_wrap=True)
    longest = max((row.median for row in outcome.rows), default=0.0)
    judged = {one.side: one for one in _verdict.verdicts(outcome)}
    for row in outcome.rows:
        ours = row.side == OURS
        verdict = judged.get(row.side)
        table.add_row(
            Text(row.side, style="bold green" if ours else ""),
            cell(outcome, row.minimum),
            cell(outcome, row.median),
            f"{row.spread:.0%}" if len(row.samples) > 1 else "",
            *([] if not counted else [number(row.instructions) if row.instructions is not None else ""]),
            Text(bar(row.median, longest, cells, ascii_only=ascii_only), style="green" if ours else "dim"),
            Text(_ratio(verdict), style="bold green" if ours else ""),
        )
    return table


def _places(outcome: Outcome, ascii_only: bool) -> Table:
    """Curves: a row for each place; histograms: a row for each side, so that quantiles stand beside each other."""
    sides = list(dict.fromkeys(row.side for row in outcome.rows))
    places = list(dict.fromkeys(row.at for row in outcome.rows))
    down = outcome.plot == "histogram" or len(sides) > _MOST_COLUMNS
    table = _empty_table()
    table.add_column("" if down else outcome.axis, min_width=_SIDE_CELLS if down else 8, no_wrap=True)
    if down:
        for at in places:
            table.add_column(place(outcome, at), justify="right", no_wrap=True)
        for side in sides:
            style = "bold green" if side == OURS else ""
            found = [outcome.row(side, at) for at in places]
            table.add_row(Text(side, style=style), *(Text(_shown(outcome, row), style=style) for row in found))
        return table
    for side in sides:
        table.add_column(Text(side, style="bold green" if side == OURS else ""), justify="right", no_wrap=True)
    compared = outcome.reference in sides and OURS in sides and outcome.reference != OURS
    if compared:
        table.add_column(_ratio_heading(outcome, ascii_only), justify="right", no_wrap=True)
    judged = {one.at: one for one in _verdict.verdicts(outcome) if one.side == OURS}
    for at in places:
        ratios = [Text(_ratio(judged.get(at)), style="bold green")] if compared else []
        table.add_row(_number_of(at), *(_shown(outcome, outcome.row(side, at)) for side in sides), *ratios)
    return table


def _empty_table() -> Table:
    return Table(box=None, padding=(0, 1), pad_edge=False)


def _ratio_heading(outcome: Outcome, ascii_only: bool) -> str:
    if outcome.reference is None:
        return ""
    reference = _verdict.label(outcome.reference)
    sign = "/" if ascii_only else "÷"
    return f"{reference} {sign}" if outcome.lower_is_better else f"{sign} {reference}"


def _ratio(verdict: Verdict | None) -> str:
    if verdict is None or verdict.ratio is None:
        return ""
    return ratio_text(verdict.ratio.medians) + ("?" if verdict.better is None else "")


def _shown(outcome: Outcome, row: Row | None) -> str:
    return "" if row is None else cell(outcome, row.median)


def _number_of(at: float | None) -> str:
    return "" if at is None else f"{at:,.10g}"


def _lines(outcome: Outcome) -> list[Verdict]:
    """What is said of our side: of a curve at its first place and its last, of everything else at each."""
    ours = [one for one in _verdict.verdicts(outcome) if one.side == OURS]
    ours += _verdict.against_ours(outcome)
    if outcome.plot != "curve":
        return ours
    ends = {place for one in ours for place in (one.at,) if place in _ends(outcome)}
    return [one for one in ours if one.at in ends or one.goal is not None]


def _ends(outcome: Outcome) -> Sequence[float | None]:
    places = [row.at for row in outcome.rows if row.at is not None]
    return (min(places), max(places)) if places else (None,)


def _words(verdict: Verdict) -> Text:
    bad = verdict.goal_met is False or verdict.better is False
    return Text(verdict.words, style="bold red" if bad else "yellow" if verdict.doubtful else "")


def _show_rest(console: Console, document: Document) -> None:
    reasons: dict[str, list[str]] = {}
    for name, why in document.left_out.items():
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        console.print(Text(f"left out: {', '.join(names)}: {why}", style="yellow"))
    method = {key: one for key, one in document.method.items() if key in _TOLD and one is not None}
    facts = ", ".join(f"{key.replace('_', ' ')}: {one}" for key, one in method.items())
    where = document.environment
    console.print(
        Text(f"{facts}. Python {where.get('python')}, {where.get('cpu')}, {where.get('cores')} cores.", style="dim")
    )
    console.print(Text(summary(document), style="bold"))
