"""``BatchSpanProcessor``: arguments, environment, and which exporters make it native."""

import logging
import os
import threading
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from spanwire.trace.export._batch import DEFAULT_BATCH_BYTES, DEFAULT_BATCH_SPANS
from spanwire.trace.export._python import PythonDelivery
from spanwire.trace.export.in_memory_span_exporter import InMemorySpanExporter

NOWHERE = "http://127.0.0.1:1/v1/traces"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def exporter() -> Iterator[OTLPSpanExporter]:
    exporter = OTLPSpanExporter(endpoint=NOWHERE)
    yield exporter
    if not exporter._shutdown:
        exporter.shutdown(0)


class Changed(OTLPSpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return super().export(spans)


class Renamed(OTLPSpanExporter):
    pass


def limits(processor: BatchSpanProcessor) -> tuple[int, int]:
    assert processor._delivery is not None
    return processor._delivery._limits[:2]


def most_spans(processor: BatchSpanProcessor) -> int:
    """How many spans the queue keeps of 3,000."""
    span = ReadableSpan(name="span", context=_context())
    for _ in range(3000):
        processor._queue.push(span, False)
    return len(processor._queue)


def _context() -> SpanContext:
    return SpanContext(1, 1, False, TraceFlags(1))


def test_with_our_exporter_it_is_native_and_starts_no_thread_before_the_first_span(exporter: OTLPSpanExporter) -> None:
    before = set(threading.enumerate())  # of which some, of other tests, may end meanwhile
    processor = BatchSpanProcessor(exporter)
    assert processor.span_exporter is exporter
    assert processor._queue.address > 0
    assert set(threading.enumerate()) <= before
    processor.shutdown()


@pytest.mark.parametrize("make", [lambda: Changed(endpoint=NOWHERE), InMemorySpanExporter, ConsoleSpanExporter])
def test_an_exporter_whose_export_is_not_ours_is_given_spans_by_python(make: type[SpanExporter]) -> None:
    before, exporter = set(threading.enumerate()), make()
    processor = BatchSpanProcessor(exporter)
    assert processor.span_exporter is exporter
    assert type(processor._delivery) is PythonDelivery
    assert processor._reads_frames
    assert set(threading.enumerate()) <= before
    processor.shutdown()


def test_a_subclass_that_keeps_our_export_is_ours() -> None:
    assert hasattr(BatchSpanProcessor(Renamed(endpoint=NOWHERE)), "_queue")


def test_spans_reach_a_foreign_exporter_as_spans() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(memory)
    provider.add_span_processor(processor)
    provider.get_tracer("tests").start_span("kept").end()
    assert processor.force_flush()
    assert [span.name for span in memory.get_finished_spans()] == ["kept"]
    provider.shutdown()


def test_the_defaults_are_2048_spans_or_400_kb_a_request_and_no_bound_in_spans(exporter: OTLPSpanExporter) -> None:
    processor = BatchSpanProcessor(exporter)
    assert limits(processor) == (DEFAULT_BATCH_SPANS, DEFAULT_BATCH_BYTES) == (2048, 400_000)
    assert most_spans(processor) == 3000


def test_a_queue_size_that_is_given_is_exact_and_halved_for_a_request(exporter: OTLPSpanExporter) -> None:
    processor = BatchSpanProcessor(exporter, max_queue_size=1000)
    assert limits(processor) == (500, DEFAULT_BATCH_BYTES)
    assert most_spans(processor) == 1000


def test_a_batch_size_that_is_given_is_exact(exporter: OTLPSpanExporter) -> None:
    processor = BatchSpanProcessor(exporter, max_export_batch_size=2000)
    assert limits(processor) == (2000, exporter._max_request_size)


def test_a_request_stays_within_the_exporters_limit() -> None:
    exporter = OTLPSpanExporter(endpoint=NOWHERE, max_request_size=10_000)
    assert limits(BatchSpanProcessor(exporter))[1] == 10_000


def test_the_environment_is_read_as_the_sdk_reads_it(
    exporter: OTLPSpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1234")
    processor = BatchSpanProcessor(exporter)
    assert limits(processor)[0] == 10
    assert processor._delivery is not None
    assert processor._delivery._delay == 1.234
    assert most_spans(processor) == 100


def test_what_is_no_number_in_the_environment_is_logged_by_the_sdk_and_the_default_taken(
    exporter: OTLPSpanExporter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "many")
    with caplog.at_level(logging.ERROR):
        processor = BatchSpanProcessor(exporter)
    assert "Unable to parse value for OTEL_BSP_MAX_QUEUE_SIZE as integer" in caplog.text
    assert most_spans(processor) == 3000


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"max_queue_size": 0}, "max_queue_size must be a positive integer."),
        ({"schedule_delay_millis": 0}, "schedule_delay_millis must be positive."),
        ({"max_export_batch_size": -1}, "max_export_batch_size must be a positive integer."),
        (
            {"max_queue_size": 100, "max_export_batch_size": 101},
            "max_export_batch_size must be less than or equal to max_queue_size.",
        ),
        ({"max_queue_size": 100}, "max_export_batch_size must be less than or equal to max_queue_size."),
    ],
)
def test_what_the_sdk_refuses_is_refused_with_its_text(
    exporter: OTLPSpanExporter, arguments: dict[str, int], text: str
) -> None:
    for one in (exporter, InMemorySpanExporter()):
        with pytest.raises(ValueError, match=text):
            BatchSpanProcessor(one, **arguments)  # type: ignore[arg-type]
