"""``spanwire demo``: a real program, traced by the native tracer and by the stock SDK, exported by spanwire, received by a sink.

It shows one received trace, counts what was made and what arrived, compares the trees of both tracers (exit status 1 unless
all is equal), and gives the CPU that exporting the SDK's spans takes, beside the official exporter's where that is installed.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire.cli._shop_run import BATCH, Comparison, Counter, Outcome, QueueCounter, Tracer, compare_trees, run

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from rich.console import Console

    from spanwire._trace_tree import Trace
    from spanwire.cli.bench._measure import Figure
    from spanwire.sink import Sink

__all__ = ["demo"]

KEPT_SPANS = 16 * 512  # of the program's, to measure with
ROUNDS = 5
OFFICIAL_HINT = "pip install opentelemetry-exporter-otlp-proto-http to see the official exporter's CPU beside it"


class Choice(str, Enum):
    """Which tracer makes the spans."""

    native = "native"
    sdk = "sdk"
    both = "both"


_NAMES: dict[Choice, tuple[Tracer, ...]] = {
    Choice.native: ("native",),
    Choice.sdk: ("sdk",),
    Choice.both: ("sdk", "native"),
}
_TRACED_BY = {
    Choice.native: "spanwire's native tracer",
    Choice.sdk: "the OpenTelemetry SDK",
    Choice.both: "the OpenTelemetry SDK and then by spanwire's native tracer",
}


def demo(
    spans: Annotated[int, typer.Option(min=1, help="Spans to make, at least.")] = 10_000,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Run for so long instead.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Customers at the same time.")] = 4,
    reject: Annotated[
        int, typer.Option(min=0, help="Let the backend reject so many spans, to see that it is told.")
    ] = 0,
    tracer: Annotated[Choice, typer.Option(help="Who makes the spans; both: in turn, and compared.")] = Choice.both,
    cpu: Annotated[bool, typer.Option(help="Measure the CPU a span of exporting the SDK's spans.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """See it work: a traced web shop, our exporter, a receiver; what was sent, what arrived, what it cost."""
    from spanwire.cli import _surroundings
    from spanwire.cli._render import TraceView, make_console
    from spanwire.sink import Sink

    _surroundings.forget()
    console = make_console(color=color)
    counter = Counter(KEPT_SPANS if cpu and tracer is not Choice.native else 0)
    outcomes: dict[Tracer, Outcome] = {}
    example: Trace | None = None
    comparison: Comparison | None = None
    if not as_json:
        console.print(
            "[bold]A tea shop[/]: two HTTP servers, a database and customers, traced by "
            f"{_TRACED_BY[tracer]}, exported by [bold green]spanwire[/] to a receiver.\n"
        )
    try:
        for name in _NAMES[tracer]:
            counts = counter if name == "sdk" else QueueCounter()
            with Sink() as sink:
                if reject:
                    sink.inject(rejected=reject, message="rejected as --reject asked for")
                with _progress(console, counts, sink, spans if seconds is None else None, shown=not as_json):
                    outcomes[name] = run(sink, counts, spans=spans, seconds=seconds, workers=workers)
                example = _example(sink.traces())
        if tracer is Choice.both:
            comparison = compare_trees()
    except (OSError, http.client.HTTPException) as error:
        print(f"spanwire demo: the shop broke down: {error!r}", file=sys.stderr)
        raise typer.Exit(1) from error
    costs = _cpu(counter.kept) if counter.kept else None
    if as_json:
        print(json.dumps(_document(outcomes, comparison, costs), indent=2))
    else:
        if example is not None:
            console.print(TraceView(example))
            console.print()
        _show(console, outcomes, comparison, costs)
    failures = [f"{name} tracer: {_verdict(outcome)}" for name, outcome in outcomes.items() if outcome.lost]
    if comparison is not None and comparison.difference is not None:
        failures.append(f"the native tracer's trees differ from the SDK's: {comparison.difference}")
    for failure in failures:
        print(f"spanwire demo: {failure}", file=sys.stderr)
    if failures:
        raise typer.Exit(1)


def _example(traces: Sequence[Trace]) -> Trace | None:
    """The largest trace in which something failed, else the largest."""
    from spanwire.cli._render import failed

    return max(traces, key=lambda one: (any(map(failed, one.spans)), len(one.spans)), default=None)


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU in ns a span of the exporters alone; ``official`` is None where it is not installed."""

    spanwire: Figure
    official: Figure | None


