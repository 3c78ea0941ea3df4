"""``spanwire demo``: the same program traced in three ways, side by side, each into a receiver of its own.

The SDK with the official exporter, the SDK with ours, and spanwire alone. It shows one received trace, counts what was made and
what arrived, compares the trees that each way sends (exit status 1 unless all is equal), and gives each way's CPU a span.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire.cli._shop_run import WAYS, Comparison, Outcome, Pipeline, Way, compare_trees, run

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire.cli._measure._costs import Costs
    from spanwire.sink import Sink
    from spanwire.sink._trees import Trace

__all__ = ["demo"]

NO_OFFICIAL = (
    "spanwire demo: without the official exporter, which is not installed: "
    "pip install opentelemetry-exporter-otlp-proto-http"
)


class Choice(str, Enum):
    """Which tracer makes the spans."""

    native = "native"
    sdk = "sdk"
    both = "both"


_WAYS: dict[Choice, tuple[Way, ...]] = {
    Choice.native: ("spanwire",),
    Choice.sdk: ("sdk", "exporter"),
    Choice.both: ("sdk", "exporter", "spanwire"),
}


def demo(
    spans: Annotated[int, typer.Option(min=1, help="Spans to make in each way, at least.")] = 10_000,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Run each way for so long instead.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Customers at the same time.")] = 4,
    reject: Annotated[
        int, typer.Option(min=0, help="Let the backend reject so many spans, to see that it is told.")
    ] = 0,
    tracer: Annotated[
        Choice, typer.Option(help="Only the ways with this tracer: the SDK's (with both exporters) or ours.")
    ] = Choice.both,
    cpu: Annotated[bool, typer.Option(help="Measure the CPU a span of each way.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """See it work: a traced web shop in three ways; what was sent, what arrived, what it cost."""
    from spanwire.cli import _surroundings
    from spanwire.cli._measure._run import Lost
    from spanwire.cli._render import TraceView, make_console
    from spanwire.sink import Sink

    _surroundings.forget()
    console = make_console(color=color)
    ways = _installed(_WAYS[tracer])
    outcomes: dict[Way, Outcome] = {}
    traces: list[Trace] = []
    comparison: Comparison | None = None
    costs: Costs | None = None
    if not as_json:
        console.print("[bold]A tea shop[/]: two HTTP servers, a database and customers, traced in turn by")
        for way in ways:
            console.print(f"  [bold{' green' if way == 'spanwire' else ''}]{way:<8}[/]  {WAYS[way]}")
        console.print()
    try:
        for way in ways:
            with Sink() as sink:
                if reject:
                    sink.inject(rejected=reject, message="rejected as --reject asked for")
                pipeline = Pipeline(way, sink)
                goal = spans if seconds is None else None
                with _progress(console, way, pipeline, sink, goal, shown=not as_json):
                    outcomes[way] = run(sink, pipeline, spans=spans, seconds=seconds, workers=workers)
                traces = sink.traces()
        if len(ways) > 1:
            comparison = compare_trees(ways)
        if cpu:
            costs = _cpu(ways, traces, console, shown=not as_json)
    except (OSError, http.client.HTTPException, Lost) as error:
        print(f"spanwire demo: the shop broke down: {error!r}", file=sys.stderr)
        raise typer.Exit(1) from error
    if as_json:
        print(json.dumps(_document(outcomes, comparison, costs), indent=2))
    else:
        if traces:
            console.print(TraceView(_example(traces)))
            console.print()
        _show(console, outcomes, comparison, costs)
    failures = [f"{WAYS[way]}: {_verdict(outcome)}" for way, outcome in outcomes.items() if outcome.lost]
    if comparison is not None and comparison.difference is not None:
        failures.append(f"the trees differ: {comparison.difference}")
    for failure in failures:
        print(f"spanwire demo: {failure}", file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _installed(ways: Sequence[Way]) -> list[Way]:
    """Without the official exporter's, with a line that says so, where that is not installed."""
    if "sdk" not in ways or _has_official_exporter():
        return list(ways)
    print(NO_OFFICIAL, file=sys.stderr)
    return [way for way in ways if way != "sdk"]


def _has_official_exporter() -> bool:
    """Whether it is installed; it is not imported."""
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ImportError:  # of a package around it
        return False


def _example(traces: Sequence[Trace]) -> Trace:
    """The largest trace in which something failed, else the largest."""
    from spanwire.cli._render import failed

    return max(traces, key=lambda one: (any(map(failed, one.spans)), len(one.spans)))


def _cpu(ways: Sequence[Way], traces: Sequence[Trace], console: Console, *, shown: bool) -> Costs | None:
    from spanwire.cli._measure import _run

    if not shown or not console.is_terminal:
        return _run.measure(ways, traces, lambda steps: None)
    from rich.progress import Progress

    with Progress(console=console, transient=True, refresh_per_second=4) as live:
        task = live.add_task("CPU a span", total=len(ways) * _run.ROUNDS)
        return _run.measure(ways, traces, lambda steps: live.advance(task, steps))


