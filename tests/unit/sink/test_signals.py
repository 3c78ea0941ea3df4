"""Logs, metrics and profiles: what the official exporters send, and anything that OTLP allows."""

import json
import threading
from collections.abc import Callable
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from spanwire._native import request_to_json
from spanwire.sink import ReceivedLog, ReceivedMetric, ReceivedProfile, Signal, Sink
from tests.grpc_calls import call, channel, error
from tests.messages_of_otlp import REQUESTS, fields, items, random_request
from tests.official_json import json_of
from tests.post import JSON, post

PATHS: dict[Signal, str] = {
    "traces": "/v1/traces",
    "logs": "/v1/logs",
    "metrics": "/v1/metrics",
    "profiles": "/v1development/profiles",
}
METHODS: dict[Signal, str] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "profiles": "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
}
OTHERS: tuple[Signal, ...] = ("logs", "metrics", "profiles")
REJECTED = {"logs": "rejectedLogRecords", "metrics": "rejectedDataPoints", "profiles": "rejectedProfiles"}
VIEWS: dict[Signal, Callable[[Sink], list[Any]]] = {
    "logs": Sink.logs,
    "metrics": Sink.metrics,
    "profiles": Sink.profiles,
}
RESOURCE = Resource({"service.name": "shop", "cores": 2})


def check_views(signal: Signal, sink: Sink) -> None:
    """All that was kept is seen as the official package reads it."""
    seen = VIEWS[signal](sink)
    official = [found for kept in sink.requests() for found in items(REQUESTS[signal].FromString(kept.body))]
    assert len(seen) == len(official) > 0
    for view, (item, scope, resource) in zip(seen, official, strict=True):
        assert view.serialized == item.SerializeToString()
        assert view.fields == fields(item)
        assert view.resource_attributes == fields(resource.resource)["attributes"]
        assert view.resource_schema_url == resource.schema_url
        assert (view.scope_name, view.scope_version) == (scope.scope.name, scope.scope.version)
        assert view.scope_attributes == fields(scope.scope)["attributes"]
        assert view.scope_schema_url == scope.schema_url


@pytest.fixture(params=["http", "http gzip", "grpc", "grpc gzip"])
def log_exporter(request: pytest.FixtureRequest, otlp_sink: Sink) -> Any:
    if request.param.startswith("http"):
        compression = Compression.Gzip if "gzip" in request.param else Compression.NoCompression
        return HttpLogExporter(endpoint=f"{otlp_sink.http_endpoint}/v1/logs", compression=compression, timeout=20)
    kind = grpc.Compression.Gzip if "gzip" in request.param else grpc.Compression.NoCompression
    return GrpcLogExporter(endpoint=otlp_sink.grpc_endpoint, insecure=True, compression=kind, timeout=20)


@pytest.fixture(params=["http", "grpc"])
def metric_exporter(request: pytest.FixtureRequest, otlp_sink: Sink) -> Any:
    if request.param == "http":
        return HttpMetricExporter(endpoint=f"{otlp_sink.http_endpoint}/v1/metrics", timeout=20)
    return GrpcMetricExporter(endpoint=otlp_sink.grpc_endpoint, insecure=True, timeout=20)


def test_logs_of_the_official_exporters(otlp_sink: Sink, log_exporter: Any) -> None:
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(log_exporter))
    logger = provider.get_logger("shop.cart", "1.2", attributes={"tier": "web"})
    span = trace.NonRecordingSpan(trace.SpanContext(1 << 100, 1 << 50, True, trace.TraceFlags(1)))
    with trace.use_span(span):
        logger.emit(
            LogRecord(
                timestamp=1_700_000_000_000_000_000,
                severity_number=SeverityNumber.ERROR,
                severity_text="ERROR",
                body="no such item",
                attributes={"item": 7, "tags": ("a", "b")},
            )
        )
    logger.emit(LogRecord(body={"nested": [1, 2.5, None, b"x"]}, event_name="cart.emptied"))
    provider.shutdown()
    otlp_sink.wait_for(2, signal="logs")
    first, second = otlp_sink.logs()
    assert (first.body, first.severity_number, first.severity_text) == ("no such item", 17, "ERROR")
    assert (first.trace_id, first.span_id) == (f"{1 << 100:032x}", f"{1 << 50:016x}")
    assert first.attributes == {"item": 7, "tags": ("a", "b")}
    assert first.resource_attributes["service.name"] == "shop"
    assert (first.scope_name, first.scope_attributes) == ("shop.cart", {"tier": "web"})
    assert (second.body, second.event_name) == ({"nested": (1, 2.5, None, b"x")}, "cart.emptied")
    assert (second.trace_id, second.span_id) == (None, None)
    assert (otlp_sink.log_count, otlp_sink.count("logs"), otlp_sink.span_count) == (2, 2, 0)
    assert [request.signal for request in otlp_sink.requests()] == ["logs", "logs"]
    check_views("logs", otlp_sink)


