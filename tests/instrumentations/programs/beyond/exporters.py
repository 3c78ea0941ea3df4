"""Exporters of others read the spans: console, Zipkin over HTTP, Azure Monitor's and Google Cloud Trace's translations, the official OTLP.

What each makes of them is printed. Times are given, so that all of it is the same in every run but for ids.
"""

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

from azure.monitor.opentelemetry.exporter.export.trace import _exporter as azure
from google.cloud.trace_v2 import types as cloud_trace
from opentelemetry import trace
from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

START = 1_764_000_000_000_000_000
bodies: list[bytes] = []


class Zipkin(BaseHTTPRequestHandler):
    """Takes what is posted."""

    def do_POST(self) -> None:
        bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: it is not the server that is looked at."""


class Translated(SpanExporter):
    """Prints what the exporters of two clouds would send, and the official encoder."""

    def __init__(self) -> None:
        self.cloud = CloudTraceSpanExporter(project_id="shop", client=mock.Mock())

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            envelopes = [azure._convert_span_to_envelope(span), *azure._convert_span_events_to_envelopes(span)]
            for envelope in envelopes:
                told = envelope.as_dict()
                told["tags"] = {key: value for key, value in told["tags"].items() if "internal" not in key}
                print("azure", json.dumps(told, sort_keys=True, default=str))
        for found in self.cloud._translate_to_cloud_trace(spans):
            text = cloud_trace.Span.to_json(cloud_trace.Span(found), sort_keys=True)
            print("google", json.dumps(json.loads(text), sort_keys=True))
        message = encode_spans(spans)
        for resource in message.resource_spans:
            print("otlp", resource.schema_url, sorted(one.key for one in resource.resource.attributes))
            for scope in resource.scope_spans:
                for span in scope.spans:
                    print("otlp", scope.scope.name, repr(str(span).split("trace_id:")[1].split("\n", 3)[3]))
        return SpanExportResult.SUCCESS


def make(tracer: trace.Tracer) -> None:
    context = trace.set_span_in_context(
        trace.NonRecordingSpan(
            trace.SpanContext(
                0xABC << 64, 0xDEF, True, trace.TraceFlags(1), trace.TraceState([("vendor", "value"), ("b", "2")])
            )
        )
    )
    for number, kind in enumerate(trace.SpanKind):
        start = START + number * 1_000_000
        attributes = {
            "http.request.method": "GET",
            "url.full": "https://example.com/a?b=c",
            "server.address": "example.com",
            "http.response.status_code": 503 if number % 2 else 200,
            "peer.service": "shop",
            "text": "größe " * 40,
            "number": 2**53 + 1,
            "float": 0.1,
            "yes": True,
            "list": ["a", "b"],
            "ints": [1, 2, 3],
            "bytes": b"\x00\xff",
        }
        span = tracer.start_span(f"span {number}", context if number else None, kind, attributes, start_time=start)
        span.add_event("event", {"a": 1, "b": [True, False]}, timestamp=start + 10)
        try:
            raise ValueError(f"number {number}")
        except ValueError as error:
            span.record_exception(error, timestamp=start + 20)
        span.add_link(trace.SpanContext(5 << 64, 6, True), {"why": "because"})
        if number % 2:
            span.set_status(trace.Status(trace.StatusCode.ERROR, "bad"))
        elif number:
            span.set_status(trace.StatusCode.OK)
        span.end(start + 5_000_000)


def main() -> None:
    server = HTTPServer(("127.0.0.1", 0), Zipkin)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider = trace.get_tracer_provider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    provider.add_span_processor(
        BatchSpanProcessor(ZipkinExporter(endpoint=f"http://127.0.0.1:{server.server_port}/api/v2/spans"))
    )
    provider.add_span_processor(SimpleSpanProcessor(Translated()))
    make(trace.get_tracer("shop", "1.0", attributes={"tenant": "anna"}))
    provider.force_flush()
    for body in bodies:
        for span in json.loads(body):
            print("zipkin", json.dumps(span, sort_keys=True))
    server.shutdown()


if __name__ == "__main__":
    main()
