"""The tables of the benchmarks of whole pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from spanwire.cli._render import duration, make_console
from spanwire.cli.bench._pipelines import TITLES
from spanwire.cli.bench._report import show_method

if TYPE_CHECKING:
    from spanwire.cli.bench.latency import Quantiles
    from spanwire.cli.bench.latency import Result as Latency

__all__ = ["plain_table", "show_latency", "side_text"]


def show_latency(results: Sequence[Latency], method: Mapping[str, object], *, color: bool) -> None:
    """A line a scenario and side, and under it what the clock alone said."""
    console = make_console(color=color)
    table = plain_table("How long span.end() takes", "", "", "p50", "p99", "p99.9", "maximum", "delivered")
    shown = ""
    for one in results:
        first = one.scenario.name != shown
        shown = one.scenario.name
        delivered = "" if one.delivered is None else f"{one.delivered / one.ends:.1%}"
        table.add_row(
            Text(shown if first else "", style="bold"),
            side_text(one.side),
            *_quantiles(one.times),
            delivered,
            style="green" if one.side == "spanwire" else "",
        )
        table.add_row("", Text("clock alone", style="dim"), *_quantiles(one.clock), "", style="dim")
    console.print(table)
    console.print()
    for scenario in dict.fromkeys(one.scenario for one in results):
        console.print(Text(f"{scenario.name}: {scenario.what}.", style="dim"), soft_wrap=True)
    show_method(console, method)


def _quantiles(of: Quantiles) -> list[str]:
    return [duration(float(value)) for value in (of.p50, of.p99, of.p999, of.maximum)]


def plain_table(title: str, *headings: str) -> Table:
    """Names to the left, figures to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", vertical="bottom", no_wrap=True)
    return table


def side_text(side: str) -> Text:
    """As the tables name it."""
    return Text(TITLES.get(side, side), style="bold green" if side == "spanwire" else "")
