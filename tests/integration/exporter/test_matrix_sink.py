"""Every protocol, compression and security that our exporters speak, to the sink: what arrives is what was sent."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from spanwire.exporter import grpc, http, json
from spanwire.sink import Sink
from spanwire_bench import _workloads
from tests.certificates import Authority
from tests.integration.collector import flat

COUNT = 500

# Makes an exporter to that sink; the options are what all of them have.
EXPORTERS: dict[str, Callable[..., SpanExporter]] = {
    "grpc": lambda sink, **options: grpc.OTLPSpanExporter(endpoint=sink.grpc_endpoint, **options),
    "http/protobuf": lambda sink, **options: http.OTLPSpanExporter(endpoint=sink.traces_endpoint, **options),
    "http/json": lambda sink, **options: json.OTLPSpanExporter(endpoint=sink.traces_endpoint, **options),
}


@pytest.fixture(scope="module")
def spans() -> list[ReadableSpan]:
    """A recorded web shop's: attributes of every kind, events, links, errors with their stacks."""
    return _workloads.make("WR", COUNT)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("clients"))


@pytest.mark.parametrize("security", ["plain", "tls", "mtls"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("protocol, port", [*((name, "shared") for name in EXPORTERS), ("grpc", "own")])
def test_spans_arrive_as_they_were_sent(
    protocol: str,
    port: str,
    compression: str,
    security: str,
    spans: list[ReadableSpan],
    authority: Authority,
    clients: Authority,
) -> None:
    tls = None if security == "plain" else authority.server().tls(clients if security == "mtls" else None)
    options: dict[str, Any] = {"compression": compression, "timeout": 30}
    if security != "plain":
        options["certificate_file"] = str(authority.file)
    if security == "mtls":
        shown = clients.client()
        options |= {"client_certificate_file": str(shown.certificate), "client_key_file": str(shown.key)}
    with Sink("localhost", grpc_port=0 if port == "own" else None, tls=tls) as sink:
        exporter = EXPORTERS[protocol](sink, **options)
        assert exporter.export(spans) is SpanExportResult.SUCCESS
        exporter.shutdown()

    assert sink.span_count == COUNT
    received: list[flat.Span] = []
    for request in sink.requests():
        assert (request.protocol, request.content_encoding.replace("identity", "none")) == (protocol, compression)
        received += flat.from_message(ExportTraceServiceRequest.FromString(request.body))
    assert flat.compare(flat.from_message(encode_spans(spans)), received) == ""