def test_metrics_of_the_official_exporters(otlp_sink: Sink, metric_exporter: Any) -> None:
    reader = PeriodicExportingMetricReader(metric_exporter, export_interval_millis=1e9)
    view = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False, views=[view])
    meter = provider.get_meter("shop")
    meter.create_counter("orders", unit="{order}", description="Orders").add(3, {"paid": True})
    meter.create_up_down_counter("open").add(-2)
    meter.create_gauge("heat").set(21.5)
    histogram = meter.create_histogram("times", unit="s", explicit_bucket_boundaries_advisory=[1.0, 2.0])
    for value in (0.5, 1.5, 9.0):
        histogram.record(value, {"path": "/"})
    meter.create_histogram("sizes").record(1000)
    provider.shutdown()
    otlp_sink.wait_for(5, signal="metrics")
    metrics = {metric.name: metric for metric in otlp_sink.metrics()}
    assert set(metrics) == {"orders", "open", "heat", "times", "sizes"}
    orders = metrics["orders"]
    assert (orders.kind, orders.temporality, orders.is_monotonic) == ("sum", "cumulative", True)
    assert (orders.unit, orders.description) == ("{order}", "Orders")
    assert [(point.value, point.attributes) for point in orders.points] == [(3, {"paid": True})]
    assert (metrics["open"].is_monotonic, metrics["open"].points[0].value) == (False, -2)
    assert (metrics["heat"].kind, metrics["heat"].points[0].value) == ("gauge", 21.5)
    [times] = metrics["times"].points
    assert (times.count, times.sum, times.bucket_counts, times.explicit_bounds) == (3, 11.0, [1, 1, 1], [1.0, 2.0])
    assert (metrics["sizes"].kind, metrics["sizes"].points[0].fields["scale"]) == ("exponential_histogram", 20)
    assert (otlp_sink.point_count, otlp_sink.count("metrics")) == (5, 5)
    check_views("metrics", otlp_sink)


@pytest.mark.parametrize("signal", OTHERS)
@pytest.mark.parametrize("way", ["http", "json", "grpc"])
def test_anything_that_otlp_allows_is_seen_as_the_official_package_reads_it(
    signal: Signal, way: str, otlp_sink: Sink
) -> None:
    for seed in range(20):
        request = random_request(signal, seed)
        body = request.SerializeToString()
        if way == "http":
            answer = post(otlp_sink, body, path=PATHS[signal])
            assert (answer.status, answer.body) == (200, b"")
        elif way == "json":
            text = json.dumps(json_of(request)).encode()
            answer = post(otlp_sink, text, path=PATHS[signal], content_type=JSON)
            assert (answer.status, answer.body) == (200, b"{}")
            assert REQUESTS[signal].FromString(otlp_sink.requests()[-1].body) == request
        else:
            with channel(otlp_sink) as to:
                assert call(to, body, method=METHODS[signal])[0] == b""
    check_views(signal, otlp_sink)
    assert otlp_sink.request_count == otlp_sink.attempt_count == 20


@pytest.mark.parametrize("signal", ["traces", *OTHERS])
def test_what_is_malformed_is_refused_by_name(signal: Signal, otlp_sink: Sink) -> None:
    answer = post(otlp_sink, b"\x0a\x05oops", path=PATHS[signal])
    assert answer.status == 400
    assert REQUESTS[signal].DESCRIPTOR.name in answer.message
    with channel(otlp_sink) as to:
        code, text = error(to, b"\x0a\x05oops", method=METHODS[signal])
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert REQUESTS[signal].DESCRIPTOR.name in text
    assert (otlp_sink.attempt_count, otlp_sink.request_count) == (2, 0)


@pytest.mark.parametrize("signal", OTHERS)
def test_faults_meet_every_signal(signal: Signal, otlp_sink: Sink) -> None:
    body = random_request(signal, 1).SerializeToString()
    otlp_sink.inject(status=503)
    assert post(otlp_sink, body, path=PATHS[signal]).status == 503
    assert otlp_sink.count(signal) == 0
    otlp_sink.inject(rejected=1, message="one is too many")
    answer = post(otlp_sink, body, path=PATHS[signal])
    assert b"one is too many" in answer.body
    otlp_sink.inject(rejected=1, keep=False)
    answer = post(otlp_sink, request_to_json(signal, body), path=PATHS[signal], content_type=JSON)
    assert json.loads(answer.body) == {"partialSuccess": {REJECTED[signal]: "1"}}
    [kept] = otlp_sink.requests()
    assert (kept.rejected_count, kept.count) == (1, otlp_sink.count(signal))
    assert kept.span_count == 0 and kept.spans() == []


def test_a_wait_names_what_it_waits_for(otlp_sink: Sink) -> None:
    with pytest.raises(TimeoutError, match="0 of 3 log records came, in 0 requests"):
        otlp_sink.wait_for(3, 0.01, "logs")
    with pytest.raises(TimeoutError, match=r"0 of 2 requests came, within 0\.01 s"):
        otlp_sink.wait_for_requests(2, 0.01)
    with pytest.raises(ValueError, match="signal must be one of traces, logs, metrics, profiles, not 'spans'"):
        otlp_sink.count("spans")  # type: ignore[arg-type]
    waiting = threading.Thread(target=otlp_sink.wait_for_requests, args=(1, 20))
    waiting.start()
    post(otlp_sink, b"", path="/v1/logs")
    waiting.join(20)
    assert not waiting.is_alive()


def test_views_show_what_they_hold(otlp_sink: Sink) -> None:
    for signal in OTHERS:
        post(otlp_sink, random_request(signal, 3).SerializeToString(), path=PATHS[signal])
    for view, kind in (
        (otlp_sink.logs(), ReceivedLog),
        (otlp_sink.metrics(), ReceivedMetric),
        (otlp_sink.profiles(), ReceivedProfile),
    ):
        assert all(repr(one).startswith(f"<{kind.__name__} ") for one in view)