def _cpu(kept: Sequence[ReadableSpan]) -> Costs | None:
    """Export the shop's own spans again, by both exporters in turn, to a sink in another process."""
    from spanwire.cli._sink_process import SinkProcess
    from spanwire.cli.bench._exporting import export_all
    from spanwire.cli.bench._measure import Figure, collector_off, cores, pinned
    from spanwire.exporter.http import OTLPSpanExporter

    work = [kept[first : first + BATCH] for first in range(0, len(kept), BATCH)]
    work = [batch for batch in work if len(batch) == BATCH] or work
    if not work:
        return None
    sender, receiver = (cores()[-1], cores()[0]) if len(cores()) > 1 else (None, None)
    with pinned(sender), SinkProcess(receiver) as sink:
        exporters: list[SpanExporter] = [OTLPSpanExporter(endpoint=sink.endpoint)]
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
        except ImportError:
            pass
        else:
            exporters.append(OfficialExporter(endpoint=sink.endpoint))
        samples: list[list[float]] = [[] for _ in exporters]
        try:
            with collector_off():
                for number in range(ROUNDS + 1):
                    for exporter, figures in zip(exporters, samples, strict=True):
                        reading = export_all(exporter, work, sink)
                        if number:  # the first connects
                            figures.append(reading.cpu / sum(map(len, work)))
        finally:
            for exporter in exporters:
                exporter.shutdown()
    return Costs(Figure.of(samples[0]), Figure.of(samples[1]) if len(samples) > 1 else None)


@contextmanager
def _progress(
    console: Console, counter: Counter | QueueCounter, sink: Sink, goal: int | None, *, shown: bool
) -> Iterator[None]:
    """One live line on a terminal, elsewhere a line a second."""
    begin = time.monotonic()

    def line() -> str:
        of = f" of {goal:,}" if goal else ""
        return f"{counter.made:,}{of} spans made, {sink.span_count:,} received, {time.monotonic() - begin:.1f} s"

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


def _document(outcomes: dict[Tracer, Outcome], comparison: Comparison | None, costs: Costs | None) -> dict[str, object]:
    """The last tracer's figures at the top, and each one's below its name."""
    each = {
        name: {
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
        for name, outcome in outcomes.items()
    }
    return {
        "command": "demo",
        "schema": 1,
        **list(each.values())[-1],
        "tracers": each,
        "same_trees": None
        if comparison is None
        else {
            "same": comparison.difference is None,
            "traces": comparison.traces,
            "spans": comparison.spans,
            "difference": comparison.difference,
        },
        "exporter_cpu_ns_per_span": None
        if costs is None
        else {
            "spanwire": asdict(costs.spanwire),
            "official": None if costs.official is None else asdict(costs.official),
            "ratio_of_minima": None if costs.official is None else costs.official.minimum / costs.spanwire.minimum,
        },
    }


def _show(
    console: Console, outcomes: dict[Tracer, Outcome], comparison: Comparison | None, costs: Costs | None
) -> None:
    from rich.table import Table
    from rich.text import Text

    from spanwire.cli._render import bar, duration

    ascii_only = console.options.ascii_only
    table = Table.grid(padding=(0, 2))
    for name, outcome in outcomes.items():
        verdict = Text(_verdict(outcome).partition(":")[0], style="bold red" if outcome.lost else "bold green")
        table.add_row(
            "native tracer" if name == "native" else "SDK's tracer", Text(f"{outcome.made:,} spans sent", "bold")
        )
        table.add_row("", Text.assemble((f"{outcome.received:,} received", "bold"), "  ", verdict))
        table.add_row(
            "", f"{outcome.traces:,} traces, {outcome.failed_spans:,} failed spans, {outcome.requests:,} requests"
        )
        table.add_row(
            "",
            f"{outcome.made / outcome.seconds:,.0f} spans/s with the shop's own work, {outcome.bytes_a_span:,.0f} bytes each",
        )
    if comparison is not None:
        same = comparison.difference is None
        table.add_row(
            "same trees",
            Text(f"yes: {comparison.traces} traces, {comparison.spans} spans", "bold green")
            if same
            else Text("no", "bold red"),
        )
    if costs is not None:
        largest = (costs.official or costs.spanwire).minimum
        sides = [("CPU a span", "spanwire", costs.spanwire, "bold green")]
        if costs.official is not None:
            sides.append(("to export", "official", costs.official, ""))
        for heading, exporter, figure, style in sides:
            row = Text(f"{exporter} {duration(figure.minimum):>8} ", style=style)
            row.append(bar(figure.minimum, largest, 30, ascii_only=ascii_only), style=style)
            if exporter == "spanwire" and costs.official is not None:
                ratio = costs.official.minimum / costs.spanwire.minimum
                row.append(f"  1/{ratio:.0f} of the official exporter's")
            table.add_row(heading, row)
        if costs.official is None:
            table.add_row("", Text(OFFICIAL_HINT, style="dim"))
    console.print(table)
