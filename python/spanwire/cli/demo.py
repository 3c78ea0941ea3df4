"""``spanwire demo``: a real program, traced by the stock SDK, exported by spanwire, received by an embedded sink.

It shows one received trace, counts what was made and what arrived (exit status 1 unless equal), and gives the CPU that
exporting these spans takes, beside the official exporter's where that is installed.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
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
    watch: Callable[[Counter, Sink], object] = lambda counter, sink: None,
) -> Outcome:
    """Run the shop until ``spans`` were made (or for ``seconds``), flush, and count. ``watch`` is called meanwhile."""
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
        watch(counter, sink)
        return time.monotonic() < end if seconds is not None else counter.made < spans

    try:
        with _shop.Shop(provider) as shop:
            shop.serve(workers, go_on)
        provider.force_flush(int(FLUSH_SECONDS * 1000))
        took = time.monotonic() - begin
    finally:
        provider.shutdown()
    watch(counter, sink)
    return _count(sink, counter.made, took)


def _count(sink: Sink, made: int, seconds: float) -> Outcome:
    requests = sink.requests()
    in_memory = sum(request.span_count for request in requests)
    traces = sink.traces()
    return Outcome(
        made=made,
        received=sink.span_count,
        requests=sink.request_count,
        seconds=seconds,
        bytes_a_span=sum(request.wire_size for request in requests) / in_memory if in_memory else 0.0,
        traces=len(traces),
        failed_spans=sum(span.status.code == 2 for trace in traces for span in trace.spans),
    )
