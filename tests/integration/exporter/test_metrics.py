"""The exporter's metrics about itself are those of the official one."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink

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


def test_nothing_is_recorded_unless_asked_for(spans: Spans, sink: Sink) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    exporter = OTLPSpanExporter(endpoint=sink.traces_endpoint, meter_provider=provider)
    exporter.export(spans)
    assert reader.get_metrics_data() is None
    provider.shutdown()
