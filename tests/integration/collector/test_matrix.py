"""Every protocol, compression and security that our exporters speak, to the real Collector: 10,000 spans, field by field."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from spanwire.exporter import grpc, http, json
from spanwire_bench import _workloads
from tests.integration.collector import flat
from tests.integration.collector.conftest import Start
from tests.integration.collector.peer import Certificates, Security

pytestmark = [pytest.mark.full, pytest.mark.collector, pytest.mark.requires_program("otelcol")]

COUNT = 10_000
BATCH = 2_048

EXPORTERS: dict[str, Callable[..., SpanExporter]] = {
    "grpc": lambda collector, **options: grpc.OTLPSpanExporter(endpoint=collector.grpc_endpoint, **options),
    "http/protobuf": lambda collector, **options: http.OTLPSpanExporter(endpoint=collector.endpoint, **options),
    "http/json": lambda collector, **options: json.OTLPSpanExporter(endpoint=collector.endpoint, **options),
}


@pytest.fixture(scope="module")
def spans() -> list[ReadableSpan]:
    """A recorded web shop's: attributes of every kind, events, links, errors with their stacks."""
    return _workloads.make("WR", COUNT)


@pytest.fixture(scope="module")
def sent(spans: list[ReadableSpan]) -> list[flat.Span]:
    """The same, by the official encoder."""
    batches = (spans[start : start + BATCH] for start in range(0, COUNT, BATCH))
    return [span for batch in batches for span in flat.from_message(encode_spans(batch))]


@pytest.mark.parametrize("security", ["plain", "tls", "mtls"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("protocol", EXPORTERS)
@pytest.mark.timeout(300)
def test_collector_receives_10_000_spans_unchanged(
    protocol: str,
    compression: str,
    security: Security,
    spans: list[ReadableSpan],
    sent: list[flat.Span],
    start_collector: Start,
    certificates: Certificates,
) -> None:
    options: dict[str, Any] = {"compression": compression, "timeout": 60}
    if security != "plain":
        options["certificate_file"] = str(certificates.ca)
    if security == "mtls":
        options["client_certificate_file"] = str(certificates.client_certificate)
        options["client_key_file"] = str(certificates.client_key)
    collector = start_collector(security)
    exporter = EXPORTERS[protocol](collector, **options)

    for start in range(0, COUNT, BATCH):
        assert exporter.export(spans[start : start + BATCH]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    collector.stop()

    received = list(flat.from_json(collector.lines()))
    assert len(received) == COUNT
    assert flat.compare(sent, received) == ""
