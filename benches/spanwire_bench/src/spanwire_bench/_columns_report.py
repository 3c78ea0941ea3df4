"""The table of ``bench columns``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from spanwire.cli.toolkit import duration, make_console
from spanwire_bench._pipelines_report import plain_table, verdict
from spanwire_bench._report import show_method, times
from spanwire_bench.columns import GOALS, Memory, Result

__all__ = ["show"]


def show(results: Sequence[Result], peak: Memory, method: Mapping[str, object], *, color: bool) -> None:
    """A line a layout and number of rows, and a verdict on each goal."""
    console = make_console(color=color)
    ascii_only = console.options.ascii_only
    table = plain_table(
        "CPU a span of W5: columns to requests and back",
        *("layout", "rows", "official\nencoder", "encode", "median", "ratio", "two\nthreads"),
        *("official\nparser", "decode", "ratio", "GB/s"),
    )
    shown = ""
    for one in results:
        table.add_row(
            Text(one.layout if one.layout != shown else "", style="bold"),
            f"{one.rows:,}",
            duration(one.encode.official.minimum),
            Text(duration(one.encode.spanwire.minimum), style="green"),
            duration(one.encode.spanwire.median),
            Text(times(one.encode.ratio_of_minima, ascii_only), style="bold green"),
            times(one.speedup, ascii_only),
            duration(one.decode.official.minimum),
            Text(duration(one.decode.spanwire.minimum), style="green"),
            Text(times(one.decode.ratio_of_minima, ascii_only), style="bold green"),
            f"{one.gigabytes:.2f}",
        )
        shown = one.layout
    console.print(table)
    console.print()
    at_least = ">=" if ascii_only else "≥"
    at_most = "<=" if ascii_only else "≤"
    least = min(results, key=lambda one: one.encode.ratio_of_minima)
    what = f"encode, {least.layout} and {least.rows:,} rows: {times(least.encode.ratio_of_minima, ascii_only)}"
    met = least.encode.ratio_of_minima >= GOALS["encode"]
    console.print(verdict(what, f"{at_least} {GOALS['encode']:g}", met), soft_wrap=True)
    slowest = min(results, key=lambda one: one.gigabytes)
    what = f"decode, {slowest.layout} and {slowest.rows:,} rows: {slowest.gigabytes:.2f} GB/s"
    met = slowest.gigabytes >= GOALS["gigabytes"]
    console.print(verdict(what, f"{at_least} {GOALS['gigabytes']:g}", met), soft_wrap=True)
    most = max(results, key=lambda one: one.rows)
    what = f"two threads, {most.layout} and {most.rows:,} rows: {times(most.speedup, ascii_only)}"
    console.print(verdict(what, f"{at_least} {GOALS['threads']:g}", most.speedup >= GOALS["threads"]), soft_wrap=True)
    what = f"peak memory, {peak.rows:,} rows: {peak.times_output:.3f} times the output"
    met = peak.times_output <= GOALS["memory"]
    console.print(verdict(what, f"{at_most} {GOALS['memory']:g}", met), soft_wrap=True)
    show_method(console, method)
