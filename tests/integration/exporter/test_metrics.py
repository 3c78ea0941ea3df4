"""The exporter's metrics about itself are those of the official one."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import SimpleSpanProcessor
from spanwire.trace.export.in_memory_span_exporter import InMemorySpanExporter

Spans = Sequence[ReadableSpan]


def measured(exporter_class: Any, spans: Spans, sink: Sink, status: int | None) -> dict[str, Any]:
    """Names, units and points of what one export records."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    exporter = exporter_class(endpoint=sink.traces_endpoint, meter_provider=provider)
    if status is not None:
        sink.inject(status=status)
    exporter.export(spans)
    exporter.shutdown()
    data = reader.get_metrics_data()
    assert data is not None
    found = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        (point,) = metric.data.data_points
        attributes = dict(point.attributes or {})
        attributes["otel.component.name"] = str(attributes["otel.component.name"]).rsplit("/", 1)[0]
        # Ours names the drop reason, theirs a Python class; the status code is not always there.
        attributes["error.type"] = "error.type" in attributes
        attributes.pop("http.response.status_code", None)
        found[metric.name] = (metric.unit, getattr(point, "value", None), attributes)
    provider.shutdown()
    return found


@pytest.mark.parametrize("status", [None, 400])
def test_the_same_metrics_are_recorded_as_by_the_official_exporter(
    status: int | None, spans: Spans, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    ours = measured(OTLPSpanExporter, spans, sink, status)
    theirs = measured(OfficialExporter, spans, sink, status)
    assert (
        set(ours)
        == set(theirs)
        == {
            "otel.sdk.exporter.span.inflight",
            "otel.sdk.exporter.span.exported",
            "otel.sdk.exporter.operation.duration",
        }
    )
    for name, (unit, value, attributes) in theirs.items():
        if status is not None:  # upstream gives no error where there was only a status
            attributes = {**attributes, "error.type": ours[name][2]["error.type"]}
        assert ours[name] == (unit, value, attributes)


@pytest.mark.parametrize("status", [413, 200])
def test_of_a_request_that_is_divided_both_halves_are_counted_as_by_the_stats(
    status: int, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint, meter_provider=meters, max_request_size=600)
    before = spanwire.stats()["traces"].get(exporter._client.destination, {"exported": 0, "dropped": {}})
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    for number in range(20):
        tracer.start_span(f"span {number}", attributes={"long": "x" * (1000 if number % 4 == 0 else 10)}).end()
    sink.inject(status=status, times=1)
    exporter.export(memory.get_finished_spans())
    exporter.shutdown()
    after = spanwire.stats()["traces"][exporter._client.destination]
    assert after["exported"] - before["exported"] == sink.span_count
    lost = after["dropped"]["too_large"] - before["dropped"].get("too_large", 0)
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    found = {
        (point.attributes or {}).get("error.type"): point.value  # type: ignore[union-attr]  # of a sum
        for point in metrics["otel.sdk.exporter.span.exported"].data.data_points
    }
    assert found == {None: sink.span_count, "too_large": lost}
    assert sum(found.values()) == 20 and lost >= 5
    (duration,) = metrics["otel.sdk.exporter.operation.duration"].data.data_points
    assert (duration.attributes or {})["error.type"] == "too_large"
    meters.shutdown()


def test_nothing_is_recorded_unless_asked_for(spans: Spans, sink: Sink) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint, meter_provider=provider)
    exporter.export(spans)
    assert reader.get_metrics_data() is None
    provider.shutdown()
