"""Functions that are called for errors and drops: which thread, how often, and that the sums are those of the counts."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan

import spanwire
from spanwire import events
from spanwire.events import DropEvent, ErrorEvent
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from tests.integration.exporter.conftest import MakeExporter, counts


class Heard:
    """What was told of one destination, and on which threads."""

    def __init__(self, destination: str) -> None:
        self.destination = destination
        self.errors: list[ErrorEvent] = []
        self.drops: list[DropEvent] = []
        self.threads: set[int] = set()

    def on_error(self, event: ErrorEvent) -> None:
        self._hear(self.errors, event)

    def on_drop(self, event: DropEvent) -> None:
        self._hear(self.drops, event)

    def _hear(self, told: list[ErrorEvent] | list[DropEvent], event: ErrorEvent | DropEvent) -> None:
        if event.destination == self.destination:
            self.threads.add(threading.get_ident())
            told.append(event)  # type: ignore[arg-type]  # each has its list

    def lost(self) -> Counter[str]:
        lost: Counter[str] = Counter()
        for event in list(self.drops):
            lost[event.reason] += event.count
        return lost


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.005)


@pytest.fixture
def heard(sink: Sink) -> Iterator[Heard]:
    heard = Heard(sink.traces_endpoint)
    subscription = events.subscribe(on_error=heard.on_error, on_drop=heard.on_drop)
    yield heard
    subscription.cancel()
    subscription.cancel()


def test_a_refused_batch_is_told_once_with_all_that_is_known(
    sink: Sink, spans: list[ReadableSpan], make_exporter: MakeExporter, heard: Heard
) -> None:
    sink.inject(status=400)
    before = time.time()
    make_exporter(sink.traces_endpoint).export(spans)
    until(lambda: bool(heard.drops and heard.errors))
    (error,), (drop,) = heard.errors, heard.drops
    for event in (error, drop):
        assert (event.signal, event.reason, event.count) == ("traces", "refused", 10)
        assert event.message.startswith("status 400"), event
        assert before <= event.time <= time.time()
        assert event.spans == event.count  # the former name
    assert threading.get_ident() not in heard.threads and len(heard.threads) == 1
    with pytest.raises(AttributeError):
        error.count = 1  # type: ignore[misc]  # frozen


def test_many_failures_make_few_calls_and_the_sum_is_exact(
    sink: Sink, spans: list[ReadableSpan], make_exporter: MakeExporter, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    sink.inject(times=100, status=400)
    begin = time.monotonic()
    for _ in range(100):
        exporter.export(spans[:3])
    until(lambda: heard.lost() == {"refused": 300})
    until(lambda: sum(event.count for event in heard.errors) == 300)
    seconds = time.monotonic() - begin
    assert len(heard.drops) <= 2 + seconds and len(heard.errors) <= 2 + seconds
    assert len([record for record in caplog.records if sink.traces_endpoint in record.getMessage()]) == 1


def test_each_reason_is_told_for_itself_and_logged_for_itself(
    sink: Sink, spans: list[ReadableSpan], make_exporter: MakeExporter, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = make_exporter(sink.traces_endpoint, max_request_size=1)
    exporter.export(spans)
    exporter = make_exporter(sink.traces_endpoint)
    sink.inject(status=400)
    exporter.export(spans[:2])
    sink.inject(rejected=4, message="four too many")
    exporter.export(spans)
    sink.inject(message="all is well")
    exporter.export(spans)
    until(lambda: heard.lost() == {"too_large": 10, "refused": 2, "rejected": 4})
    until(lambda: len(heard.errors) == 4)
    told = {event.reason: (event.count, event.message) for event in heard.errors}
    assert told.pop("message") == (0, "all is well")
    assert told.pop("rejected")[0] == 4
    assert {reason: spans for reason, (spans, _) in told.items()} == {"too_large": 10, "refused": 2}
    assert len(caplog.records) == 4


def test_a_full_queue_is_told_though_nobody_asks(sink: Sink, heard: Heard, make_exporter: MakeExporter) -> None:
    sink.inject(delay=2)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, max_queue_size=4, max_export_batch_size=2)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    for _ in range(1_000):
        tracer.start_span("span").end()
    until(lambda: heard.lost()["queue_full"] > 0)
    assert not heard.errors
    provider.shutdown()
    tracer.start_span("late").end()
    until(lambda: heard.lost()["shutdown"] == 1)
    until(lambda: heard.lost() == counts(exporter)["dropped"])


def test_an_exporter_in_python_is_told_of_too() -> None:
    class Unwilling(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            return SpanExportResult.FAILURE

    heard = Heard("Unwilling")
    subscription = events.subscribe(on_error=heard.on_error, on_drop=heard.on_drop)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Unwilling()))
    provider.get_tracer("tests").start_span("span").end()
    provider.shutdown()
    until(lambda: heard.lost() == {"refused": 1} and len(heard.errors) == 1)
    subscription.cancel()


def test_a_function_that_hangs_holds_up_nobody_else(
    sink: Sink, spans: list[ReadableSpan], make_exporter: MakeExporter
) -> None:
    exporter = make_exporter(sink.traces_endpoint)
    heard, go_on, began = Heard(sink.traces_endpoint), threading.Event(), threading.Event()

    def hang(event: DropEvent) -> None:
        began.set()
        go_on.wait(60)
        heard.on_drop(event)

    subscription = events.subscribe(on_drop=hang)
    sink.inject(times=20, status=400)
    exporter.export(spans)
    assert began.wait(60)
    for _ in range(19):
        exporter.export(spans)
    assert exporter.force_flush() and not heard.drops
    go_on.set()
    until(lambda: heard.lost() == {"refused": 200})
    subscription.cancel()


def test_a_function_that_raises_is_logged_once_and_others_are_called(
    sink: Sink,
    spans: list[ReadableSpan],
    make_exporter: MakeExporter,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = 0

    def broken(event: DropEvent) -> None:
        nonlocal calls
        calls += 1
        raise SystemExit("broken on purpose")

    monkeypatch.setattr("spanwire._telemetry.log.INTERVAL_SECONDS", 0.0)
    caplog.set_level(logging.WARNING)
    subscription = events.subscribe(on_drop=broken)
    exporter = make_exporter(sink.traces_endpoint)
    for reason in (400, 403):
        sink.inject(status=reason)
        exporter.export(spans)
        until(lambda: calls > 0 and sum(heard.lost().values()) > 0)
    until(lambda: calls >= 2 and heard.lost() == {"refused": 20})
    subscription.cancel()
    assert len([record for record in caplog.records if "broken on purpose" in record.getMessage()]) == 1


def test_what_is_cancelled_is_called_no_more(
    sink: Sink, spans: list[ReadableSpan], make_exporter: MakeExporter, heard: Heard
) -> None:
    other = Heard(sink.traces_endpoint)
    events.subscribe(on_error=other.on_error, on_drop=other.on_drop).cancel()
    sink.inject(status=400)
    make_exporter(sink.traces_endpoint).export(spans)
    until(lambda: bool(heard.drops and heard.errors))
    assert not other.drops and not other.errors


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="on_drop is called with an event"):
        events.subscribe(on_drop="print")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match="on_error is called with an event"):
        spanwire.install(on_error=3)  # type: ignore[arg-type]  # the mistake
