"""100,000 spans of a recorded web shop through the real Collector: the same multiset, field by field."""

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire_bench import _workloads
from tests.integration.collector import flat
from tests.integration.collector.conftest import Start

COUNT = 100_000
BATCH = 2_048


@pytest.mark.full
@pytest.mark.collector
@pytest.mark.requires_program("otelcol")
@pytest.mark.timeout(600)
def test_collector_receives_100_000_recorded_spans_unchanged(start_collector: Start) -> None:
    from spanwire.exporter.http import OTLPSpanExporter

    spans = _workloads.make("WR", COUNT)
    collector = start_collector("plain")
    exporter = OTLPSpanExporter(endpoint=collector.endpoint, timeout=60)
    for start in range(0, COUNT, BATCH):
        assert exporter.export(spans[start : start + BATCH]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    collector.stop()

    received = list(flat.from_json(collector.lines()))
    assert len(received) == COUNT
    sent = (span for start in range(0, COUNT, BATCH) for span in _as_official(spans[start : start + BATCH]))
    assert flat.compare(sent, received) == ""


def _as_official(spans: list[ReadableSpan]) -> list[flat.Span]:
    return list(flat.from_message(encode_spans(spans)))
