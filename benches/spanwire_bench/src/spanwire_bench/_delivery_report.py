"""The table of ``bench export``: each side below its workload, beside the SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import bar, duration, make_console
from spanwire_bench._delivery import SIDES
from spanwire_bench._report import show_method, times

if TYPE_CHECKING:
    from spanwire_bench._delivery import Result

__all__ = ["show"]

_BAR_CELLS = 12
_NAME_AND_BAR = 30  # cells that leave 80 for the whole; the names come first
_COLUMNS = ("", "", "minimum", "median", "spread", "", "SDK ÷", "of\nmedians")


def show(results: Sequence[Result], method: Mapping[str, object], *, color: bool) -> None:
    """The table, what each side is, and a sentence a workload."""
    console = make_console(color=color)
    ascii_only = console.options.ascii_only
    table = Table(
        title="CPU a span from start to delivery, all threads", title_justify="left", title_style="bold", box=None
    )
    table.padding, table.pad_edge = (0, 1, 0, 1), False
    for heading in _COLUMNS:
        text = heading.replace("÷", "/") if ascii_only else heading
        table.add_column(text, justify="right" if text else "left", vertical="bottom", no_wrap=True)
    longest_name = max(len(side.name) for result in results for side in result.sides)
    cells = max(4, min(_BAR_CELLS, _NAME_AND_BAR - longest_name))
    for result in results:
        longest = max(side.cpu.minimum for side in result.sides)
        for number, side in enumerate(result.sides):
            ours = side.name == "spanwire"
            ratios = result.ratios(result.reference, side)
            table.add_row(
                Text("" if number else result.workload, style="bold"),
                Text(side.name, style="bold green" if ours else ""),
                duration(side.cpu.minimum),
                duration(side.cpu.median),
                f"{side.cpu.spread:.0%}",
                Text(bar(side.cpu.minimum, longest, cells, ascii_only=ascii_only), style="green" if ours else "dim"),
                Text(_times(ratios, "ratio_of_minima", ascii_only), style="bold green" if ours else ""),
                _times(ratios, "ratio_of_medians", ascii_only),
            )
    console.print(table)
    console.print()
    for name in dict.fromkeys(side.name for result in results for side in result.sides):
        console.print(Text(f"{name}: {SIDES[name]}; {_delivery(results, name)}", style="dim"), soft_wrap=True)
    if method["sender_core"] is None:
        console.print("one core: sender and receiver were not pinned apart")
    console.print()
    for result in results:
        console.print(_sentence(result, ascii_only), soft_wrap=True)
        if result.left_out:
            console.print(f"{result.workload}: left out, since they do not make it: {', '.join(result.left_out)}")
    show_method(console, method)


def _times(ratios: Mapping[str, float] | None, which: str, ascii_only: bool) -> str:
    return "" if ratios is None else times(ratios[which], ascii_only)


def _delivery(results: Sequence[Result], name: str) -> str:
    """Over all workloads that it makes."""
    sides = [side for result in results if (side := result.side(name)) is not None]
    sizes = ", ".join(f"{side.spans_a_request:,.0f}" for side in sides)
    note = f"; {sides[0].note}" if sides[0].note else ""
    return f"{sizes} spans a request; delivered all of {sum(side.delivered for side in sides):,} spans{note}"


def _sentence(result: Result, ascii_only: bool) -> str:
    ours, peer = result.side("spanwire"), result.better_peer
    parts = []
    for other, what in ((result.reference, "the SDK"), (peer, f"the better peer ({peer.name if peer else ''})")):
        ratios = result.ratios(other, ours)
        if ratios is not None:
            parts.append(f"{what} takes [bold]{times(ratios['ratio_of_minima'], ascii_only)}[/] the CPU of spanwire")
    return f"{result.workload}: {'; '.join(parts) or 'nothing to compare spanwire with'}"
