"""``spanwire demo``: a real program, traced by the stock SDK, exported by spanwire, received by an embedded sink.

It shows one received trace, counts what was made and what arrived (exit status 1 unless equal), and gives the CPU that
exporting these spans takes, beside the official exporter's where that is installed.
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
from typing import TYPE_CHECKING, Annotated

import typer
from opentelemetry.sdk.trace import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from rich.console import Console

    from spanwire._trace_tree import Trace
    from spanwire.cli.bench._measure import Figure
    from spanwire.sink import Sink

__all__ = ["Outcome", "demo", "run"]

QUEUE_SPANS = 1 << 16  # the SDK's processor drops what exceeds it; the demo is to lose nothing
DELAY_MS = 200
KEPT_SPANS = 16 * 512  # of the program's, to measure with
BATCH = 512
ROUNDS = 5
FLUSH_SECONDS = 10.0
OFFICIAL_HINT = "pip install opentelemetry-exporter-otlp-proto-http to see the official exporter's CPU beside it"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the program made and what the sink received."""

    made: int
    received: int
    requests: int
    seconds: float
    bytes_a_span: float
    traces: int
    failed_spans: int

    @property
    def lost(self) -> int:
        """Negative if more came than was made: a retry after an answer that got lost."""
        return self.made - self.received


class Counter(SpanProcessor):
    """Counts every span that ends, and keeps the first of them to measure with."""

    def __init__(self, keep: int) -> None:
        self.made = 0
        self.kept: list[ReadableSpan] = []
        self._keep = keep
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Called by the SDK in the thread that ends the span."""
        with self._lock:
            self.made += 1
            if len(self.kept) < self._keep:
                self.kept.append(span)


def run(
    sink: Sink,
    counter: Counter,
    *,
    spans: int,
    seconds: float | None,
    workers: int,
) -> Outcome:
    """Run the shop until ``spans`` were made (or for ``seconds``), flush, and count."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider, sampling
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from spanwire.cli import _shop
    from spanwire.exporter.http import OTLPSpanExporter

    provider = TracerProvider(
        sampler=sampling.ALWAYS_ON, resource=Resource.create(_shop.RESOURCE), shutdown_on_exit=False
    )
    provider.add_span_processor(counter)
    provider.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(endpoint=sink.traces_endpoint),
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=DELAY_MS,
            max_export_batch_size=BATCH,
        )
    )
    begin = time.monotonic()
    end = float("inf") if seconds is None else begin + seconds

    def go_on() -> bool:
        return time.monotonic() < end if seconds is not None else counter.made < spans

    try:
        with _shop.Shop(provider) as shop:
            shop.serve(workers, go_on)
        provider.force_flush(int(FLUSH_SECONDS * 1000))
        took = time.monotonic() - begin
    finally:
        provider.shutdown()
    return _count(sink, counter.made, took)


