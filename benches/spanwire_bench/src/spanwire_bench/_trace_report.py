"""The tables of ``spanwire bench trace``: a line a case, then what the goals came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import bar, duration, make_console
from spanwire_bench._report import show_method, times
from spanwire_bench._trace_cases import TOLERANCE

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire_bench._costs import Profile
    from spanwire_bench._measure import Figure
    from spanwire_bench._trace_allocations import Allocations
    from spanwire_bench.trace import Result

__all__ = ["TITLES", "show_allocations", "show_profile", "show_trace"]

_TOP = 24  # functions in a table
TITLES = {
    "span": "CPU a span",
    "attribute": "An attribute: span.set_attribute, and reading back",
    "detail": "Events, links, exceptions, status, name: a call",
    "current": "What is current, and what a span is: a call",
}


def show_trace(results: Sequence[Result], method: Mapping[str, object], *, color: bool) -> None:
    """Minimum / median of both sides, the ratios of both, notes, and a verdict for each goal."""
    console = make_console(color=color)
    for group, title in TITLES.items():
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
    table = _plain(title)
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


def show_allocations(counted: Sequence[Allocations], method: Mapping[str, object], *, color: bool) -> None:
    """A line a side: calls of malloc an operation, and what many operations leave behind."""
    console = make_console(color=color)
    table = _plain("Memory allocations while creating a span")
    for heading in ("", "", "malloc\nby native", "by all", "blocks\nleft", "bytes\nleft", "bytes at\nthe peak"):
        table.add_column(heading, justify="right" if heading else "left", vertical="bottom", no_wrap=True)
    for one in counted:
        ours = one.side == "spanwire"
        style = "green" if ours else ""
        table.add_row(
            Text("" if ours else one.case, style="bold"),
            Text(one.side, style=style),
            Text(f"{one.native:.3f}", style=style),
            Text(f"{one.all:.3f}", style=style),
            f"{one.blocks_left}",
            f"{one.bytes_left}",
            f"{one.bytes_at_peak}",
        )
    console.print(table)
    for one in counted:
        if one.native_callers:
            callers = ", ".join(f"{name} {amount:.3f}" for name, amount in one.native_callers.items())
            console.print(Text(f"{one.case}, {one.side}: malloc is called by {callers}.", style="dim"), soft_wrap=True)
    console.print(
        Text(
            "By native: as the program is. By all: with every Python object from malloc. Both an operation; the rest is what "
            f"{method['operations']} of them leave or need in Python's memory. Whatever makes a span current allocates as much as context-variable; W5 also looks up an "
            "enum's member.",
            style="dim",
        ),
        soft_wrap=True,
    )
    show_method(console, method)


def show_profile(found: Sequence[Profile], method: Mapping[str, object], *, color: bool) -> None:
    """By function and by library for ours; of the other side the total."""
    console = make_console(color=color)
    totals = {(one.case, one.side, one.unit): one.total for one in found}
    for one in found:
        if one.side != "spanwire":
            continue
        table = _plain(f"{one.case}: {one.total:,.0f} {one.unit}")
        for heading in (one.unit, "", "function", "library"):
            table.add_column(heading, justify="right" if heading == one.unit else "left", no_wrap=True)
        for cost in one.costs[:_TOP]:
            share = bar(cost.amount, one.costs[0].amount, 14, ascii_only=console.options.ascii_only)
            table.add_row(
                f"{cost.amount:,.1f}",
                Text(share, style="green"),
                Text(cost.function, overflow="ellipsis"),
                Text(cost.where),
            )
        console.print(table)
        parts = ", ".join(f"{name} {amount:,.0f}" for name, amount in one.by_library().items() if amount >= 1)
        console.print(Text(f"By library: {parts}.", style="dim"), soft_wrap=True)
        if official := totals.get((one.case, "official", one.unit)):
            ratio = times(official / one.total, console.options.ascii_only)
            console.print(f"official: {official:,.0f} {one.unit}, [bold]{ratio}[/]", soft_wrap=True)
        console.print()
    show_method(console, method)


def _plain(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), pad_edge=False)
