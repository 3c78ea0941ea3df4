"""Spans of the SDK through an exporter and the real Collector: what its file says is what was sent.

Each case also runs with the official exporter, which shows that the harness itself loses nothing.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from tests.integration.collector import flat
from tests.integration.collector.conftest import Start
from tests.integration.collector.peer import Certificates, Security

pytestmark = [pytest.mark.full, pytest.mark.collector, pytest.mark.requires_program("otelcol")]

MakeExporter = Callable[..., SpanExporter]


@pytest.fixture(params=["spanwire", "official"])
def make_exporter(request: pytest.FixtureRequest) -> MakeExporter:
    if request.param == "official":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Official

        return Official
    from spanwire.exporter.http import OTLPSpanExporter

    return OTLPSpanExporter


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
@pytest.mark.parametrize("security", ["plain", "tls", "mtls"])
def test_collector_receives_every_field_of_every_span(
    security: Security,
    compression: Compression,
    make_exporter: MakeExporter,
    start_collector: Start,
    certificates: Certificates,
) -> None:
    spans = _one_of_everything()
    collector = start_collector(security)
    exporter = make_exporter(
        endpoint=collector.endpoint, compression=compression, timeout=20, **_tls_options(security, certificates)
    )

    assert exporter.export(spans) is SpanExportResult.SUCCESS
    exporter.shutdown()
    collector.stop()

    assert flat.compare(flat.from_message(encode_spans(spans)), flat.from_json(collector.lines())) == ""


def test_collector_that_asks_for_a_certificate_gets_nothing_without_one(
    make_exporter: MakeExporter, start_collector: Start, certificates: Certificates
) -> None:
    collector = start_collector("mtls")
    exporter = make_exporter(endpoint=collector.endpoint, timeout=2, certificate_file=str(certificates.ca))

    assert exporter.export(_one_of_everything()) is SpanExportResult.FAILURE
    exporter.shutdown()
    collector.stop()

    assert collector.lines() == []


def test_many_batches_of_one_provider_arrive_once(make_exporter: MakeExporter, start_collector: Start) -> None:
    collector = start_collector("plain")
    exporter, kept = make_exporter(endpoint=collector.endpoint, timeout=20), InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "many"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("many")

    for number in range(200):
        with tracer.start_as_current_span(f"span {number}", attributes={"number": number}):
            pass
    provider.shutdown()
    collector.stop()

    sent = flat.from_message(encode_spans(kept.get_finished_spans()))
    assert flat.compare(sent, flat.from_json(collector.lines())) == ""


def _tls_options(security: Security, certificates: Certificates) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if security != "plain":
        options["certificate_file"] = str(certificates.ca)
    if security == "mtls":
        options["client_certificate_file"] = str(certificates.client_certificate)
        options["client_key_file"] = str(certificates.client_key)
    return options


def _one_of_everything() -> list[ReadableSpan]:
    """Spans that between them use every field of the message and every kind of value."""
    kept = InMemorySpanExporter()
    remote = SpanContext(
        trace_id=0x0102030405060708090A0B0C0D0E0F10,
        span_id=0x1112131415161718,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState([("rojo", "00f067aa0ba902b7"), ("congo", "t61rcWkgMzE")]),
    )
    for resource in (Resource({"service.name": "läden ☂ 🦀"}, "https://example.org/schema/1"), Resource({})):
        provider = TracerProvider(
            resource=resource,
            span_limits=SpanLimits(max_attributes=24, max_events=3, max_links=2),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(SimpleSpanProcessor(kept))
        for tracer in (
            provider.get_tracer("shop", "1.2.3", "https://example.org/schema/2", {"scope.attribute": [1, 2]}),
            provider.get_tracer("bare"),
        ):
            for kind in SpanKind:
                tracer.start_span(f"kind {kind.name}", kind=kind).end()
            for code in StatusCode:
                span = tracer.start_span("status", context=trace.set_span_in_context(trace.NonRecordingSpan(remote)))
                span.set_status(Status(code, "declined: żółć" if code is StatusCode.ERROR else None))
                span.end()
            with tracer.start_as_current_span("values", attributes=_values()) as outer:
                outer.add_event("event", {"n": 1, "list": ["a", "b"]})
                outer.record_exception(ValueError("boom ☂"))
            over = tracer.start_span("over the limits", links=[Link(remote, {"n": n}) for n in range(4)])
            for number in range(40):
                over.set_attribute(f"attribute {number}", number)
                over.add_event(f"event {number}", {"number": number}, timestamp=1_700_000_000_000_000_000 + number)
            over.end()
            tracer.start_span("", start_time=1).end(2)
    return list(kept.get_finished_spans())


def _values() -> dict[str, Any]:
    # No -0.0: the Collector's JSON writes it as 0. The conformance tests have it.
    return {
        "text": "plain",
        "text.empty": "",
        "text.latin1": "café",
        "text.bmp": "żółć ☂ \x00 \u2028",
        "text.astral": "🦀𝄞",
        "true": True,
        "false": False,
        "int.zero": 0,
        "int.max": 2**63 - 1,
        "int.min": -(2**63),
        "double": 0.1,
        "double.huge": 1.7976931348623157e308,
        "double.tiny": 5e-324,
        "double.nan": math.nan,
        "double.infinity": math.inf,
        "list.text": ["a", "", "☂"],
        "list.int": [1, -1, 2**40],
        "list.double": [0.5, -0.5],
        "list.bool": [True, False],
        "list.empty": [],
        "bytes": b"\x00\xff\x80",
        "map": {"inner": {"deep": [1, "two", 3.0]}, "empty": {}},
    }
