"""Over HTTP in JSON: what arrives, and what answers in JSON say."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire._native import traces_to_json
from spanwire.exporter.json import Compression, OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests import official_json
from tests.official import official_bytes, parse

from .conftest import counts, made_by

Spans = Sequence[ReadableSpan]
SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture
def make_exporter() -> Any:
    yield from made_by(OTLPSpanExporter)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Zstd], ids=str)
def test_what_arrives_is_what_the_official_encoder_gives(
    compression: Compression, spans: Spans, sink: Sink, make_exporter: Any
) -> None:
    exporter = make_exporter(sink.traces_endpoint, compression=compression)
    assert exporter.export(spans) is SUCCESS
    (request,) = sink.requests()
    assert request.headers["content-type"] == "application/json"
    assert official_json.request_of(traces_to_json(request.body)) == parse(official_bytes(spans))


def test_native_spans_go_through_the_batch_processor(sink: Sink, make_exporter: Any) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(make_exporter(sink.traces_endpoint))
    assert not processor._reads_frames
    provider.add_span_processor(processor)
    for number in range(3_000):
        provider.get_tracer("tests").start_span(f"span {number}").end()
    assert provider.force_flush()
    provider.shutdown()
    assert [span.name for span in sink.spans()] == [f"span {number}" for number in range(3_000)]


def test_a_partial_success_is_read(spans: Spans, sink: Sink, make_exporter: Any) -> None:
    sink.inject(rejected=4, message="too old")
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is SUCCESS
    got = counts(exporter)
    assert (got["exported"], got["dropped"], got["last_error"]) == (6, {"rejected": 4}, "too old")


def test_a_refusal_is_read(spans: Spans, sink: Sink, make_exporter: Any) -> None:
    sink.inject(status=400, message="because I say so")
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is FAILURE
    assert counts(exporter)["last_error"] == "status 400: because I say so"


def test_a_retry_sends_the_same_bytes(spans: Spans, sink: Sink, make_exporter: Any) -> None:
    sink.inject(status=503, retry_after=0)
    exporter = make_exporter(sink.traces_endpoint)
    assert exporter.export(spans) is SUCCESS
    assert (sink.attempt_count, counts(exporter)["retries"]) == (2, 1)


def test_what_is_no_otlp_is_not_sent(sink: Sink, make_exporter: Any) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    outcome = exporter._client.export_encoded(b"\x0a\x09", 1)
    assert (outcome.lost, sink.attempt_count) == ("encode", 0)
    assert "no OTLP, so it cannot be written as JSON" in outcome.message
