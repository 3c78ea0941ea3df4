"""The tables of ``spanwire bench trace``: a line a case, then what the goals came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from spanwire.cli._render import duration, make_console
from spanwire.cli.bench._report import show_method, times
from spanwire.cli.bench._trace_cases import TOLERANCE

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire.cli.bench._measure import Figure
    from spanwire.cli.bench.trace import Result

__all__ = ["show_trace"]

_TITLES = {
    "span": "CPU a span",
    "attribute": "An attribute: span.set_attribute, and reading back",
    "detail": "Events, links, exceptions, status, name: a call",
    "current": "What is current, and what a span is: a call",
}


def show_trace(results: Sequence[Result], method: Mapping[str, object], *, color: bool) -> None:
    """Minimum / median of both sides, the ratios of both, notes, and a verdict for each goal."""
    console = make_console(color=color)
    for group, title in _TITLES.items():
        rows = [one for one in results if one.case.group == group]
        if rows:
            console.print(_table(title, rows, console))
            console.print()
    for one in results:
        if one.case.note:
            console.print(Text(f"{one.case.name}: {one.case.note}.", style="dim"), soft_wrap=True)
    goals = [one for one in results if one.case.goal is not None]
    if goals:
        console.print()
    for one in goals:
        console.print(_verdict(one, console.options.ascii_only), soft_wrap=True)
    show_method(console, method)


def _table(title: str, rows: Sequence[Result], console: Console) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), pad_edge=False)
    ascii_only = console.options.ascii_only
    table.add_column("")
    for heading in ("official, minimum\nand median", "spanwire", "ratio", "of\nmedians"):
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for one in rows:
        both = one.times
        table.add_row(
            Text(one.case.what),
            _both(both.official),
            Text(_both(both.spanwire), style="green"),
            Text(times(both.ratio_of_minima, ascii_only), style="bold green"),
            times(both.ratio_of_medians, ascii_only),
        )
    return table


def _both(figure: Figure) -> str:
    return f"{duration(figure.minimum)} {duration(figure.median):>8}"


def _verdict(one: Result, ascii_only: bool) -> Text:
    goal, ratio = one.case.goal, one.times.ratio_of_minima
    assert goal is not None
    if goal > 1:
        shown, asked = times(ratio, ascii_only), f"{'>=' if ascii_only else '≥'} {goal:g}"
    else:
        shown, asked = f"{ratio:.2f}{'x' if ascii_only else '×'}", f"no slower, but for {TOLERANCE:.0%} of noise"
    word, style = ("met", "green") if one.met else ("NOT met", "bold red")
    return Text.assemble(f"{one.case.name}: {shown} (goal: {asked}) ", (word, style))
