"""A batch processor in front of a backend that is away, or wants less: what waits is tried until it is taken."""

import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.integration.exporter.conftest import MakeExporter, counts
from tests.ports import free_port

HOUR = 3_600_000.0


def started(processor: BatchSpanProcessor) -> Any:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider.get_tracer("tests")


def end_spans(tracer: Any, numbers: range) -> None:
    for number in numbers:
        tracer.start_span(f"span {number}").end()


def wait_until(condition: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def breaker(exporter: OTLPSpanExporter) -> str:
    state: str = spanwire.stats()["traces"][exporter._client.destination]["breaker"]
    return state


def names(sink: Sink) -> list[str]:
    return sorted(span.name for span in sink.spans())


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 429, "retry_after": 0}, {"delay": 60}, {"disconnect": "reset"}]
)
def test_an_outage_that_outlasts_the_timeout_loses_nothing(
    fault: dict[str, Any], sink: Sink, make_exporter: MakeExporter
) -> None:
    sink.inject(**fault, times=None)
    exporter = make_exporter(sink.traces_endpoint, timeout=1)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR, max_export_batch_size=100)
    end_spans(started(processor), range(1000))
    wait_until(lambda: counts(exporter)["requests"] >= 3)
    # The request in hand has been tried for longer than its timeout, and all others wait.
    assert (counts(exporter)["queued"], counts(exporter)["dropped"]) == (1000, {})
    assert counts(exporter)["last_error"] is not None
    sink.clear_faults()
    assert processor.force_flush(30_000)
    assert names(sink) == sorted(f"span {number}" for number in range(1000))
    assert (counts(exporter)["exported"], counts(exporter)["dropped"]) == (1000, {})
    assert breaker(exporter) == "closed"
    processor.shutdown()


def test_a_backend_that_starts_after_the_program_gets_all(make_exporter: MakeExporter) -> None:
    port = free_port()
    exporter = make_exporter(f"http://127.0.0.1:{port}/v1/traces", timeout=2)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=20)
    end_spans(started(processor), range(10))
    wait_until(lambda: counts(exporter)["last_error"] is not None)
    end_spans(started(processor), range(10, 20))
    with Sink(port=port) as sink:
        sink.wait_for(20, timeout=30)
        assert processor.force_flush()
        processor.shutdown()
    assert counts(exporter)["dropped"] == {}


def test_the_breaker_opens_and_one_small_request_closes_it(
    sink: Sink, make_exporter: MakeExporter, caplog: pytest.LogCaptureFixture
) -> None:
    sink.inject(status=503, message="later", times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR)
    tracer = started(processor)
    for number in range(1000):
        tracer.start_span(f"span {number}", attributes={"long": "x" * 100}).end()
    assert not processor.force_flush(100)
    wait_until(lambda: breaker(exporter) == "open")
    assert counts(exporter)["dropped"] == {}
    sink.clear_faults()
    assert processor.force_flush(30_000)
    assert breaker(exporter) == "closed"
    first, *_ = sink.requests()
    assert first.span_count < 200
    assert sink.span_count == 1000
    wait_until(lambda: "wait" in caplog.text)  # another thread may have it in hand
    (line,) = [record.getMessage() for record in caplog.records if "wait" in record.getMessage()]
    assert line == f"Spans to {sink.traces_endpoint} wait, and are tried again: status 503: later"
    processor.shutdown()


@pytest.fixture
def picky_server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers 503 to whatever contains "poison": its endpoint, and the bodies that it took."""
    taken: list[bytes] = []

    class Picky(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_poison = b"poison" in body
            if not is_poison:
                taken.append(body)
            self.send_response(503 if is_poison else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Picky) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", taken
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_span_that_is_never_taken_holds_back_nothing_else(
    picky_server: tuple[str, list[bytes]], make_exporter: MakeExporter
) -> None:
    endpoint, taken = picky_server
    exporter = make_exporter(endpoint, timeout=5)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=20, max_export_batch_size=10)
    tracer = started(processor)
    end_spans(tracer, range(1000, 1004))
    tracer.start_span("poison").end()
    end_spans(tracer, range(1004, 1009))
    end_spans(tracer, range(1009, 1100))
    wait_until(lambda: counts(exporter)["exported"] == 100, 120)  # also its neighbours in the same request
    assert counts(exporter)["queued"] == 1  # it is not given up yet
    assert not processor.force_flush(100)
    end_spans(tracer, range(1100, 1200))
    wait_until(lambda: counts(exporter)["exported"] == 200)
    arrived = re.findall(rb"span \d{4}", b"".join(taken))
    assert sorted(arrived) == sorted(b"span %d" % number for number in range(1000, 1200))
    processor.shutdown()
    assert counts(exporter)["dropped"] == {"exhausted": 1}


def test_a_full_queue_pushes_out_the_request_in_hand(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR, max_queue_size=20, max_export_batch_size=10)
    tracer = started(processor)
    end_spans(tracer, range(10))
    wait_until(lambda: counts(exporter)["requests"] >= 1)
    end_spans(tracer, range(10, 60))  # of which the queue keeps 20
    wait_until(lambda: counts(exporter)["dropped"] == {"queue_full": 40})
    assert counts(exporter)["queued"] == 20
    sink.clear_faults()
    assert processor.force_flush(30_000)
    assert names(sink) == sorted(f"span {number}" for number in range(40, 60))
    processor.shutdown()


def test_what_cannot_be_delivered_at_shutdown_is_counted_in_time(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=503, times=None)
    exporter = make_exporter(sink.traces_endpoint, timeout=0.3)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR, max_export_batch_size=100)
    end_spans(started(processor), range(250))
    start = time.monotonic()
    assert not processor.force_flush(200)
    assert time.monotonic() - start < 10  # a hang guard: 0.2 s
    processor.shutdown()
    assert time.monotonic() - start < 25  # a hang guard: 0.3 s for each of three requests
    got = counts(exporter)
    assert (got["queued"], got["exported"], sum(got["dropped"].values())) == (0, 0, 250)


def test_requests_become_as_small_as_the_backend_wants_them(sink: Sink, make_exporter: MakeExporter) -> None:
    sink.inject(status=413, times=2)
    exporter = make_exporter(sink.traces_endpoint)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=HOUR, max_export_batch_size=1000)
    tracer = started(processor)
    end_spans(tracer, range(1000))
    assert processor.force_flush()
    assert max(request.span_count for request in sink.requests()) <= 510
    seen = sink.request_count
    end_spans(tracer, range(1000, 2000))
    assert processor.force_flush()
    later = sink.requests()[seen:]
    assert sum(request.span_count for request in later) == 1000
    assert max(request.span_count for request in later) <= 510
    assert (counts(exporter)["exported"], counts(exporter)["dropped"]) == (2000, {})
    processor.shutdown()
