"""Runs the demo's shop in each of the ways to trace it, and compares the trees that they send."""

from __future__ import annotations

import threading
import time
from collections import Counter as Multiset
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.sdk.trace import SpanProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

    from spanwire.sink import Sink
    from spanwire.sink._trees import Trace, TraceNode

__all__ = [
    "FLUSH_SECONDS",
    "QUEUE_SPANS",
    "WAYS",
    "Comparison",
    "Outcome",
    "Pipeline",
    "Way",
    "compare_trees",
    "make_provider",
    "run",
]

Way = Literal["sdk", "exporter", "spanwire"]
WAYS: dict[Way, str] = {
    "sdk": "the SDK with the official exporter",
    "exporter": "the SDK with spanwire's exporter",
    "spanwire": "spanwire's tracer and exporter",
}

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
    """The trees of the same tour of the shop, made in each way."""

    traces: int
    spans: int
    difference: str | None
    """The first, or None if the trees are the same."""


class Pipeline:
    """A provider that sends to ``sink`` in one of WAYS, and knows how many spans it was given."""

    def __init__(self, way: Way, sink: Sink) -> None:
        self._counter: _Counter | _QueueCounter
        self.provider = _bare_provider(way)
        processor = _processor(way, sink.traces_endpoint)
        if way == "spanwire":
            self._counter = _QueueCounter(processor)
        else:
            self._counter = _Counter()
            self.provider.add_span_processor(self._counter)
        self.provider.add_span_processor(processor)

    @property
    def made(self) -> int:
        """Spans that ended."""
        return self._counter.made


class _Counter(SpanProcessor):
    """Counts every span that ends."""

    def __init__(self) -> None:
        self.made = 0
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Called by the SDK in the thread that ends the span."""
        with self._lock:
            self.made += 1


class _QueueCounter:
    """What a native processor was given: counted by its queue, so that nothing of Python is asked at a span's end."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    @property
    def made(self) -> int:
        return int(self._processor._queue.counts()["accepted"])


def make_provider(way: Way, endpoint: str) -> TracerProvider:
    """A provider that sends to ``endpoint`` in that way, and counts nothing."""
    provider = _bare_provider(way)
    provider.add_span_processor(_processor(way, endpoint))
    return provider


def _bare_provider(way: Way) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider, sampling

    from spanwire import trace
    from spanwire.cli import _shop

    made: type[TracerProvider] = trace.TracerProvider if way == "spanwire" else TracerProvider
    return made(sampler=sampling.ALWAYS_ON, resource=Resource.create(_shop.RESOURCE), shutdown_on_exit=False)


def _processor(way: Way, endpoint: str) -> BatchSpanProcessor:
    if way == "sdk":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter

        return _sdk_processor(OfficialExporter(endpoint=endpoint))
    from spanwire.exporter.http import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, w3c_flags=True)
    if way == "exporter":
        return _sdk_processor(exporter)
    from spanwire.trace import export

    return export.BatchSpanProcessor(exporter, schedule_delay_millis=DELAY_MS)


def _sdk_processor(exporter: SpanExporter) -> BatchSpanProcessor:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(
        exporter, max_queue_size=QUEUE_SPANS, schedule_delay_millis=DELAY_MS, max_export_batch_size=BATCH
    )


def run(sink: Sink, pipeline: Pipeline, *, spans: int, seconds: float | None, workers: int) -> Outcome:
    """Run the shop until ``spans`` were made (or for ``seconds``), flush, and count."""
    from spanwire.cli import _shop

    begin = time.monotonic()
    end = float("inf") if seconds is None else begin + seconds

    def go_on() -> bool:
        return time.monotonic() < end if seconds is not None else pipeline.made < spans

    try:
        with _shop.Shop(pipeline.provider) as shop:
            shop.serve(workers, go_on)
        pipeline.provider.force_flush(int(FLUSH_SECONDS * 1000))
        took = time.monotonic() - begin
    finally:
        pipeline.provider.shutdown()
    return _count(sink, pipeline.made, took)


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


def compare_trees(ways: Sequence[Way]) -> Comparison:
    """Take one customer through the shop, in each way, and compare what a sink received with what the first one sent."""
    first, *others = ways
    theirs = _tour(first)
    for way in others:
        ours = _tour(way)
        flags = "sdk" not in {first, way}  # the official exporter leaves the W3C flags out
        expected, found = _shapes(theirs, flags), _shapes(ours, flags)
        for whose, shapes in ((first, expected - found), (way, found - expected)):
            for shape in shapes:
                return Comparison(len(ours), _spans(ours), f"{WAYS[first]} and {WAYS[way]}: only {whose} has {shape!r}")
    return Comparison(len(theirs), _spans(theirs), None)


def _spans(traces: Sequence[Trace]) -> int:
    return sum(len(trace.spans) for trace in traces)


def _tour(way: Way) -> list[Trace]:
    from spanwire.cli import _shop
    from spanwire.sink import Sink

    left = iter(range(TOUR_VISITS))
    go_on: Callable[[], bool] = lambda: next(left, None) is not None  # noqa: E731 - one of two ways to say when to stop
    with Sink() as sink:
        pipeline = Pipeline(way, sink)
        try:
            with _shop.Shop(pipeline.provider) as shop:
                shop.serve(1, go_on)
        finally:
            pipeline.provider.shutdown()
        return sink.traces()


def _shapes(traces: list[Trace], flags: bool) -> Multiset[object]:
    """Trees without what differs from run to run: ids, times, ports."""
    return Multiset(_shape(root, flags) for trace in traces for root in trace.roots)


def _shape(node: TraceNode, flags: bool) -> object:
    span = node.span
    return (
        span.name,
        str(span.kind),
        (str(span.status.code), span.status.message),
        span.flags if flags else None,
        (span.scope_name, span.scope_version),
        _attributes(span.resource_attributes),
        _attributes(span.attributes),
        tuple((event.name, _attributes(event.attributes)) for event in span.events),
        tuple((link.flags if flags else None, _attributes(link.attributes)) for link in span.links),
        tuple(sorted((_shape(child, flags) for child in node.children), key=repr)),
    )


def _attributes(attributes: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """In order, which is part of what is compared."""
    return tuple((key, "" if key in _VARYING else repr(value)) for key, value in attributes.items())
