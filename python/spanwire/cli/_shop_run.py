"""Runs the demo's shop with either tracer, and compares the trees that they send."""

from __future__ import annotations

import threading
import time
from collections import Counter as Multiset
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.sdk.trace import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from spanwire._trace_tree import Trace, TraceNode
    from spanwire.sink import Sink

__all__ = ["Comparison", "Counter", "Outcome", "Tracer", "compare_trees", "run"]

Tracer = Literal["native", "sdk"]

QUEUE_SPANS = 1 << 16  # the SDK's processor drops what exceeds it; the demo is to lose nothing
DELAY_MS = 200
BATCH = 512
FLUSH_SECONDS = 10.0
TOUR_VISITS = 60
# Of attributes that say on which port a server happened to be, or where in the code an error arose.
_VARYING = {"url.full", "server.port", "exception.stacktrace"}


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """The trees of the same tour of the shop, made by both tracers."""

    traces: int
    spans: int
    difference: str | None
    """The first, or None if the trees are the same."""


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


class QueueCounter:
    """What a native processor was given: counted by its queue, so that nothing of Python is asked at a span's end."""

    def __init__(self) -> None:
        self.processor: Any = None

    @property
    def made(self) -> int:
        """Spans that ended."""
        return int(self.processor._queue.counts()["accepted"]) if self.processor else 0


def run(
    sink: Sink,
    counter: Counter | QueueCounter,
    *,
    spans: int,
    seconds: float | None,
    workers: int,
) -> Outcome:
    """Run the shop until ``spans`` were made (or for ``seconds``), flush, and count. A ``Counter`` goes with the SDK's tracer."""
    from spanwire.cli import _shop

    provider = _provider(sink, counter)
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


def _provider(sink: Sink, counter: Counter | QueueCounter) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider, sampling
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from spanwire.cli import _shop
    from spanwire.exporter.http import OTLPSpanExporter

    settings: dict[str, Any] = {
        "sampler": sampling.ALWAYS_ON,
        "resource": Resource.create(_shop.RESOURCE),
        "shutdown_on_exit": False,
    }
    exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint, w3c_flags=True)
    processor: BatchSpanProcessor
    provider: TracerProvider
    if isinstance(counter, Counter):
        provider = TracerProvider(**settings)
        provider.add_span_processor(counter)
        processor = BatchSpanProcessor(
            exporter, max_queue_size=QUEUE_SPANS, schedule_delay_millis=DELAY_MS, max_export_batch_size=BATCH
        )
    else:
        from spanwire import trace
        from spanwire.trace import export

        provider = trace.TracerProvider(**settings)
        processor = counter.processor = export.BatchSpanProcessor(exporter, schedule_delay_millis=DELAY_MS)
    provider.add_span_processor(processor)
    return provider


def _count(sink: Sink, made: int, seconds: float) -> Outcome:
    from spanwire.cli._render import failed

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
        failed_spans=sum(failed(span) for trace in traces for span in trace.spans),
    )


def compare_trees() -> Comparison:
    """Take one customer through the shop, with each tracer, and compare what a sink received."""
    ours, theirs = _tour(QueueCounter()), _tour(Counter(0))
    missing, extra = _shapes(theirs) - _shapes(ours), _shapes(ours) - _shapes(theirs)
    difference = None
    if missing or extra:
        only = [f"{whose}: {shape!r}" for whose, shapes in (("the SDK", missing), ("ours", extra)) for shape in shapes]
        difference = "a tree made only by " + only[0]
    return Comparison(len(ours), sum(len(trace.spans) for trace in ours), difference)


def _tour(counter: Counter | QueueCounter) -> list[Trace]:
    from spanwire.sink import Sink

    left = iter(range(TOUR_VISITS))
    go_on: Callable[[], bool] = lambda: next(left, None) is not None  # noqa: E731 - one of two ways to say when to stop
    with Sink() as sink:
        provider = _provider(sink, counter)
        try:
            from spanwire.cli import _shop

            with _shop.Shop(provider) as shop:
                shop.serve(1, go_on)
        finally:
            provider.shutdown()
        return sink.traces()


def _shapes(traces: list[Trace]) -> Multiset[object]:
    """Trees without what differs from run to run: ids, times, ports."""
    return Multiset(_shape(root) for trace in traces for root in trace.roots)


def _shape(node: TraceNode) -> object:
    span = node.span
    return (
        span.name,
        str(span.kind),
        (str(span.status.code), span.status.message),
        span.flags,
        (span.scope_name, span.scope_version),
        _attributes(span.resource_attributes),
        _attributes(span.attributes),
        tuple((event.name, _attributes(event.attributes)) for event in span.events),
        tuple((link.flags, _attributes(link.attributes)) for link in span.links),
        tuple(sorted(map(_shape, node.children), key=repr)),
    )


def _attributes(attributes: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """In order, which is part of what is compared."""
    return tuple((key, "" if key in _VARYING else repr(value)) for key, value in attributes.items())
