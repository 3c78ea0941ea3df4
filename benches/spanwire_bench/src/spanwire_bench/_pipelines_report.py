"""The tables of the benchmarks of whole pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from spanwire.cli.toolkit import duration, make_console
from spanwire_bench._pipelines import NAMES, TITLES
from spanwire_bench._report import show_method, times

if TYPE_CHECKING:
    from spanwire_bench._measure import Figure
    from spanwire_bench.latency import Quantiles
    from spanwire_bench.latency import Result as Latency
    from spanwire_bench.memory import Idle, Queued
    from spanwire_bench.threads import Result as Threads

__all__ = ["plain_table", "show_latency", "show_memory", "show_threads", "side_text", "verdict"]


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


def show_threads(results: Sequence[Threads], method: Mapping[str, object], *, color: bool) -> None:
    """A line a number of threads, and the verdict on the most of them."""
    from spanwire_bench.threads import GOAL

    console = make_console(color=color)
    ascii_only = console.options.ascii_only
    table = plain_table(
        "CPU a span of threads that make spans at once, until all are delivered",
        *("threads", "SDK, minimum\nand median", "times\none's", "spanwire", "times\none's", "ratio", "of\nmedians"),
    )
    for one in results:
        table.add_row(
            f"{one.threads}",
            _both(one.cpu.official),
            f"{one.of_one('official'):.2f}",
            Text(_both(one.cpu.spanwire), style="green"),
            Text(f"{one.of_one('spanwire'):.2f}", style="green"),
            Text(times(one.cpu.ratio_of_minima, ascii_only), style="bold green"),
            times(one.cpu.ratio_of_medians, ascii_only),
        )
    console.print(table)
    console.print()
    most = results[-1]
    if most.threads > 1:
        asked = f"{'<=' if ascii_only else '≤'} {GOAL:g}"
        what = f"{most.threads} threads: {most.of_one('spanwire'):.2f} times one thread's CPU"
        console.print(verdict(what, asked, most.goal_met), soft_wrap=True)
    show_method(console, method)


def show_memory(queued: Queued, idle: Sequence[Idle], method: Mapping[str, object], *, color: bool) -> None:
    """A table of what waiting spans take, one of idle processes, and the verdicts."""
    from spanwire_bench.memory import GOAL_BYTES, idle_goals

    console = make_console(color=color)
    ascii_only = console.options.ascii_only
    table = plain_table(
        f"Memory of {queued.spans:,} finished spans that nobody takes",
        *("", "MB, minimum", "median", "bytes\na span", "still\nqueued", "ratio"),
    )
    for side in NAMES:
        figure: Figure = getattr(queued.grown, side)
        waiting: int | None = getattr(queued, f"{side}_queued")
        table.add_row(
            side_text(side),
            f"{figure.minimum / 1e6:.1f}",
            f"{figure.median / 1e6:.1f}",
            f"{figure.median / queued.spans:.0f}",
            "" if waiting is None else f"{waiting:,}",
            Text(times(queued.grown.ratio_of_medians, ascii_only), style="bold green") if side == "spanwire" else "",
        )
    console.print(table)
    console.print()
    table = plain_table(
        f"A process that does nothing for {idle[0].seconds:g} s after an export",
        *("", "CPU", "switches", "threads"),
        "",
    )
    for one in idle:
        name = side_text(one.side) if one.side in NAMES else Text("no tracing", style="dim")
        table.add_row(
            name, duration(one.cpu_ns), f"{one.switches}", f"{len(one.threads)}", Text(", ".join(one.threads))
        )
    console.print(table)
    console.print()
    at_most = "<=" if ascii_only else "≤"
    if queued.goal_met is not None:
        what = f"{queued.spans:,} spans queued: {queued.grown.spanwire.median / 1e6:.1f} MB"
        console.print(verdict(what, f"{at_most} {GOAL_BYTES / 1e6:g} MB", queued.goal_met), soft_wrap=True)
    for what, (asked, met) in idle_goals(idle).items():
        console.print(verdict(what, asked, met), soft_wrap=True)
    show_method(console, method)


def verdict(what: str, asked: str, met: bool | None) -> Text:
    """``what (goal: asked) met``."""
    word, style = ("met", "green") if met else ("NOT met", "bold red")
    return Text.assemble(f"{what} (goal: {asked}) ", (word, style))


def _both(figure: Figure) -> str:
    return f"{duration(figure.minimum)} {duration(figure.median):>8}"


def plain_table(title: str, *headings: str) -> Table:
    """Names to the left, figures to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1), pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", vertical="bottom", no_wrap=True)
    return table


def side_text(side: str) -> Text:
    """As the tables name it."""
    return Text(TITLES.get(side, side), style="bold green" if side == "spanwire" else "")
