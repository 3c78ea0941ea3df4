"""``SimpleSpanProcessor`` in front of our exporter: each span is sent as its bytes when it ends."""

import logging
import os
import signal
import threading
from typing import Any

import pytest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import export as sdk_export
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from spanwire.sink import Sink
from spanwire.trace import SpanProcessor, TracerProvider
from spanwire.trace.export import SimpleSpanProcessor
from tests.conformance.trace.test_python_exporters import SETUPS, Counting, only_newest, program
from tests.integration.exporter.conftest import MakeExporter, counts


def provider_with(*processors: sdk.SpanProcessor, **options: Any) -> sdk.TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False, **options)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def test_a_span_has_arrived_when_end_returns(sink: Sink, make_exporter: MakeExporter) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    tracer = provider_with(SimpleSpanProcessor(exporter)).get_tracer("tests")
    for number in range(1, 4):
        tracer.start_span("span", attributes={"number": number}).end()
        assert sink.span_count == number
    assert [span.attributes["number"] for span in sink.spans()] == [1, 2, 3]
    assert [request.span_count for request in sink.requests()] == [1, 1, 1]
    assert (counts(exporter)["accepted"], counts(exporter)["exported"]) == (3, 3)


@only_newest
@pytest.mark.parametrize("setup", SETUPS)
def test_what_is_sent_are_the_bytes_that_the_sdks_processor_sends(setup: str, make_exporter: MakeExporter) -> None:
    def bodies(provider_class: Any, processor_class: Any) -> list[bytes]:
        with Sink() as sink:
            options = SETUPS[setup]()
            processors = options.pop("processors", [])
            provider = provider_class(id_generator=Counting(), shutdown_on_exit=False, **options)
            for processor in processors:
                provider.add_span_processor(processor())
            provider.add_span_processor(processor_class(make_exporter(sink.traces_endpoint, w3c_flags=True)))
            program(provider)
            provider.shutdown()
            return [request.body for request in sink.requests()]

    expected = bodies(sdk.TracerProvider, sdk_export.SimpleSpanProcessor)
    assert len(expected) >= 6
    assert bodies(TracerProvider, SimpleSpanProcessor) == expected


def test_no_span_is_encoded_again(sink: Sink, make_exporter: MakeExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes through the exporter's ``export`` is read attribute by attribute."""
    exporter = make_exporter(sink.traces_endpoint)
    monkeypatch.setattr(type(exporter), "_export", lambda *_: pytest.fail("encoded again"))
    provider_with(SimpleSpanProcessor(exporter)).get_tracer("tests").start_span("span").end()
    assert sink.span_count == 1


def test_a_span_that_is_not_sampled_is_not_sent(sink: Sink, make_exporter: MakeExporter) -> None:
    processor = SimpleSpanProcessor(make_exporter(sink.traces_endpoint))
    provider_with(processor, sampler=ALWAYS_OFF).get_tracer("tests").start_span("span").end()
    assert sink.span_count == 0


def test_a_span_of_the_sdks_is_sent_too(sink: Sink, make_exporter: MakeExporter) -> None:
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(make_exporter(sink.traces_endpoint)))
    provider.get_tracer("tests").start_span("span").end()
    assert [span.name for span in sink.spans()] == ["span"]


def test_after_shutdown_a_span_is_ignored_with_the_sdks_words(
    sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    processor = SimpleSpanProcessor(make_exporter(sink.traces_endpoint))
    provider = provider_with(processor)
    processor.shutdown()
    provider.get_tracer("tests").start_span("late").end()
    assert sink.span_count == 0
    if hasattr(processor, "_shutdown"):  # older SDKs let it through, and the exporter refuses it
        texts = [(record.name, record.levelno, record.getMessage()) for record in caplog.records]
        assert texts == [
            ("opentelemetry.sdk.trace.export", logging.WARNING, "Processor is already shutdown, ignoring call")
        ]


def test_threads_send_their_own_spans(sink: Sink, make_exporter: MakeExporter) -> None:
    tracer = provider_with(SimpleSpanProcessor(make_exporter(sink.traces_endpoint))).get_tracer("tests")

    def end_some(thread: int) -> None:
        for number in range(50):
            tracer.start_span("span", attributes={"number": thread * 1000 + number}).end()

    threads = [threading.Thread(target=end_some, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = sorted(span.attributes["number"] for span in sink.spans())
    assert sent == [thread * 1000 + number for thread in range(4) for number in range(50)]


def test_a_forked_child_sends_its_own(sink: Sink, make_exporter: MakeExporter) -> None:
    tracer = provider_with(SimpleSpanProcessor(make_exporter(sink.traces_endpoint))).get_tracer("tests")
    tracer.start_span("parent").end()
    child = os.fork()
    if child == 0:  # pragma: no cover  # the child's coverage is nobody's
        signal.alarm(60)
        tracer.start_span("child").end()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    tracer.start_span("parent again").end()
    assert [span.name for span in sink.spans()] == ["parent", "child", "parent again"]


def test_it_may_be_called_while_it_sends(sink: Sink, make_exporter: MakeExporter) -> None:
    class Nests(SpanProcessor):
        def on_end(self, span: Any) -> None:
            if span.name == "outer":
                tracer.start_span("inner").end()

    tracer = provider_with(Nests(), SimpleSpanProcessor(make_exporter(sink.traces_endpoint))).get_tracer("tests")
    tracer.start_span("outer").end()
    assert [span.name for span in sink.spans()] == ["inner", "outer"]