def demo(
    spans: Annotated[int, typer.Option(min=1, help="Spans to make, at least.")] = 10_000,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Run for so long instead.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Customers at the same time.")] = 4,
    reject: Annotated[
        int, typer.Option(min=0, help="Let the backend reject so many spans, to see that it is told.")
    ] = 0,
    cpu: Annotated[bool, typer.Option(help="Measure CPU a span.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """See it work: a traced web shop, our exporter, a receiver; what was sent, what arrived, what it cost."""
    from spanwire.cli import _surroundings
    from spanwire.cli._render import TraceView, make_console
    from spanwire.sink import Sink

    _surroundings.forget()
    console = make_console(color=color)
    counter = Counter(KEPT_SPANS if cpu else 0)
    with Sink() as sink:
        if reject:
            sink.inject(rejected=reject, message="rejected as --reject asked for")
        if not as_json:
            console.print(
                "[bold]A tea shop[/]: two HTTP servers, a database and customers, traced by the OpenTelemetry SDK, "
                f"exported by [bold green]spanwire[/] to a receiver at {sink.http_endpoint}.\n"
            )
        with _progress(console, counter, sink, spans if seconds is None else None, shown=not as_json):
            try:
                outcome = run(sink, counter, spans=spans, seconds=seconds, workers=workers)
            except (OSError, http.client.HTTPException) as error:
                print(f"spanwire demo: the shop broke down: {error!r}", file=sys.stderr)
                raise typer.Exit(1) from error
        example = _example(sink.traces())
    costs = _cpu(counter.kept) if cpu else None
    if as_json:
        print(json.dumps(_document(outcome, costs), indent=2))
    else:
        if example is not None:
            console.print(TraceView(example))
            console.print()
        _show(console, outcome, costs)
    if outcome.lost:
        print(f"spanwire demo: {_verdict(outcome)}", file=sys.stderr)
        raise typer.Exit(1)


def _count(sink: Sink, made: int, seconds: float) -> Outcome:
    requests = sink.requests()
    in_memory = sum(request.span_count for request in requests)
    traces = sink.traces()
    from spanwire.cli._render import failed

    return Outcome(
        made=made,
        received=sink.span_count,
        requests=sink.request_count,
        seconds=seconds,
        bytes_a_span=sum(request.wire_size for request in requests) / in_memory if in_memory else 0.0,
        traces=len(traces),
        failed_spans=sum(failed(span) for trace in traces for span in trace.spans),
    )


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
    from spanwire.cli.bench._measure import Figure, collector_off, cores, pinned
    from spanwire.cli.bench.export import export_all
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
def _progress(console: Console, counter: Counter, sink: Sink, goal: int | None, *, shown: bool) -> Iterator[None]:
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
    why = (
        "; ".join(reports) or "the exporter delivered what it was given: the SDK's queue was full, or flushing too slow"
    )
    return f"{what}: {outcome.made:,} made, {outcome.received:,} received ({why})"


def _document(outcome: Outcome, costs: Costs | None) -> dict[str, object]:
    return {
        "command": "demo",
        "schema": 1,
        "sent": outcome.made,
        "received": outcome.received,
        "lost": outcome.lost,
        "traces": outcome.traces,
        "failed_spans": outcome.failed_spans,
        "requests": outcome.requests,
        "seconds": outcome.seconds,
        "spans_per_second": outcome.made / outcome.seconds,
        "bytes_per_span": outcome.bytes_a_span,
        "exporter_cpu_ns_per_span": None
        if costs is None
        else {
            "spanwire": asdict(costs.spanwire),
            "official": None if costs.official is None else asdict(costs.official),
            "ratio_of_minima": None if costs.official is None else costs.official.minimum / costs.spanwire.minimum,
        },
    }


def _show(console: Console, outcome: Outcome, costs: Costs | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from spanwire.cli._render import bar, duration

    ascii_only = console.options.ascii_only
    table = Table.grid(padding=(0, 2))
    table.add_row("sent", Text(f"{outcome.made:,} spans", style="bold"))
    verdict = Text(_verdict(outcome).partition(":")[0], style="bold red" if outcome.lost else "bold green")
    table.add_row("received", Text.assemble((f"{outcome.received:,} spans", "bold"), "  ", verdict))
    table.add_row(
        "", f"{outcome.traces:,} traces, {outcome.failed_spans:,} failed spans, {outcome.requests:,} requests"
    )
    table.add_row("throughput", f"{outcome.made / outcome.seconds:,.0f} spans/s, the shop's own work included")
    table.add_row("size", f"{outcome.bytes_a_span:,.0f} bytes a span")
    if costs is not None:
        largest = (costs.official or costs.spanwire).minimum
        sides = [("CPU a span", "spanwire", costs.spanwire, "bold green")]
        if costs.official is not None:
            sides.append(("to export", "official", costs.official, ""))
        for heading, name, figure, style in sides:
            row = Text(f"{name} {duration(figure.minimum):>8} ", style=style)
            row.append(bar(figure.minimum, largest, 30, ascii_only=ascii_only), style=style)
            if name == "spanwire" and costs.official is not None:
                ratio = costs.official.minimum / costs.spanwire.minimum
                row.append(f"  1/{ratio:.0f} of the official exporter's")
            table.add_row(heading, row)
        if costs.official is None:
            table.add_row("", Text(OFFICIAL_HINT, style="dim"))
    console.print(table)
