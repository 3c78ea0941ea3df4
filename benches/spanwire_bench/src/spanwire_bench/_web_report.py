"""The tables of ``spanwire bench web``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from spanwire.cli.toolkit import duration, make_console
from spanwire_bench._pipelines import NAMES
from spanwire_bench._pipelines_report import plain_table, side_text, verdict
from spanwire_bench._report import show_method, times
from spanwire_bench._web_profile import GROUPS
from spanwire_bench.web import GOAL

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from spanwire_bench.web import Result

__all__ = ["show_web"]

_TITLES = {"untraced": "no tracing", "null": "null tracer"}


def show_web(results: Sequence[Result], method: Mapping[str, object], *, color: bool) -> None:
    """For each framework what a request costs, whose code it runs, and the verdict."""
    console = make_console(color=color)
    for one in results:
        console.print(_costs(one))
        console.print()
        if one.groups:
            console.print(_groups(one))
            console.print()
    for one in results:
        console.print(_said(one, console), soft_wrap=True)
    console.print(
        Text(
            "Added: beyond no tracing. Share: beyond the null tracer, which the instrumentation calls in vain, plus what those calls take "
            "by themselves. Calls alone: the same calls without requests around them. The profile is cProfile's: Python functions look dearer than they are, "
            "and neither the server, other threads (so the SDK's export) nor the kernel are in it.",
            style="dim",
        ),
        soft_wrap=True,
    )
    show_method(console, method)


def _costs(one: Result) -> Table:
    versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    table = plain_table(
        f"CPU a request: {versions}",
        *("", "minimum", "median", "added", "share", "quartiles", "calls\nalone"),
    )
    for side in one.samples:
        cpu = one.cpu(side)
        cells = [duration(cpu.minimum), duration(cpu.median)]
        if side != "untraced":
            cells.append(duration(one.added(side).median))
        if side in NAMES:
            share = one.share(side)
            quartiles = f"{share.low / 1e3:.1f} to {share.high / 1e3:.1f}"
            cells += [duration(share.median), quartiles, duration(one.alone(side).median)]
        table.add_row(_name(side), *cells, style="green" if side == "spanwire" else "")
    return table


def _name(side: str) -> Text:
    return side_text(side) if side in NAMES else Text(_TITLES[side], style="dim")


def _groups(one: Result) -> Table:
    table = plain_table("Whose code a request runs, µs under cProfile", "", *(_name(side).plain for side in one.groups))
    for group in GROUPS:
        amounts = [groups.get(group, 0.0) for groups in one.groups.values()]
        if any(amount >= 50 for amount in amounts):
            table.add_row(group, *("" if amount < 50 else f"{amount / 1e3:.1f}" for amount in amounts))
    return table


def _said(one: Result, console: Console) -> Text:
    ascii_only = console.options.ascii_only
    what = f"{one.framework}, {one.spans} span{'' if one.spans == 1 else 's'} a request: "
    if one.share_ratio is None:
        what += "our share is lost in the noise"
    else:
        shares = " and ".join(duration(one.share(side).median) for side in NAMES)
        what += f"the SDK's share and ours are {shares}, {times(one.share_ratio, ascii_only)}"
    what += f"; the calls alone {times(one.alone_ratio, ascii_only)}"
    return verdict(what, f"{'>=' if ascii_only else '≥'} {GOAL:g}", one.goal_met)