@contextmanager
def _progress(
    console: Console, way: Way, pipeline: Pipeline, sink: Sink, goal: int | None, *, shown: bool
) -> Iterator[None]:
    """One live line on a terminal, elsewhere a line a second."""
    begin = time.monotonic()

    def line() -> str:
        of = f" of {goal:,}" if goal else ""
        took = time.monotonic() - begin
        return f"{way}: {pipeline.made:,}{of} spans made, {sink.span_count:,} received, {took:.1f} s"

    if not shown:
        yield
    elif console.is_terminal:
        from rich.live import Live
        from rich.spinner import Spinner

        spinner = Spinner("line" if console.options.ascii_only else "dots", style="green")

        def draw() -> Spinner:
            spinner.update(text=line())
            return spinner

        with Live(get_renderable=draw, console=console, refresh_per_second=12, transient=True):
            yield
    else:
        done = threading.Event()

        def tell() -> None:
            while not done.wait(1.0):
                console.print(line())

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            done.set()
            teller.join()


def _verdict(outcome: Outcome) -> str:
    if not outcome.lost:
        return "nothing lost"
    from spanwire import stats

    what = f"{outcome.lost:,} spans lost" if outcome.lost > 0 else f"{-outcome.lost:,} spans came twice"
    reports = [
        ", ".join(
            [*(f"{reason} {count:,}" for reason, count in one["dropped"].items()), f"last error: {one['last_error']}"]
        )
        for one in stats()["traces"].values()
        if one["dropped"] or one["last_error"]
    ]
    why = "; ".join(reports) or "the exporter delivered what it was given: the queue was full, or flushing too slow"
    return f"{what}: {outcome.made:,} made, {outcome.received:,} received ({why})"


def _document(outcomes: dict[Way, Outcome], comparison: Comparison | None, costs: Costs | None) -> dict[str, object]:
    """The last way's figures at the top, and each one's below its name."""
    each = {
        way: {
            "what": WAYS[way],
            "sent": outcome.made,
            "received": outcome.received,
            "lost": outcome.lost,
            "traces": outcome.traces,
            "failed_spans": outcome.failed_spans,
            "requests": outcome.requests,
            "seconds": outcome.seconds,
            "spans_per_second": outcome.made / outcome.seconds,
            "bytes_per_span": outcome.bytes_a_span,
        }
        for way, outcome in outcomes.items()
    }
    return {
        "command": "demo",
        "schema": 1,
        **list(each.values())[-1],
        "ways": each,
        "same_trees": None
        if comparison is None
        else {
            "same": comparison.difference is None,
            "traces": comparison.traces,
            "spans": comparison.spans,
            "difference": comparison.difference,
        },
        "cpu_ns_per_span": None if costs is None else costs.as_json(),
    }


def _show(console: Console, outcomes: dict[Way, Outcome], comparison: Comparison | None, costs: Costs | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from spanwire.cli._render import bar, duration

    ascii_only = console.options.ascii_only
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("", "sent", "received", "", "requests", "CPU a span", "", ""):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    longest = max((cost.minimum for cost in costs.ways), default=0.0) if costs is not None else 0.0
    for way, outcome in outcomes.items():
        ours = way == "spanwire"
        cost = None if costs is None else costs.of(way)
        ratio = None if costs is None or way == "sdk" else costs.sdk_times(way)
        verdict = Text(_verdict(outcome).partition(":")[0], style="bold red" if outcome.lost else "bold green")
        style = "bold green" if ours else ""
        table.add_row(
            Text(way, style=style or "bold"),
            f"{outcome.made:,}",
            f"{outcome.received:,}",
            verdict,
            f"{outcome.requests:,}",
            Text("" if cost is None else duration(cost.minimum), style=style),
            Text("" if cost is None else bar(cost.minimum, longest, 10, ascii_only=ascii_only), style=style),
            Text("" if ratio is None else f"1/{ratio:.{0 if ratio >= 99.5 else 1}f}", style=style),
        )
    console.print(table)
    last = list(outcomes.values())[-1]
    console.print(
        f"\n{last.traces:,} traces, {last.failed_spans:,} failed spans, {last.bytes_a_span:,.0f} bytes a span, "
        f"{last.made / last.seconds:,.0f} spans/s",
        soft_wrap=True,
    )
    if comparison is not None:
        same = comparison.difference is None
        console.print(
            Text.assemble(
                "same trees in each way: ",
                (f"yes, {comparison.traces} traces, {comparison.spans} spans", "bold green")
                if same
                else ("no", "bold red"),
            )
        )
    if costs is not None:
        console.print(
            Text(
                "CPU: some of these spans made, batched, encoded and delivered again and again",
                style="dim",
            )
        )
