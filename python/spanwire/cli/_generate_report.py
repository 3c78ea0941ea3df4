"""What ``spanwire generate`` tells: how far it is, and in the end what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from typing_extensions import Self

    from spanwire.cli._generate_run import Plan, Tally

__all__ = ["Progress", "document", "show"]

_TELL_SECONDS = 1.0


class Progress:
    """A bar on a terminal, elsewhere a line a second."""

    def __init__(self, console: Console, plan: Plan) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = console
        self._plan = plan
        self._last = (0.0, 0)
        self._told = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
            )
            goal = plan.count or plan.seconds
            self._task = self._bar.add_task("", total=goal)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, tally: Tally) -> None:
        """How far it is."""
        if self._bar is not None:
            done = tally.made if self._plan.count else tally.seconds
            self._bar.update(self._task, completed=done, description=self._line(tally))
        elif time.monotonic() - self._told >= _TELL_SECONDS:
            self._told = time.monotonic()
            line = self._line(tally)
            if line != self._said:
                self._said = line
                self._console.print(line, soft_wrap=True)

    def _line(self, tally: Tally) -> str:
        seconds, made = self._last
        if tally.seconds - seconds >= _TELL_SECONDS / 2:
            self._rate = (tally.made - made) / (tally.seconds - seconds)
            self._last = (tally.seconds, tally.made)
        lost = sum(tally.lost.values())
        rate = f", {self._rate:,.0f} spans/s" if self._rate else ""
        return f"{tally.made:,} spans{rate}" + (f", {lost:,} lost" if lost else "")

    _rate = 0.0
    _said = ""


def document(plan: Plan, processes: int, tally: Tally, interrupted: bool) -> dict[str, object]:
    """The report for programs."""
    seconds = tally.seconds or float("inf")
    return {
        "command": "generate",
        "schema": 1,
        "seed": plan.seed,
        "processes": processes,
        "spans": tally.made,
        "delivered": tally.delivered,
        "lost": tally.lost,
        "error": tally.error,
        "interrupted": interrupted,
        "requests": tally.requests,
        "retries": tally.retries,
        "bytes": tally.bytes,
        "seconds": tally.seconds,
        "spans_per_second": tally.delivered / seconds,
        "latency_seconds": {name: tally.latencies.percentile(percent) for name, percent in _PERCENTILES.items()}
        if len(tally.latencies)
        else None,
        "cpu_seconds": tally.cpu_seconds,
        "cpu_ns_per_span": tally.cpu_seconds / tally.made * 1e9 if tally.made else None,
    }


_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0}


def show(console: Console, plan: Plan, processes: int, tally: Tally) -> None:
    """The report for people."""
    from rich.table import Table

    from spanwire.cli._render import duration

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    size = tally.bytes / tally.made if tally.made else 0
    table.add_row("spans", f"{tally.made:,} of {size:,.0f} bytes, in {tally.requests:,} requests")
    table.add_row("delivered" if plan.output is None else "written", f"{tally.delivered:,}")
    if tally.lost:
        table.add_row("lost", ", ".join(f"{reason} {spans:,}" for reason, spans in tally.lost.items()), style="red")
    if tally.retries:
        table.add_row("retries", f"{tally.retries:,}")
    if tally.seconds:
        rate = tally.delivered / tally.seconds
        asked = "" if plan.rate is None else f" (asked for: {plan.rate:,.0f})"
        table.add_row("rate", f"{rate:,.0f} spans/s for {tally.seconds:,.2f} s{asked}", style="green")
    if len(tally.latencies):
        parts = (
            f"{name} {duration(tally.latencies.percentile(percent) * 1e9)}" for name, percent in _PERCENTILES.items()
        )
        table.add_row("latency", "a request " + ", ".join(parts))
    if tally.made and tally.seconds:
        cores = tally.cpu_seconds / tally.seconds
        of = "" if processes == 1 else f" of {processes} processes"
        table.add_row("CPU", f"{duration(tally.cpu_seconds / tally.made * 1e9)} a span, {cores:.2f} cores{of}")
    table.add_row("seed", f"{plan.seed}")
    console.print(table)
