"""A second real receiver, which shares no code with the Collector: every protocol and compression that it speaks, field by field."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

import spanwire
from spanwire.exporter import grpc, http, json
from spanwire_bench import _workloads
from tests.books import check_books, since
from tests.integration.collector import flat
from tests.integration.collector.rotel import Rotel

pytestmark = [pytest.mark.full, pytest.mark.collector, pytest.mark.requires_program("rotel")]

COUNT = 1_000
BATCH = 256

EXPORTERS: dict[str, Callable[[Rotel, str], SpanExporter]] = {
    "grpc": lambda rotel, compression: grpc.OTLPSpanExporter(endpoint=rotel.grpc_endpoint, compression=compression),
    "http/protobuf": lambda rotel, compression: http.OTLPSpanExporter(endpoint=rotel.endpoint, compression=compression),
    "http/json": lambda rotel, compression: json.OTLPSpanExporter(endpoint=rotel.endpoint, compression=compression),
}


@pytest.fixture(scope="module")
def spans() -> list[ReadableSpan]:
    """A recorded web shop's: attributes of every kind, events, links, errors with their stacks."""
    return _workloads.make("WR", COUNT)


@pytest.fixture
def rotel(tmp_path: Path) -> Iterator[Rotel]:
    with Rotel(tmp_path) as started:
        yield started


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", EXPORTERS)
def test_rotel_receives_1_000_spans_unchanged(
    protocol: str, compression: str, spans: list[ReadableSpan], rotel: Rotel
) -> None:
    batches = [spans[start : start + BATCH] for start in range(0, COUNT, BATCH)]
    sent = [span for batch in batches for span in flat.from_message(encode_spans(batch))]
    exporter = EXPORTERS[protocol](rotel, compression)

    for batch in batches:
        assert exporter.export(batch) is SpanExportResult.SUCCESS
    exporter.shutdown()
    rotel.stop()

    messages = [ExportTraceServiceRequest.FromString(body) for body in rotel.requests()]
    received = [span for message in messages for span in flat.from_message(message)]
    assert len(received) == COUNT
    assert flat.compare(sent, received) == ""


@pytest.mark.parametrize("protocol", EXPORTERS)
def test_what_rotel_does_not_speak_is_refused_at_once_and_counted(
    protocol: str, spans: list[ReadableSpan], rotel: Rotel
) -> None:
    endpoint = rotel.grpc_endpoint if protocol == "grpc" else rotel.endpoint
    before = spanwire.stats()["traces"].get(endpoint, {})
    exporter = EXPORTERS[protocol](rotel, "zstd")

    assert exporter.export(spans[:BATCH]) is SpanExportResult.FAILURE
    exporter.shutdown()
    rotel.stop()

    account = since(before, spanwire.stats()["traces"][endpoint])
    check_books({endpoint: account})
    assert account["dropped"] == {"refused": BATCH}
    assert account["retries"] == 0
    assert rotel.requests() == []
