"""``otel.sdk.*`` of provider, processors and exporters: names, units, descriptions, attributes and values are the SDK's own."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import opentelemetry.exporter.otlp.proto.http.trace_exporter
import opentelemetry.sdk.trace
import opentelemetry.sdk.trace.export
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import spanwire.exporter.http
import spanwire.trace
import spanwire.trace.export
from spanwire.sink import Sink
from tests.property.trace.newest import pytestmark

__all__ = ["pytestmark"]
Recorded = dict[str, Any]
SIDES = {
    "sdk": (
        opentelemetry.sdk.trace,
        opentelemetry.sdk.trace.export,
        opentelemetry.exporter.otlp.proto.http.trace_exporter,
    ),
    "spanwire": (spanwire.trace, spanwire.trace.export, spanwire.exporter.http),
}


@pytest.fixture(autouse=True)
def _wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")


class Side:
    """A provider with a batch processor, or both kinds, in front of a sink, and what it says of itself."""

    def __init__(self, side: str, sink: Sink, *, is_simple_too: bool = False) -> None:
        trace, export, exporter = SIDES[side]
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.provider = trace.TracerProvider(shutdown_on_exit=False, meter_provider=self.meters)

        def make() -> Any:
            return exporter.OTLPSpanExporter(endpoint=sink.traces_endpoint, meter_provider=self.meters)

        sizes = {"max_queue_size": 20, "max_export_batch_size": 10, "schedule_delay_millis": 3_600_000}
        batch = export.BatchSpanProcessor(make(), meter_provider=self.meters, **sizes)
        self.provider.add_span_processor(batch)
        if is_simple_too:
            self.provider.add_span_processor(export.SimpleSpanProcessor(make(), meter_provider=self.meters))
        self.tracer = self.provider.get_tracer("tests")

    def end(self, spans: int) -> None:
        for _ in range(spans):
            self.tracer.start_span("span").end()

    def said(self) -> Recorded:
        """By name: unit, description, kind, and values by attributes."""
        data = self.reader.get_metrics_data()
        assert data is not None
        found: Recorded = {}
        for scope in (scope for resource in data.resource_metrics for scope in resource.scope_metrics):
            assert scope.scope.name == "opentelemetry-sdk"
            for metric in scope.metrics:
                points: dict[frozenset[tuple[str, object]], float] = defaultdict(float)
                for point in metric.data.data_points:
                    attributes = dict(point.attributes or {})
                    name = str(attributes.get("otel.component.name", ""))
                    if name:  # numbered in the process
                        kind, number = name.rsplit("/", 1)
                        assert number.isdigit() and kind == attributes["otel.component.type"]
                        del attributes["otel.component.name"]
                    # A time is no number to compare, but how many there are is.
                    value = point.count if hasattr(point, "count") else point.value
                    points[frozenset(attributes.items())] += value
                form = type(metric.data).__name__, getattr(metric.data, "is_monotonic", None)
                assert metric.name not in found
                found[metric.name] = (metric.unit, metric.description, form, dict(points))
        return found


def test_what_goes_well_is_said_as_by_the_sdk() -> None:
    said = {}
    with Sink() as sink:
        for name in SIDES:
            side = Side(name, sink, is_simple_too=True)
            side.end(7)
            live = side.tracer.start_span("live")
            before = side.said()
            side.provider.force_flush()
            flushed = side.said()
            live.end()
            side.provider.shutdown()
            side.end(2)
            said[name] = [before, flushed, side.said()]
            side.meters.shutdown()
    assert said["spanwire"] == said["sdk"]
    assert {name.removeprefix("otel.sdk.") for name in said["sdk"][0] | said["sdk"][1]} == {
        "span.started",
        "span.live",
        "processor.span.processed",
        "processor.span.queue.capacity",
        "processor.span.queue.size",
        "exporter.span.inflight",
        "exporter.span.exported",
        "exporter.operation.duration",
        "metric_reader.collection.duration",
    }


def test_a_full_queue_is_said_as_by_the_sdk() -> None:
    """The SDK says so when a span is dropped; ours when it is counted: compared at rest."""
    said = {}
    with Sink() as sink:
        for name in SIDES:
            side = Side(name, sink)
            sink.inject(delay=1, times=None)
            side.end(200)
            sink.clear_faults()
            side.provider.shutdown()
            # The SDK looks at its queue without a lock, and may say of a span that it was dropped which it takes all the same; what we
            # have dropped may be said by the thread that sends, a moment later.
            until = time.monotonic() + 30
            while True:
                unit, text, kind, points = side.said()["otel.sdk.processor.span.processed"]
                if sum(points.values()) >= 200 or time.monotonic() > until:
                    break
                time.sleep(0.01)
            said[name] = unit, text, kind, set(points)
            assert sum(points.values()) == 200 or name == "sdk"
            side.meters.shutdown()
    assert said["spanwire"] == said["sdk"]
    assert any(("error.type", "queue_full") in attributes for attributes in said["sdk"][3])


def test_what_a_partial_success_rejects_is_an_error_as_the_conventions_ask() -> None:
    with Sink() as sink:
        side = Side("spanwire", sink)
        sink.inject(rejected=3, message="too many", times=1)
        side.end(10)
        side.provider.force_flush()
        said = side.said()
        side.provider.shutdown()
        side.meters.shutdown()
    ((_, exported),) = [
        (name, {dict(attributes).get("error.type"): count for attributes, count in points.items()})
        for name, (_, _, _, points) in said.items()
        if name == "otel.sdk.exporter.span.exported"
    ]
    assert exported == {None: 7, "rejected": 3}
    (attributes,) = said["otel.sdk.exporter.operation.duration"][3]
    assert dict(attributes)["error.type"] == "rejected"


class _Reading(SpanExporter):
    """An exporter in Python that reads what its processor says of itself while it is exporting."""

    def __init__(self, read: Callable[[], Recorded], raises: bool) -> None:
        self.read = read
        self.raises = raises
        self.seen: list[Any] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        _, _, _, points = self.read().get("otel.sdk.processor.span.processed", (None, None, None, {}))
        self.seen.append((len(spans), points))
        if self.raises:
            raise OSError
        return SpanExportResult.FAILURE


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("kind", ["BatchSpanProcessor", "SimpleSpanProcessor"])
def test_spans_are_processed_when_an_exporter_in_python_is_given_them(kind: str, raises: bool) -> None:
    """Whatever it answers, and before it does."""
    seen = {}
    for name, (_, export, _) in SIDES.items():
        with Sink() as sink:
            side = Side(name, sink)
            exporter = _Reading(side.said, raises)
            processor = getattr(export, kind)(exporter, meter_provider=side.meters)
            side.provider.shutdown()
            provider = SIDES[name][0].TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(processor)
            for _ in range(3):
                provider.get_tracer("tests").start_span("span").end()
                provider.force_flush()
            seen[name] = exporter.seen, side.said()["otel.sdk.processor.span.processed"]
            provider.shutdown()
            side.meters.shutdown()
    assert seen["spanwire"] == seen["sdk"]
    assert [(spans, sum(points.values())) for spans, points in seen["sdk"][0]] == [(1, 1), (1, 2), (1, 3)]
